import { History as Clock, X } from "lucide-react";
import { Fragment, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Plain } from "../lib/check.ts";
import { shown } from "../lib/format.ts";
import type { ConflictShape, FieldShape, RecordShape, RelationColumn, RelationShape } from "../sdk/index.ts";
import { isTyping } from "./App.tsx";
import { ConflictChoices, type Side } from "./ConflictChoices.tsx";
import { Ends, RecordField, useRelationColumns } from "./Ends.tsx";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import { History } from "./record/History.tsx";
import { Same } from "./record/Same.tsx";
import { Tables } from "./record/Tables.tsx";
import { Taken } from "./record/Taken.tsx";
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
  const [told, setTold] = useState<FieldShape | null>(null);
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
          {record !== null && <Same record={record} table={table} />}
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
              onClick={() => {
                setTold(null);
                setTab(one);
              }}
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
      {record !== null && tab === "fields" && (
        <Fields
          record={record}
          table={table}
          tell={(field) => {
            setTold(field);
            setTab("history");
          }}
        />
      )}
      {record !== null && tab === "history" && (
        <History record={record} field={told} version={overview} showAll={() => setTold(null)} />
      )}
    </aside>
  );
};

/** Fields that people said are the same data, each once: the first of them, with the tables of the others. */
const useOnce = (fields: readonly TableField[], titleOf: (table: string) => string) => {
  const { show } = useShow();
  const overview = useOverview();
  const { value: pairs } = useAsked(() => show.call("table.mapped", {}), "mapped", overview);
  return useMemo(() => {
    const first = new Map<string, TableField>();
    const also = new Map<string, string[]>();
    const once = fields.filter((field) => {
      const kin = kinOf(field.key, pairs ?? []);
      const before = [...kin].map((key) => first.get(key)).find((one) => one !== undefined);
      if (before === undefined) {
        first.set(field.key, field);
        return true;
      }
      also.set(before.key, [...(also.get(before.key) ?? []), `${titleOf(field.table)}: ${field.title}`]);
      return false;
    });
    return { once, also };
  }, [fields, pairs, titleOf]);
};

/** Every field that is the same data as one, by whatever way. */
const kinOf = (
  key: string,
  pairs: readonly { readonly one: string; readonly other: string }[],
): ReadonlySet<string> => {
  const found = new Set([key]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { one, other } of pairs)
      if (found.has(one) || found.has(other)) {
        found.add(one);
        found.add(other);
      }
  }
  return found;
};

interface FieldsProps {
  readonly record: RecordShape;
  readonly table: string;
  /** Shows the history of a field. */
  readonly tell: (field: FieldShape) => void;
}

const Fields = ({ record, table, tell }: FieldsProps) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const others = record.tables.filter((one) => one !== table);
  const all = useFields([table, ...others]);
  const tables = overview?.tables;
  const titleOf = useCallback(
    (name: string): string => tables?.find((one) => one.name === name)?.title ?? name,
    [tables],
  );
  const inSight = useMemo(() => all.filter((field) => !field.hidden), [all]);
  const { once: fields, also } = useOnce(inSight, titleOf);
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
  const fieldRow = (field: TableField) => {
    const conflict = asked(field.key);
    return (
      <div key={field.key} className="f-row">
        <span className="f-label" id={`f-${field.key}`}>
          {field.title}
          <button
            type="button"
            className="f-told"
            aria-label={`History of ${field.title}`}
            title="History of this field"
            onClick={() => tell(field)}
          >
            <Clock className="i" aria-hidden="true" />
          </button>
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
          {also.has(field.key) && <small className="f-also">= {also.get(field.key)?.join(", ")}</small>}
          <Taken record={record} field={field} />
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
        <Tables record={record} table={table} />
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
