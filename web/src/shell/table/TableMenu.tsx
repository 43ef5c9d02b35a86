import { useLocation } from "wouter";
import { filterOf } from "../../lib/filter.ts";
import { joined, partsOf } from "../../lib/question.ts";
import { type Cell, range, type Selection, size } from "../../parts/grid/model.ts";
import { type Entry, PointMenu } from "../../parts/PointMenu.tsx";
import { ENDS } from "../../sdk/index.ts";
import { useOverview } from "../hooks.ts";
import type { TableParts, TableVerbs } from "./events.ts";

/** Where a menu was asked for: on a cell, or on a column's head. */
export interface MenuPlace {
  readonly at: { readonly x: number; readonly y: number };
  readonly cell: Cell;
  readonly isHead: boolean;
}

interface TableMenuProps {
  readonly place: MenuPlace | null;
  readonly close: () => void;
  readonly parts: TableParts;
  readonly verbs: TableVerbs;
  readonly selection: Selection;
}

const NARROWER = 24;

/** Everything that can be done with cells, records and columns, each with its key. */
export const TableMenu = ({ place, close, parts, verbs, selection }: TableMenuProps) => {
  const col = place?.cell.col ?? 0;
  const cells = useCellEntries(parts, verbs, selection, place);
  const column = useColumnEntries(parts, verbs, col);
  const title = parts.columns[col]?.title ?? "";
  const groups = [
    ...(place?.isHead === true ? [] : cells),
    { title: place?.isHead === true ? title : `Column ${title}`, entries: column },
  ];
  return <PointMenu at={place?.at ?? null} label="Table menu" groups={groups} close={close} />;
};

const useCellEntries = (
  { table, cells, lines, view }: TableParts,
  verbs: TableVerbs,
  selection: Selection,
  place: MenuPlace | null,
): readonly { readonly title: string; readonly entries: readonly Entry[] }[] => {
  const overview = useOverview();
  const line = place === null ? null : lines.at(place.cell.row);
  if (place === null || line?.kind !== "record") return [];
  const records = lines.records(range(selection));
  const many = records === null ? 1 : records.bottom - records.top + 1;
  const field = cells.fields[place.cell.col];
  const text = cells.face(line.index, place.cell.col)?.text ?? "";
  const others = overview?.tables.filter((one) => one.module !== "core" && one.name !== table) ?? [];
  const record = many === 1 ? "record" : `${many} records`;
  const only = (verb: string): void => {
    if (field === undefined) return;
    const asked = {
      name: field.name,
      title: field.title,
      type: field.type,
      choices: field.choices,
      path: null,
    };
    const part =
      text === "" ? filterOf(asked, verb === "is" ? "none" : "some", "") : filterOf(asked, verb, text);
    view.setWhere(joined([...partsOf(view.where), part]));
  };
  const canFilter =
    field !== undefined && (text === "" || !["record", "blob", "list", ENDS].includes(field.type));
  return [
    {
      title: "",
      entries: [
        { label: "Open", key: "Space", run: () => verbs.open(selection, "fields") },
        { label: "History", key: "Shift Space", run: () => verbs.open(selection, "history") },
        { label: "Insert below", key: "Ctrl Enter", run: () => verbs.insert(selection) },
      ],
    },
    {
      title: "",
      entries: [
        {
          label: "Fill down",
          key: "Ctrl D",
          isOff: size(range(selection)) < 2,
          run: () => verbs.fill(selection, "down"),
        },
        { label: "Clear", key: "Delete", run: () => verbs.clear(selection) },
        ...(canFilter
          ? [
              { label: text === "" ? "Only empty ones" : `Only ${short(text)}`, run: () => only("is") },
              {
                label: text === "" ? "None that are empty" : `All but ${short(text)}`,
                run: () => only("not"),
              },
            ]
          : []),
      ],
    },
    {
      title: "",
      entries: [
        {
          label: `Put ${record} into`,
          entries: others.map((one) => ({
            label: one.title,
            run: () => verbs.putInto(selection, one.name, one.title),
          })),
        },
        { label: `Take ${record} out of this table`, run: () => verbs.takeOut(selection) },
        { label: `Delete ${record}`, key: "Ctrl Delete", run: () => verbs.remove(selection) },
      ],
    },
  ];
};

const SHORT = 24;
const short = (text: string): string => (text.length > SHORT ? `${text.slice(0, SHORT - 1)}…` : text);

const useColumnEntries = (
  { table, cells, columns, view }: TableParts,
  verbs: TableVerbs,
  col: number,
): readonly Entry[] => {
  const [, go] = useLocation();
  const field = cells.fields[col];
  const column = columns[col];
  if (field === undefined || column === undefined) return [];
  const frozen = view.arrangement.frozen ?? 1;
  return [
    ...(field.type === ENDS && field.target.length > 0
      ? [
          {
            label: "Show as a matrix",
            run: () => go(`/table/${table}?matrix=${encodeURIComponent(field.key)}`),
          },
        ]
      : []),
    { label: "Sort up", run: () => verbs.sort(col, false) },
    { label: "Sort down", run: () => verbs.sort(col, true) },
    view.group === field.name
      ? { label: "Do not group", run: () => view.setGroup(null) }
      : { label: "Group by this", run: () => view.setGroup(field.name) },
    frozen === col + 1
      ? { label: "Keep no column in sight", run: () => verbs.freeze(0) }
      : { label: "Keep in sight up to here", run: () => verbs.freeze(col + 1) },
    {
      label: "Move left",
      key: "Alt Shift ←",
      isOff: col === 0,
      run: () => verbs.reorder(col, col - 1),
    },
    {
      label: "Move right",
      key: "Alt Shift →",
      isOff: col === columns.length - 1,
      run: () => verbs.reorder(col, col + 2),
    },
    { label: "Wider", run: () => verbs.resize(col, column.width + NARROWER) },
    { label: "Narrower", run: () => verbs.resize(col, Math.max(40, column.width - NARROWER)) },
    { label: "Hide", isOff: columns.length === 1, run: () => verbs.hide(col) },
  ];
};
