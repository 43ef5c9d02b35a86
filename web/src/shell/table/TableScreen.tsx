import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { counted } from "../../lib/format.ts";
import { allOf, condition, orderOf, question } from "../../lib/question.ts";
import type { Block } from "../../lib/tsv.ts";
import { Grid, type GridHandle } from "../../parts/grid/Grid.tsx";
import { Lines } from "../../parts/grid/lines.ts";
import { at, range, type Selection, size } from "../../parts/grid/model.ts";
import type { GridSource, Line } from "../../parts/grid/source.ts";
import { type FieldShape, lineState, type Memory } from "../../sdk/index.ts";
import { useShow, useStore } from "../hooks.ts";
import { type PanelTab, RecordPanel } from "../RecordPanel.tsx";
import { StatusBar } from "../StatusBar.tsx";
import { TopBar } from "../TopBar.tsx";
import { type Address, useAddress } from "./address.ts";
import { Checks } from "./Checks.tsx";
import { arranged, choosable, columnOf } from "./columns.ts";
import { useGridEvents } from "./events.ts";
import { useGroups } from "./groups.ts";
import { type Insertion, useInsertion } from "./insertion.ts";
import { PrintSheet, type Sheet } from "./PrintSheet.tsx";
import { type MenuPlace, TableMenu } from "./TableMenu.tsx";
import { Tools } from "./Tools.tsx";
import { ViewTabs } from "./ViewTabs.tsx";
import { useView } from "./view.ts";

interface TableScreenProps {
  readonly name: string;
  readonly title: string;
  /** Names of the fields that tell records apart, with spaces between: the order when nothing else is chosen. */
  readonly keys: string;
  readonly fields: readonly FieldShape[];
}

const memoryFor = (table: string, place: string): Memory => {
  const key = place === "" ? `openprod.typed.${table}` : `openprod.typed.${table}.${place}`;
  return {
    read: () => sessionStorage.getItem(key),
    write: (text) => (text === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, text)),
  };
};

export const TableScreen = ({ name, title, keys, fields }: TableScreenProps) => {
  const { show, say } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const standing = useStore(show.standing);
  // What was typed in one place is never sent in another.
  const place = standing.name;
  const address = useAddress();
  const grid = useRef<GridHandle>(null);
  const [selection, setSelection] = useState<Selection>(at(0, 0));
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const all = useMemo(() => choosable(fields, keys.split(" ")), [fields, keys]);
  const view = useView(name, address);
  const visible = useMemo(() => arranged(all, view.arrangement), [all, view.arrangement]);
  const { where: wanted, order: ordered, group } = view;
  const filter = address.filter ?? "";
  const where = useMemo(() => allOf([wanted, condition(filter, all)]), [wanted, filter, all]);
  const order = useMemo(() => {
    const own = keys === "" ? [] : keys.split(" ");
    const chosen = ordered.filter((term) => isKnown(term, fields));
    return [...(group === null ? [] : [group]), ...chosen, ...own];
  }, [keys, ordered, group, fields]);
  const { rows, query } = useMemo(() => {
    const query = question({ table: name, where, order });
    return { query, rows: show.rows(query, name) };
  }, [show, name, where, order]);
  const cells = useMemo(
    () => show.cells(name, visible, query, rows, memoryFor(name, place)),
    [show, name, place, visible, query, rows],
  );
  const version = useStore(cells);
  const live = useStore(rows);
  const groups = useGroups(name, where, group, all);
  useEffect(() => {
    cells.onFault = (fault) => say(fault);
  }, [cells, say]);

  const insertion = useInsertion({ cells, version, fields, keys: keys.split(" "), view, grid });
  const lines = useMemo(
    () => new Lines(live.count, groups, insertion.at),
    [live.count, groups, insertion.at],
  );
  useGone({ address, query, lines, grid, isLive: live.state === "live" });

  const first = ordered[0] ?? null;
  const columns = useMemo(
    () => visible.map((field) => columnOf(field, view.arrangement, first)),
    [visible, view.arrangement, first],
  );
  // The last rows stay until the new ones are here: a filter or a sort never empties the screen for a moment.
  const last = useRef<GridSource | null>(null);
  const source = useMemo<GridSource>(() => {
    void version;
    if (live.state === "loading" && last.current !== null)
      return { ...last.current, columns, isReadOnly: true };
    return {
      subject: rows,
      rows: lines.rows,
      newRow: lines.ghost,
      columns,
      frozen: view.arrangement.frozen ?? 1,
      label: title,
      ghost: "Type or paste to add",
      isReadOnly: state !== "open" || standing.kind === "past",
      line: (row) => lineAt(lines, row),
      id: (row) => {
        const place = lines.at(row);
        return place.kind === "record" ? cells.id(place.index) : null;
      },
      face: (row, col) => {
        const place = lines.at(row);
        if (place.kind === "group") return null;
        return cells.face(place.kind === "ghost" ? cells.count : place.index, col);
      },
    };
  }, [
    version,
    live.state,
    rows,
    lines,
    columns,
    view.arrangement.frozen,
    title,
    state,
    standing.kind,
    cells,
  ]);
  last.current = source;

  const openRecord = (record: string | null, tab: PanelTab): void =>
    address.set({ record, tab: tab === "fields" ? null : tab }, address.record !== null);
  const parts = { table: name, rows, cells, lines, grid, columns, address, view, insertion };
  const { events, verbs } = useGridEvents({ ...parts, setSelection, openRecord, setMenu });
  useAdding(address, live.state === "live", verbs.add);
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const onPaper = async (): Promise<void> => {
    const found = await cells.texts({ top: 0, bottom: live.count - 1, left: 0, right: visible.length - 1 });
    if (!found.ok) say(found.error);
    // Columns in which nothing stands would only make the others narrow.
    else setSheet(sheetOf(title, view.open?.title ?? "", visible, found.value));
  };
  usePrintKey(onPaper);
  const printed = useCallback(() => setSheet(null), []);
  const chosen = range(selection);
  const picked = lines.records(chosen);
  return (
    <main className={address.record === null ? "main" : "main has-panel"}>
      <TopBar title={title}>
        <ViewTabs table={name} view={view} filter={condition(filter, all)} />
      </TopBar>
      <Tools
        table={name}
        fields={all}
        visible={visible}
        address={address}
        view={view}
        add={verbs.add}
        print={() => void onPaper()}
      />
      <section className="gridw" data-region="grid" aria-label={title}>
        {live.state === "failed" && (
          <div className="fault" role="alert">
            {live.fault?.message}
          </div>
        )}
        <Checks table={name} view={view} />
        <Grid ref={grid} source={source} events={events} />
      </section>
      {sheet !== null && <PrintSheet sheet={sheet} done={printed} />}
      <TableMenu
        place={menu}
        close={() => {
          setMenu(null);
          grid.current?.focus();
        }}
        parts={parts}
        verbs={verbs}
        selection={selection}
      />
      {address.record !== null && (
        <RecordPanel
          key={address.record}
          record={address.record}
          table={name}
          tab={address.tab === "history" ? "history" : "fields"}
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
        {size(chosen) > 1 && picked !== null && (
          <span>
            <b>{size({ ...chosen, ...picked }).toLocaleString("en-GB")}</b> cells,{" "}
            {counted(picked.bottom - picked.top + 1, "row")}
          </span>
        )}
        <span className="num" data-count={live.state === "loading" ? undefined : live.count}>
          {live.state === "loading" ? "" : counted(live.count, "row")}
        </span>
        <Missing
          insertion={insertion}
          titles={cells.hasGhost ? cells.missing.map((field) => field.title) : []}
        />
      </StatusBar>
    </main>
  );
};

const Missing = ({
  insertion,
  titles,
}: {
  readonly insertion: Insertion;
  readonly titles: readonly string[];
}) =>
  titles.length === 0 ? null : (
    <span className="status-hint">
      The new row is saved when it has: {titles.join(", ")}
      {insertion.at === null ? "" : ". Esc gives it up."}
    </span>
  );

const isKnown = (term: string, fields: readonly FieldShape[]): boolean => {
  const { field } = orderOf(term);
  return /^(->|<-)/.test(field) || field.includes(".") || fields.some((one) => one.name === field);
};

const sheetOf = (title: string, about: string, fields: readonly FieldShape[], block: Block): Sheet => {
  const told = fields.map((_, col) => block.some((line) => (line[col] ?? "") !== ""));
  return {
    title,
    about: about === "" ? "" : `${about}.`,
    fields: fields.filter((_, col) => told[col]),
    block: block.map((line) => line.filter((_, col) => told[col])),
  };
};

/** Ctrl P prints the whole view and not the part of it that is on screen. */
const usePrintKey = (run: () => Promise<void>): void => {
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "p") return;
      event.preventDefault();
      void run();
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  });
};

const GHOST: Line = { kind: "ghost", label: "+", title: "", note: "" };

const lineAt = (lines: Lines, row: number): Line => {
  const place = lines.at(row);
  if (place.kind === "record") return { kind: "record", label: String(place.index + 1), title: "", note: "" };
  return place.kind === "ghost"
    ? GHOST
    : { kind: "group", label: "", title: place.group.title, note: place.group.note };
};

/** A record that the address names, and that is not the one under the cursor, is gone to wherever its row is. */
const useGone = ({
  address,
  query,
  lines,
  grid,
  isLive,
}: {
  readonly address: Address;
  readonly query: Parameters<ReturnType<typeof useShow>["show"]["rows"]>[0];
  readonly lines: Lines;
  readonly grid: { readonly current: GridHandle | null };
  readonly isLive: boolean;
}): void => {
  const { show, say } = useShow();
  const newest = useRef(lines);
  newest.current = lines;
  const { record, filter } = address;
  const here = useRef<string | null>(null);
  useEffect(() => {
    if (!isLive || record === here.current) return;
    here.current = record;
    if (record === null || grid.current?.record === record) return;
    void show.call("query.place", { query, record }).then((answer) => {
      if (!answer.ok || here.current !== record) return;
      const { place } = answer.value;
      if (place !== null) grid.current?.go({ row: newest.current.rowOf(place), col: 0 });
      else if (filter !== null) say("The record is not among the rows found here.");
    });
  }, [record, isLive, show, query, filter, say, grid]);
};

/** `?add=1` in the address opens the row that becomes a new record, once. */
const useAdding = (address: Address, isLive: boolean, add: () => void): void => {
  useEffect(() => {
    if (address.add !== "1" || !isLive) return;
    address.set({ add: null }, true);
    add();
  });
};
