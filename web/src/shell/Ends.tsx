import { X } from "lucide-react";
import { useLocation } from "wouter";
import { shown } from "../lib/format.ts";
import { TypeAhead } from "../parts/TypeAhead.tsx";
import { type RecordShape, type RelationColumn, type RelationShape, relating } from "../sdk/index.ts";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import type { TableField } from "./useFields.ts";

const SUGGESTIONS = 8;
/** What is dragged is an entry of a list in this page, and nothing else. */
const DRAGGED = "application/x-openprod-entry";

/** Suggests records of some tables by the words typed. */
export const useSuggest = (tables: readonly string[]) => {
  const { show } = useShow();
  const overview = useOverview();
  return async (text: string) => {
    if (text === "" && tables.length === 0) return [];
    const found = await show.call("record.find", { text, tables, limit: SUGGESTIONS });
    if (!found.ok) return [];
    return found.value.map((one) => ({
      id: one.record,
      title: one.title,
      hint:
        tables.length === 1 ? "" : (overview?.tables.find((table) => table.name === one.table)?.title ?? ""),
    }));
  };
};

/** The relations that records of some tables can have, each once. */
export const useRelationColumns = (tables: readonly string[]): readonly RelationColumn[] => {
  const { show } = useShow();
  const { value } = useAsked(
    async () => {
      const found = await Promise.all(tables.map((table) => show.call("table.relations", { table })));
      const all = found.flatMap((one) => (one.ok ? one.value : []));
      return {
        ok: true as const,
        value: all.filter((one, at) => all.findIndex((other) => other.key === one.key) === at),
      };
    },
    tables.join(" "),
    show.line.state,
  );
  return value ?? [];
};

interface EndsProps {
  readonly record: RecordShape;
  readonly column: RelationColumn;
  readonly ends: readonly RelationShape[];
}

/** One relation of a record: what is at the other ends, each to be opened or taken away, and a box to add one. */
export const Ends = ({ record, column, ends }: EndsProps) => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  const suggest = useSuggest(column.tables);
  const open = async (id: string): Promise<void> => {
    const found = await show.call("record.get", { record: id });
    const table = found.ok ? found.value.tables[0] : undefined;
    if (table !== undefined) go(`/table/${table}?record=${id}`);
  };
  const add = async (other: string, title: string): Promise<void> => {
    const answer = await show.edit([relating(column.key, record.id, other)], `${column.title}: ${title}`);
    if (!answer.ok) say(answer.error);
  };
  const addNamed = async (name: string): Promise<void> => {
    if (name === "") return;
    const found = await show.call("record.named", { texts: [name], tables: column.tables });
    const one = found.ok ? found.value[0] : undefined;
    if (!found.ok) say(found.error);
    else if (one !== undefined && one.record !== null) await add(one.record, one.title);
    else say({ code: "client.not_named", message: one?.why ?? "" });
  };
  const end = async (one: RelationShape): Promise<void> => {
    const answer = await show.edit(
      [{ do: "unrelate", relation: one.id }],
      `Not ${column.title.toLowerCase()}: ${one.title}`,
    );
    if (!answer.ok) say(answer.error);
  };
  const isOrdered = column.ordered && column.is_source;
  /** Moves an entry to another place of the list, as one step. */
  const move = async (from: number, to: number): Promise<void> => {
    const [moved, there] = [ends[from], ends[to]];
    if (moved === undefined || there === undefined || from === to) return;
    const place = to > from ? { after: there.id } : { before: there.id };
    const answer = await show.edit(
      [{ do: "move", relation: moved.id, ...place }],
      `${column.title}: ${moved.title} ${to > from ? "behind" : "before"} ${there.title}`,
    );
    if (!answer.ok) say(answer.error);
  };
  /** What makes an entry of an ordered list one that is dragged to its place. */
  const moving = (one: RelationShape, at: number) =>
    isOrdered
      ? {
          draggable: true,
          title: "Drag, or Alt ↑ and Alt ↓, to put it elsewhere in the order",
          onDragStart: (event: React.DragEvent) => event.dataTransfer.setData(DRAGGED, one.id),
          onDragOver: (event: React.DragEvent) => {
            if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
          },
          onDrop: (event: React.DragEvent) => {
            event.preventDefault();
            const id = event.dataTransfer.getData(DRAGGED);
            void move(
              ends.findIndex((end) => end.id === id),
              at,
            );
          },
        }
      : {};
  return (
    <div className="f-row">
      <span className="f-label">{column.title}</span>
      <div className="f-value">
        {ends.length > 0 && (
          <ul className="ends">
            {ends.map((one, at) => (
              <li key={one.id} className="chip is-end" {...moving(one, at)}>
                <button
                  type="button"
                  className="end-open"
                  aria-keyshortcuts={isOrdered ? "Alt+ArrowUp Alt+ArrowDown" : undefined}
                  onClick={() => void open(one.other)}
                  onKeyDown={(event) => {
                    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
                    if (!isOrdered || !event.altKey || by === 0) return;
                    event.preventDefault();
                    void move(at, at + by);
                  }}
                >
                  {one.title}
                  <Properties relation={one} />
                </button>
                <button
                  type="button"
                  className="end-gone"
                  aria-label={`Take ${one.title} away from ${column.title}`}
                  onClick={() => void end(one)}
                >
                  <X className="i" aria-hidden="true" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <TypeAhead
          label={`Add to ${column.title}`}
          placeholder={ends.length === 0 ? "—" : "Add"}
          text=""
          suggest={suggest}
          choose={(chosen) => void add(chosen.id, chosen.title)}
          leave={(name) => void addNamed(name)}
        />
      </div>
    </div>
  );
};

/** What is said of a relation itself: the values of its properties. */
const Properties = ({ relation }: { readonly relation: RelationShape }) => {
  const { show } = useShow();
  useStore(show.titles);
  const words = Object.values(relation.properties)
    .filter((value) => value !== null && value !== false)
    .map((value) => shown(value, { type: "text", unit: "" }, show.titles.of));
  return words.length === 0 ? null : <small>{words.join(", ")}</small>;
};

interface RecordFieldProps {
  readonly record: RecordShape;
  readonly field: TableField;
}

/** A field that points to another record: chosen by typing its name. */
export const RecordField = ({ record, field }: RecordFieldProps) => {
  const { show, say } = useShow();
  useStore(show.titles);
  const suggest = useSuggest(field.target);
  const text = shown(record.fields[field.key], field, show.titles.of);
  const set = async (value: string | null): Promise<void> => {
    const heads = { [field.key]: record.heads[field.key] ?? [] };
    const answer = await show.edit(
      [{ do: "set", record: record.id, fields: { [field.key]: value }, heads }],
      "",
    );
    if (!answer.ok) say(answer.error);
  };
  const setNamed = async (name: string): Promise<void> => {
    if (name === "") {
      await set(null);
      return;
    }
    const found = await show.call("record.named", { texts: [name], tables: field.target });
    const one = found.ok ? found.value[0] : undefined;
    if (!found.ok) say(found.error);
    else if (one !== undefined && one.record !== null) await set(one.record);
    else say({ code: "client.not_named", message: one?.why ?? "" });
  };
  return (
    <TypeAhead
      label={field.title}
      placeholder="—"
      text={text}
      suggest={suggest}
      choose={(chosen) => void set(chosen.id)}
      leave={(name) => void setNamed(name)}
    />
  );
};
