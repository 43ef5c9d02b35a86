import { X } from "lucide-react";
import { Fragment, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import type { Plain } from "../lib/check.ts";
import { moment, shown } from "../lib/format.ts";
import type {
  ConflictShape,
  FieldShape,
  LogEntry,
  RecordShape,
  RelationColumn,
  RelationShape,
} from "../sdk/index.ts";
import { isTyping } from "./App.tsx";
import { ConflictChoices, type Side } from "./ConflictChoices.tsx";
import { Ends, RecordField, useRelationColumns } from "./Ends.tsx";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import { type TableField, useFields } from "./useFields.ts";

export type PanelTab = "fields" | "history";

interface PanelProps {
  readonly record: string;
  readonly table: string;
  readonly tab: PanelTab;
  readonly setTab: (tab: PanelTab) => void;
  readonly close: () => void;
}

export const RecordPanel = ({ record: id, table, tab, setTab, close }: PanelProps) => {
  const { show } = useShow();
  const overview = useOverview();
  const panel = useRef<HTMLElement>(null);
  const { value: record, fault } = useAsked(() => show.call("record.get", { record: id }), id, overview);

  const keys = (event: React.KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (/^[1-9]$/.test(event.key) && !isTyping(event.target)) {
      const asked = panel.current?.querySelector<HTMLButtonElement>(
        `.cf:focus-within [data-take="${event.key}"]`,
      );
      (asked ?? panel.current?.querySelector<HTMLButtonElement>(`[data-take="${event.key}"]`))?.click();
    }
  };

  return (
    <aside
      ref={panel}
      className="panel"
      aria-label={record === null ? "Record" : `Record ${record.title}`}
      data-region="panel"
      onKeyDown={keys}
    >
      <header>
        <div className="panel-top">
          <h2>{record?.title ?? ""}</h2>
          <button type="button" className="btn icon" aria-label="Close record" onClick={close}>
            <X className="i" aria-hidden="true" />
          </button>
        </div>
        <div className="tabs" role="tablist" aria-label="Record">
          {(["fields", "history"] as const).map((one) => (
            <button
              key={one}
              type="button"
              role="tab"
              aria-selected={tab === one}
              className="tab"
              onClick={() => setTab(one)}
            >
              {one === "fields" ? "Fields" : "History"}
            </button>
          ))}
        </div>
      </header>
      {fault !== null && (
        <p className="panel-fault" role="alert">
          {fault.message}
        </p>
      )}
      {record !== null && tab === "fields" && <Fields record={record} table={table} />}
      {record !== null && tab === "history" && <History record={record} version={overview} />}
    </aside>
  );
};

const Fields = ({ record, table }: { readonly record: RecordShape; readonly table: string }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const others = record.tables.filter((one) => one !== table);
  const fields = useFields([table, ...others]).filter((field) => !field.hidden);
  const { value: open } = useAsked(() => show.call("conflict.list", {}), record.id, overview);
  const asked = (key: string): ConflictShape | undefined =>
    open?.conflicts.find((conflict) => conflict.record === record.id && conflict.field === key);
  const take = async (conflict: ConflictShape, side: Side): Promise<void> => {
    const answer = await show.call("conflict.resolve", { conflict: conflict.id, choose: side.op });
    say(answer.ok ? "Decided. It can be changed again." : answer.error);
  };
  const [isWhole, setIsWhole] = useState(false);
  const isEmpty = (field: FieldShape): boolean =>
    !field.required && (record.fields[field.key] ?? null) === null && asked(field.key) === undefined;
  const empty = fields.filter(isEmpty);
  const columns = useRelationColumns(record.tables);
  const { value: relations } = useAsked(
    () => show.call("record.relations", { record: record.id }),
    record.id,
    overview,
  );
  const endsOf = (column: RelationColumn): readonly RelationShape[] =>
    (relations ?? []).filter((one) => isOf(one, column));
  const titleOf = (name: string): string => overview?.tables.find((one) => one.name === name)?.title ?? name;
  const fieldRow = (field: TableField) => {
    const conflict = asked(field.key);
    return (
      <div key={field.key} className="f-row">
        <span className="f-label" id={`f-${field.key}`}>
          {field.title}
        </span>
        <div className="f-value">
          {conflict !== undefined && (
            <ConflictChoices conflict={conflict} field={field} take={(one, side) => void take(one, side)} />
          )}
          {field.type === "record" && conflict === undefined ? (
            <RecordField record={record} field={field} />
          ) : (
            <FieldText record={record} field={field} isOpen={conflict !== undefined} />
          )}
        </div>
      </div>
    );
  };
  return (
    <>
      <div className="f">
        {[table, ...others].map((name) => (
          <Fragment key={name}>
            {name !== table && <h3 className="f-group">{titleOf(name)}</h3>}
            {fields.filter((field) => field.table === name && (isWhole || !isEmpty(field))).map(fieldRow)}
          </Fragment>
        ))}
        {columns
          .filter((column) => isWhole || column.is_source || endsOf(column).length > 0)
          .map((column) => (
            <Ends key={column.key} record={record} column={column} ends={endsOf(column)} />
          ))}
        {empty.length > 0 && (
          <button type="button" className="btn f-more" onClick={() => setIsWhole(!isWhole)}>
            {isWhole ? "Hide empty fields" : `${empty.length} empty fields`}
          </button>
        )}
        {others.length > 0 && (
          <div className="f-row">
            <span className="f-label">Also in</span>
            <div className="f-value chips">
              {others.map((name) => (
                <Link key={name} href={`/table/${name}?record=${record.id}`} className="chip">
                  {titleOf(name)}
                </Link>
              ))}
            </div>
          </div>
        )}
      </div>
      <OtherRelations
        relations={(relations ?? []).filter((one) => !columns.some((column) => isOf(one, column)))}
      />
    </>
  );
};

const isOf = (one: RelationShape, column: RelationColumn): boolean =>
  one.relation === column.relation && one.is_source === column.is_source;

interface FieldTextProps {
  readonly record: RecordShape;
  readonly field: FieldShape;
  /** Whether its values compete: then the box is empty, and what is typed into it settles the question. */
  readonly isOpen: boolean;
}

/** One field's text: what is saved until someone types, then what they type, with the writes they were looking at. */
const FieldText = ({ record, field, isOpen }: FieldTextProps) => {
  const { show, say } = useShow();
  useStore(show.titles);
  const saved = isOpen ? "" : shown(record.fields[field.key], field, show.titles.of);
  const [typed, setTyped] = useState<{ readonly text: string; readonly heads: readonly string[] } | null>(
    null,
  );
  const box = useRef<HTMLTextAreaElement>(null);
  const text = typed?.text ?? saved;
  useEffect(() => {
    const area = box.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
    void text;
  }, [text]);

  const save = async (): Promise<void> => {
    if (typed === null || typed.text === saved) {
      setTyped(null);
      return;
    }
    const value: Plain = typed.text === "" ? null : typed.text;
    const answer = await show.edit(
      [{ do: "set", record: record.id, fields: { [field.key]: value }, heads: { [field.key]: typed.heads } }],
      "",
    );
    if (answer.ok) setTyped(null);
    else say(answer.error);
  };

  return (
    <textarea
      ref={box}
      className={typed === null ? "f-text" : "f-text is-typed"}
      rows={1}
      value={text}
      aria-labelledby={`f-${field.key}`}
      placeholder={isOpen ? "Another value" : "—"}
      spellCheck={field.type === "text"}
      readOnly={field.type === "blob"}
      onChange={(event) =>
        setTyped({ text: event.target.value, heads: typed?.heads ?? record.heads[field.key] ?? [] })
      }
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.altKey && !event.shiftKey) {
          event.preventDefault();
          void save();
        } else if (event.key === "Escape" && typed !== null) {
          event.preventDefault();
          event.stopPropagation();
          setTyped(null);
        }
      }}
    />
  );
};

/** Relations that no table of the record has as a column: their module is not used here any more, or another table's. */
const OtherRelations = ({ relations }: { readonly relations: readonly RelationShape[] }) =>
  relations.length === 0 ? null : (
    <section className="hist">
      <h3>Also related</h3>
      <ul>
        {relations.map((one) => (
          <li key={one.id}>
            <span className="muted">{one.name}</span>
            <span>{one.title}</span>
          </li>
        ))}
      </ul>
    </section>
  );

const History = ({ record, version }: { readonly record: RecordShape; readonly version: unknown }) => {
  const { show } = useShow();
  const { value: entries } = useAsked(
    () => show.call("record.history", { record: record.id }),
    record.id,
    version,
  );
  const now = new Date();
  return (
    <div className="hist" role="tabpanel">
      <ol>
        {entries?.map((entry) => (
          <Entry key={entry.bundle} entry={entry} now={now} />
        ))}
      </ol>
      {entries?.length === 0 && <p className="muted">Nothing has changed yet.</p>}
    </div>
  );
};

const Entry = ({ entry, now }: { readonly entry: LogEntry; readonly now: Date }) => (
  <li>
    <time dateTime={entry.at}>{moment(entry.at, now)}</time>
    <span>
      <b>{entry.actor_name}</b>{" "}
      {entry.ops.length === 0 ? entry.label : entry.ops.map((op) => op.text).join("; ")}
    </span>
  </li>
);
