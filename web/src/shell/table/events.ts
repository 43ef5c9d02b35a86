/** What the grid's events mean for a table: lines become records, keys become verbs. */
import { counted } from "../../lib/format.ts";
import { writeTsv } from "../../lib/tsv.ts";
import type { GridHandle } from "../../parts/grid/Grid.tsx";
import type { Lines } from "../../parts/grid/lines.ts";
import {
  type Cell,
  filled,
  pasted,
  type Range,
  range,
  repeated,
  type Selection,
} from "../../parts/grid/model.ts";
import type { Column, GridEvents } from "../../parts/grid/source.ts";
import type { AnyIntent, Cells, LiveRows } from "../../sdk/index.ts";
import { useShow } from "../hooks.ts";
import type { PanelTab } from "../RecordPanel.tsx";
import type { Address } from "./address.ts";
import { isoDay, reordered } from "./columns.ts";
import type { Insertion } from "./insertion.ts";
import type { MenuPlace } from "./TableMenu.tsx";
import type { View } from "./view.ts";

const SUGGESTIONS = 8;

export interface TableParts {
  readonly table: string;
  readonly rows: LiveRows;
  readonly cells: Cells;
  readonly lines: Lines;
  readonly grid: { readonly current: GridHandle | null };
  readonly columns: readonly Column[];
  readonly address: Address;
  readonly view: View;
  readonly insertion: Insertion;
}

interface EventParts extends TableParts {
  readonly setSelection: (selection: Selection) => void;
  readonly openRecord: (record: string | null, tab: PanelTab) => void;
  readonly setMenu: (place: MenuPlace | null) => void;
}

/** What can be done with the selection, by key or by menu. */
export interface TableVerbs {
  readonly add: () => void;
  readonly insert: (selection: Selection) => void;
  readonly open: (selection: Selection, tab: PanelTab) => void;
  readonly clear: (selection: Selection) => void;
  readonly fill: (selection: Selection, direction: "down" | "right") => void;
  readonly remove: (selection: Selection) => void;
  readonly putInto: (selection: Selection, table: string, title: string) => void;
  readonly takeOut: (selection: Selection) => void;
  readonly sort: (col: number, isDown: boolean | null) => void;
  readonly resize: (col: number, width: number) => void;
  readonly reorder: (col: number, before: number) => void;
  readonly hide: (col: number) => void;
  readonly freeze: (columns: number) => void;
}

const clockNow = (): string => new Date().toTimeString().slice(0, 5);

/** Where the records of a range stand, with its columns. */
const areaOf = (lines: Lines, chosen: Range): Range | null => {
  const records = lines.records(chosen);
  return records === null ? null : { ...chosen, ...records };
};

export const useGridEvents = (
  parts: EventParts,
): { readonly events: GridEvents; readonly verbs: TableVerbs } => {
  const { show } = useShow();
  const verbs = useVerbs(parts);
  const { rows, cells, lines, grid, columns, setSelection, openRecord, setMenu, address, insertion } = parts;
  const clipboard = useClipboard(parts);
  /** A cell by its record's place among the records; the new row stands behind the last. */
  const spot = ({ row, col }: Cell): Cell | null => {
    const place = lines.at(row);
    return place.kind === "group" ? null : { row: place.kind === "ghost" ? cells.count : place.index, col };
  };
  const commit = async (cell: Cell, text: string): Promise<void> => {
    const made = await cells.commit(cell, text);
    if (made === null || insertion.at === null) return;
    insertion.end();
    address.set({ record: address.record === null ? null : made }, true);
  };
  const events: GridEvents = {
    look: (top, bottom) => {
      const seen = lines.records({ top, bottom });
      if (seen !== null) rows.look(seen.top, seen.bottom);
    },
    select: (selection) => {
      setSelection(selection);
      const record = grid.current?.record ?? null;
      if (address.record !== null && record !== null && record !== address.record)
        openRecord(record, address.tab === "history" ? "history" : "fields");
    },
    begin: (cell) => {
      const found = spot(cell);
      if (found !== null) cells.begin(found);
    },
    commit: (cell, text) => {
      const found = spot(cell);
      if (found !== null) void commit(found, text);
    },
    draft: (_, text) => cells.draft(text),
    cancel: ({ row }) => {
      if (row !== lines.ghost || insertion.at === null) return;
      const before = insertion.at - 1;
      cells.dropGhost();
      insertion.end();
      grid.current?.go({ row: Math.max(0, lines.rowOf(before)), col: grid.current.selection.anchor.col });
    },
    suggest: async ({ col }, text) => {
      const tables = cells.fields[col]?.target ?? [];
      if (text === "" && tables.length === 0) return [];
      const found = await show.call("record.find", { text, tables, limit: SUGGESTIONS });
      return found.ok ? found.value.map((one) => ({ text: one.title.replaceAll(";", ","), hint: "" })) : [];
    },
    clear: (chosen) => {
      const area = areaOf(lines, chosen);
      if (area !== null) void cells.clear(area);
    },
    ...clipboard,
    key: (event, selection) => keyed(event, selection, verbs, parts),
    sort: (col) => {
      const column = columns[col];
      if (column !== undefined)
        verbs.sort(col, column.sorted === "ascending" ? true : column.sorted === null ? false : null);
    },
    resize: verbs.resize,
    reorder: verbs.reorder,
    menu: (at, cell, isHead) => setMenu({ at, cell, isHead }),
    leave: () => document.querySelector<HTMLElement>("[data-heading]")?.focus(),
  };
  return { events, verbs };
};

/** Copying, pasting and filling: one step each, whatever its size. */
const useClipboard = ({
  cells,
  lines,
  grid,
  columns,
}: TableParts): Pick<GridEvents, "copy" | "paste" | "fill"> => {
  const { say } = useShow();
  return {
    copy: (chosen) => {
      const area = areaOf(lines, chosen);
      if (area === null || cells.isHere(area)) return false;
      void cells.texts(area).then(async (found) => {
        if (!found.ok) say(found.error);
        else await navigator.clipboard.writeText(writeTsv(found.value));
      });
      return true;
    },
    paste: (block, chosen) => {
      const isNew = lines.at(chosen.top).kind === "ghost";
      const area = isNew ? { ...chosen, top: cells.count, bottom: cells.count } : areaOf(lines, chosen);
      if (area === null) {
        say("Choose a cell of a record to paste into.");
        return;
      }
      const plan = pasted(block, area, { rows: cells.count, cols: columns.length });
      void cells.paste(plan.cells, plan.added, plan.left);
      const shown = ({ row, col }: Cell): Cell => ({ row: lines.rowOf(row), col });
      grid.current?.choose({ anchor: shown(plan.selection.anchor), end: shown(plan.selection.end) });
    },
    fill: (from, to) => {
      const [source, target] = [areaOf(lines, from), areaOf(lines, to)];
      if (source === null || target === null) return;
      const made = repeated(source, target);
      void cells.fill(made);
    },
  };
};

const useVerbs = ({
  table,
  cells,
  lines,
  columns,
  address,
  view,
  insertion,
  openRecord,
}: EventParts): TableVerbs => {
  const { show, say } = useShow();
  const idsOf = (selection: Selection): readonly string[] => {
    const found = lines.records(range(selection));
    if (found === null) return [];
    return Array.from({ length: found.bottom - found.top + 1 }, (_, i) => cells.id(found.top + i)).filter(
      (id) => id !== null,
    );
  };
  /** Does something with every record of a selection, and offers to take it back. */
  const change = async (
    records: readonly string[],
    words: string,
    there: (record: string) => AnyIntent,
    back: (record: string) => AnyIntent,
  ): Promise<void> => {
    if (records.length === 0) return;
    const label = words.replace("#", counted(records.length, "record"));
    const answer = await show.edit(records.map(there), label);
    if (!answer.ok) say(answer.error);
    else say({ message: `${label}.`, undo: () => void show.edit(records.map(back), `Not: ${label}`) });
  };
  const keys = cells.fields.map((field) => field.key);
  return {
    add: insertion.append,
    insert: ({ anchor }) => {
      const place = lines.at(anchor.row);
      if (place.kind === "record") insertion.begin(place.index);
      else insertion.append();
    },
    open: ({ anchor }, tab) => {
      const place = lines.at(anchor.row);
      const record = place.kind === "record" ? cells.id(place.index) : null;
      if (record === null) return;
      const here = address.tab === "history" ? "history" : "fields";
      openRecord(address.record === record && here === tab ? null : record, tab);
    },
    clear: (selection) => {
      const area = areaOf(lines, range(selection));
      if (area !== null) void cells.clear(area);
    },
    fill: (selection, direction) => {
      const area = areaOf(lines, range(selection));
      if (area !== null) void cells.fill(filled(area, direction));
    },
    remove: (selection) =>
      void change(
        idsOf(selection),
        "Deleted #",
        (record) => ({ do: "delete", record }),
        (record) => ({ do: "restore", record }),
      ),
    putInto: (selection, into, title) =>
      void change(
        idsOf(selection),
        `Put # into ${title}`,
        (record) => ({ do: "put", record, into }),
        (record) => ({ do: "remove", record, from: into }),
      ),
    takeOut: (selection) =>
      void change(
        idsOf(selection),
        "Took # out of this table",
        (record) => ({ do: "remove", record, from: table }),
        (record) => ({ do: "put", record, into: table }),
      ),
    sort: (col, isDown) => {
      const field = cells.fields[col];
      if (field !== undefined) view.setOrder(isDown === null ? null : field.name, isDown === true);
    },
    resize: (col, width) => {
      const key = columns[col]?.key;
      if (key !== undefined) view.arrange({ widths: { [key]: width } });
    },
    reorder: (col, before) => view.arrange({ fields: reordered(keys, col, before) }),
    hide: (col) => {
      if (keys.length > 1) view.arrange({ fields: keys.filter((_, at) => at !== col) });
    },
    freeze: (frozen) => view.arrange({ frozen }),
  };
};

/** Keys beyond moving and editing; returns whether one was taken. */
const keyed = (event: KeyboardEvent, selection: Selection, verbs: TableVerbs, parts: TableParts): boolean => {
  const ctrl = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const { grid } = parts;
  const { anchor } = selection;
  if (key === " " && !ctrl) verbs.open(selection, event.shiftKey ? "history" : "fields");
  else if (ctrl && key === "Enter") verbs.insert(selection);
  else if (ctrl && (key === "Delete" || key === "Backspace")) verbs.remove(selection);
  else if (ctrl && !event.shiftKey && (key === "d" || key === "r"))
    verbs.fill(selection, key === "d" ? "down" : "right");
  else if (ctrl && (key === ";" || key === ":"))
    grid.current?.edit(key === ":" || event.shiftKey ? clockNow() : isoDay(new Date()));
  else if (event.altKey && !event.shiftKey && (key === "ArrowLeft" || key === "ArrowRight"))
    parts.view.step(key === "ArrowLeft" ? -1 : 1);
  else if (event.altKey && event.shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) {
    const { col } = anchor;
    const before = key === "ArrowLeft" ? col - 1 : col + 2;
    if (before < 0 || before > parts.columns.length) return true;
    verbs.reorder(col, before);
    grid.current?.go({ row: anchor.row, col: key === "ArrowLeft" ? col - 1 : col + 1 });
  } else return false;
  return true;
};
