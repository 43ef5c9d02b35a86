import { ArrowDownUp, Download, ListFilter, Plus } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { counted, isNumeric } from "../lib/format.ts";
import { question } from "../lib/question.ts";
import { good, type Result } from "../lib/result.ts";
import { writeTsv } from "../lib/tsv.ts";
import { Choice } from "../parts/Choice.tsx";
import type { Column, GridEvents, GridSource } from "../parts/grid/core.ts";
import { Grid, type GridHandle } from "../parts/grid/Grid.tsx";
import { at, filled, pasted, range, type Selection, size } from "../parts/grid/model.ts";
import {
  type Cells,
  ENDS,
  endsColumn,
  type FieldShape,
  type LiveRows,
  lineState,
  type Memory,
  SEPARATOR,
  type Show,
} from "../sdk/index.ts";
import { download } from "./download.ts";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import { type PanelTab, RecordPanel } from "./RecordPanel.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";

const FILTER_MS = 200;
const SUGGESTIONS = 8;

export const TablePage = ({ name }: { readonly name: string }) => {
  const { show } = useShow();
  const overview = useOverview();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const { value: fields, fault } = useAsked(() => columnsOf(show, name), name, state);
  const table = overview?.tables.find((one) => one.name === name);
  const title = table?.title ?? name;
  const keys = table?.key.join(" ") ?? "";
  if (fields !== null && overview !== null)
    return <TableScreen name={name} title={title} keys={keys} fields={fields} />;
  return (
    <main className="main" aria-busy={fault === null}>
      <TopBar title={overview === null ? "" : title} />
      {fault !== null && (
        <div className="empty" role="alert">
          <p>{fault.message}</p>
        </div>
      )}
    </main>
  );
};

/** A table's fields and its relations, as the columns it can show. */
const columnsOf = async (show: Show, table: string): Promise<Result<readonly FieldShape[]>> => {
  const [fields, relations] = await Promise.all([
    show.call("table.fields", { table }),
    show.call("table.relations", { table }),
  ]);
  if (!fields.ok) return fields;
  return relations.ok ? good([...fields.value, ...relations.value.map(endsColumn)]) : relations;
};

interface TableScreenProps {
  readonly name: string;
  readonly title: string;
  /** Names of the fields that tell records apart, with spaces between: the order when nothing else is chosen. */
  readonly keys: string;
  readonly fields: readonly FieldShape[];
}

/** What of a table's screen lives in its address, so that Back and a bookmark work. */
const useAddress = () => {
  const [params, setParams] = useSearchParams();
  const set = (changes: { readonly [key: string]: string | null }, replace = false): void =>
    setParams(
      (before) => {
        const made = new URLSearchParams(before);
        for (const [key, value] of Object.entries(changes))
          value === null ? made.delete(key) : made.set(key, value);
        return made;
      },
      { replace },
    );
  return {
    filter: params.get("filter") ?? "",
    sort: params.get("sort"),
    isDown: params.get("down") === "1",
    record: params.get("record"),
    isAdding: params.get("add") === "1",
    tab: params.get("tab") === "history" ? "history" : "fields",
    set,
  } as const;
};

const memoryFor = (table: string): Memory => {
  const key = `openprod.typed.${table}`;
  return {
    read: () => sessionStorage.getItem(key),
    write: (text) => (text === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, text)),
  };
};

const TableScreen = ({ name, title, keys, fields }: TableScreenProps) => {
  const { show, say } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const address = useAddress();
  const grid = useRef<GridHandle>(null);
  const [selection, setSelection] = useState<Selection>(at(0, 0));
  const visible = useMemo(() => ordered(fields, keys.split(" ")), [fields, keys]);
  const { filter, sort, isDown } = address;
  const { rows, cells, query } = useMemo(() => {
    const own = keys === "" ? [] : keys.split(" ").map((field) => ({ field, isDown: false }));
    const order = sort === null ? own : [{ field: sort, isDown }, ...own.filter((one) => one.field !== sort)];
    const query = question(name, visible, filter, order);
    const live = show.rows(query, name);
    return { rows: live, query, cells: show.cells(name, visible, query, live, memoryFor(name)) };
  }, [show, name, keys, visible, filter, sort, isDown]);
  const version = useStore(cells);
  const view = useStore(rows);
  useEffect(() => {
    cells.onFault = (fault) => say(fault);
  }, [cells, say]);

  // A record that the address names, and that was not chosen here, is gone to wherever its row is.
  const here = useRef<string | null>(null);
  const isLive = view.state === "live";
  useEffect(() => {
    const record = address.record;
    if (!isLive || record === here.current) return;
    here.current = record;
    if (record === null) return;
    void show.call("query.place", { query, record }).then((answer) => {
      if (!answer.ok || here.current !== record) return;
      if (answer.value.place !== null) grid.current?.go({ row: answer.value.place, col: 0 });
      else if (filter !== "") say("The record is not among the rows found here.");
    });
  }, [address.record, isLive, show, query, filter, say]);

  const columns = useMemo(
    () => visible.map((field) => columnOf(field, sort, isDown)),
    [visible, sort, isDown],
  );
  // The last rows stay until the new ones are here: a filter or a sort never empties the screen for a moment.
  const last = useRef<GridSource | null>(null);
  const source = useMemo<GridSource>(() => {
    void version;
    if (view.state === "loading" && last.current !== null) return { ...last.current, isReadOnly: true };
    return {
      count: view.count,
      columns,
      label: title,
      ghost: "Type or paste to add",
      isReadOnly: state !== "open",
      id: (row) => cells.id(row),
      face: (row, col) => cells.face(row, col),
    };
  }, [version, view.state, view.count, columns, title, state, cells]);
  last.current = source;

  const openRecord = (record: string | null, tab: PanelTab): void => {
    here.current = record;
    address.set({ record, tab: tab === "fields" ? null : tab }, address.record !== null);
  };
  const events = useGridEvents({ rows, cells, grid, columns, setSelection, openRecord, address });
  const chosen = range(selection);
  const addRow = (): void => {
    grid.current?.go({ row: view.count, col: 0 });
    grid.current?.edit();
  };
  useEffect(() => {
    if (!address.isAdding || view.state !== "live") return;
    address.set({ add: null }, true);
    addRow();
  });

  return (
    <main className={address.record === null ? "main" : "main has-panel"}>
      <TopBar title={title} />
      <div className="tools" data-region="tools" role="toolbar" aria-label="Table tools">
        <FilterBox
          filter={filter}
          setFilter={(words) => address.set({ filter: words === "" ? null : words }, true)}
        />
        <Choice
          isOn={sort !== null}
          label={
            <>
              <ArrowDownUp className="i" aria-hidden="true" />
              Sort
              {sort === null
                ? ""
                : `: ${visible.find((field) => field.name === sort)?.title ?? sort}${isDown ? ", down" : ""}`}
            </>
          }
          value={sort === null ? "" : `${isDown ? "-" : ""}${sort}`}
          options={sortOptions(visible)}
          choose={(value) =>
            address.set({
              sort: value === "" ? null : value.replace(/^-/, ""),
              down: value.startsWith("-") ? "1" : null,
            })
          }
        />
        <span className="sp" />
        <button type="button" className="btn" onClick={() => void download(show, name, say)}>
          <Download className="i" aria-hidden="true" />
          Export
        </button>
        <button type="button" className="btn pri" onClick={addRow} disabled={state !== "open"}>
          <Plus className="i" aria-hidden="true" />
          Add
        </button>
      </div>
      <section className="gridw" data-region="grid" aria-label={title}>
        {view.state === "failed" && (
          <div className="fault" role="alert">
            {view.fault?.message}
          </div>
        )}
        <Grid ref={grid} source={source} events={events} />
      </section>
      {address.record !== null && (
        <RecordPanel
          key={address.record}
          record={address.record}
          table={name}
          tab={address.tab}
          setTab={(tab) => openRecord(address.record, tab)}
          close={() => {
            openRecord(null, "fields");
            grid.current?.focus();
          }}
        />
      )}
      <StatusBar
        keys={[
          ["Space", "open"],
          ["F2", "edit"],
          ["F1", "keys"],
        ]}
      >
        {size(chosen) > 1 && (
          <span>
            <b>{size(chosen).toLocaleString("en-GB")}</b> cells,{" "}
            {counted(chosen.bottom - chosen.top + 1, "row")}
          </span>
        )}
        <span className="num" data-count={view.state === "loading" ? undefined : view.count}>
          {view.state === "loading" ? "" : counted(view.count, "row")}
        </span>
        {cells.hasGhost && cells.missing.length > 0 && (
          <span className="status-hint">
            The new row is saved when it has: {cells.missing.map((field) => field.title).join(", ")}
          </span>
        )}
      </StatusBar>
    </main>
  );
};

const WIDTHS: { readonly [type: string]: number } = {
  bool: 84,
  int: 84,
  float: 92,
  decimal: 96,
  natural: 92,
  outline: 92,
  date: 112,
  time: 84,
  datetime: 168,
  duration: 88,
  choice: 128,
  record: 190,
  ends: 220,
  text: 224,
};

const NAMING_COLUMNS = 4;

/** Returns the fields on screen, the one that names a record first: it stays in sight while the rest scrolls. */
const ordered = (fields: readonly FieldShape[], keys: readonly string[]): readonly FieldShape[] => {
  const shownOnes = fields.filter((field) => !field.hidden);
  const names = shownOnes.filter((field) => keys.includes(field.name));
  const first = names.find((field) => field.required) ?? names[0] ?? shownOnes[0];
  const own = shownOnes.filter((field) => field !== first && field.type !== ENDS);
  const relations = shownOnes.filter((field) => field.type === ENDS);
  const outward = relations.filter((field) => field.key.startsWith("->"));
  // What a record is related to stands behind the text that says what it is, where that is near.
  const at = own.slice(0, NAMING_COLUMNS).findIndex((field) => field.type === "text") + 1;
  return [
    ...(first === undefined ? [] : [first]),
    ...own.slice(0, at),
    ...outward,
    ...own.slice(at),
    ...relations.filter((field) => !outward.includes(field)),
  ];
};

const columnOf = (field: FieldShape, sort: string | null, isDown: boolean): Column => ({
  key: field.key,
  title: field.title,
  width: Math.max(WIDTHS[field.type] ?? 160, Math.min(240, field.title.length * 8 + 30)),
  isNumeric: isNumeric(field.type),
  isEditable: field.type !== "blob",
  isSuggesting: field.type === "record" || field.type === ENDS,
  separator: field.type === ENDS ? SEPARATOR : null,
  choices: field.type === "bool" ? ["Yes", "No"] : field.choices,
  sorted: sort === field.name ? (isDown ? "descending" : "ascending") : null,
});

const sortOptions = (fields: readonly FieldShape[]) => [
  { value: "", label: "In their own order" },
  ...fields.flatMap((field) => [
    { value: field.name, label: field.title },
    { value: `-${field.name}`, label: `${field.title}, down` },
  ]),
];

const FilterBox = ({
  filter,
  setFilter,
}: {
  readonly filter: string;
  readonly setFilter: (words: string) => void;
}) => {
  const [words, setWords] = useState(filter);
  const sent = useRef(filter);
  useEffect(() => {
    if (filter !== sent.current) setWords(filter);
    sent.current = filter;
  }, [filter]);
  useEffect(() => {
    if (words === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = words;
      setFilter(words);
    }, FILTER_MS);
    return () => clearTimeout(timer);
  });
  return (
    <label className={words === "" ? "search" : "search is-on"}>
      <ListFilter className="i" aria-hidden="true" />
      <input
        data-find
        type="text"
        value={words}
        placeholder="Find, or number > 10"
        aria-label="Find in this table: words, or a condition"
        spellCheck={false}
        onChange={(event) => setWords(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          setWords("");
          event.currentTarget.blur();
        }}
      />
      <kbd>Ctrl F</kbd>
    </label>
  );
};

interface GridEventParts {
  readonly rows: LiveRows;
  readonly cells: Cells;
  readonly grid: { readonly current: GridHandle | null };
  readonly columns: readonly Column[];
  readonly setSelection: (selection: Selection) => void;
  readonly openRecord: (record: string | null, tab: PanelTab) => void;
  readonly address: ReturnType<typeof useAddress>;
}

/** What the grid's events mean for this table. */
const useGridEvents = (parts: GridEventParts): GridEvents => {
  const { show, say } = useShow();
  const { rows, cells, grid, columns, setSelection, openRecord, address } = parts;
  const idsOf = (selection: Selection): readonly string[] => {
    const { top, bottom } = range(selection);
    return Array.from({ length: bottom - top + 1 }, (_, i) => cells.id(top + i)).filter((id) => id !== null);
  };
  const fill = (selection: Selection, direction: "down" | "right"): void => {
    const made = filled(range(selection), direction);
    void cells.paste(
      made.map(({ to, from }) => ({ ...to, text: cells.face(from.row, from.col)?.text ?? "" })),
      [],
      0,
    );
  };
  const remove = async (records: readonly string[]): Promise<void> => {
    const answer = await show.edit(
      records.map((record) => ({ do: "delete", record })),
      `Delete ${counted(records.length, "record")}`,
    );
    if (!answer.ok) say(answer.error);
    else
      say({
        message: `Deleted ${counted(records.length, "record")}.`,
        undo: () =>
          void show.edit(
            records.map((record) => ({ do: "restore", record })),
            `Restore ${counted(records.length, "record")}`,
          ),
      });
  };
  const verbs = (event: KeyboardEvent, selection: Selection): boolean => {
    const ctrl = event.ctrlKey || event.metaKey;
    const record = cells.id(selection.anchor.row);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === " " && !ctrl) {
      if (record === null) return true;
      const tab = event.shiftKey ? "history" : "fields";
      openRecord(address.record === record && address.tab === tab ? null : record, tab);
    } else if (ctrl && key === "Enter") {
      grid.current?.go({ row: cells.count, col: 0 });
      grid.current?.edit();
    } else if (ctrl && (key === "Delete" || key === "Backspace")) void remove(idsOf(selection));
    else if (ctrl && !event.shiftKey && (key === "d" || key === "r"))
      fill(selection, key === "d" ? "down" : "right");
    else if (ctrl && (key === ";" || key === ":"))
      grid.current?.edit(key === ":" || event.shiftKey ? clockNow() : dayNow());
    else return false;
    return true;
  };
  return {
    look: (first, last) => rows.look(first, last),
    select: (selection) => {
      setSelection(selection);
      const record = cells.id(selection.anchor.row);
      if (address.record !== null && record !== null && record !== address.record)
        openRecord(record, address.tab);
    },
    begin: (cell) => cells.begin(cell),
    commit: (cell, text) => void cells.commit(cell, text),
    draft: (_, text) => cells.draft(text),
    suggest: async ({ col }, text) => {
      const tables = cells.fields[col]?.target ?? [];
      if (text === "" && tables.length === 0) return [];
      const found = await show.call("record.find", { text, tables, limit: SUGGESTIONS });
      return found.ok ? found.value.map((one) => one.title.replaceAll(";", ",")) : [];
    },
    clear: (area) => void cells.clear(area),
    copy: (area) => {
      if (cells.isHere(area)) return false;
      void cells.texts(area).then(async (found) => {
        if (!found.ok) say(found.error);
        else await navigator.clipboard.writeText(writeTsv(found.value));
      });
      return true;
    },
    paste: (block, area) => {
      const plan = pasted(block, area, { rows: cells.count, cols: columns.length });
      void cells.paste(plan.cells, plan.added, plan.left);
      grid.current?.choose(plan.selection);
    },
    key: verbs,
    sort: (col) => {
      const field = cells.fields[col];
      if (field === undefined) return;
      const isSame = address.sort === field.name;
      if (isSame && address.isDown) address.set({ sort: null, down: null });
      else address.set({ sort: field.name, down: isSame ? "1" : null });
    },
    leave: () => document.querySelector<HTMLElement>("[data-heading]")?.focus(),
  };
};

const two = (value: number): string => String(value).padStart(2, "0");

const dayNow = (): string => {
  const now = new Date();
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};

const clockNow = (): string => {
  const now = new Date();
  return `${two(now.getHours())}:${two(now.getMinutes())}`;
};
