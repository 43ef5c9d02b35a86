import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { between } from "../../lib/between.ts";
import { partsOf } from "../../lib/question.ts";
import type { GridHandle } from "../../parts/grid/Grid.tsx";
import type { Cells, FieldShape } from "../../sdk/index.ts";
import type { View } from "./view.ts";

/** A new row between others: where it stands and how it is begun and given up. */
export interface Insertion {
  /** The place of the new row among the records, null where it stands at the end. */
  readonly at: number | null;
  /** Opens a row behind a record with what it will most likely hold: the number between, and what its neighbour has. */
  readonly begin: (index: number) => void;
  /** Opens the row at the end, with what the view's filters say. */
  readonly append: () => void;
  readonly end: () => void;
}

interface InsertionParts {
  readonly cells: Cells;
  readonly version: number;
  readonly fields: readonly FieldShape[];
  readonly keys: readonly string[];
  readonly view: View;
  readonly grid: { readonly current: GridHandle | null };
}

const EQUAL = /^([\w.]+) == (?:"((?:[^"\\]|\\.)*)"|([^"\s]+))$/;
const NEAR = 200;

/** Returns what every record of a filtered list has, by field: a new one will have it too. */
const givenBy = (where: string, fields: readonly FieldShape[]): Map<string, string> => {
  const given = new Map<string, string>();
  for (const part of partsOf(where)) {
    const [, name, quoted, bare] = EQUAL.exec(part) ?? [];
    const field = fields.find((one) => one.name === name);
    if (field !== undefined) given.set(field.key, quoted?.replaceAll(/\\(.)/g, "$1") ?? bare ?? "");
  }
  return given;
};

export const useInsertion = ({ cells, version, fields, keys, view, grid }: InsertionParts): Insertion => {
  const [after, setAfter] = useState<{ readonly id: string | null; readonly index: number } | null>(null);
  const wanted = useRef<string | null>(null);
  const [, again] = useReducer((count: number) => count + 1, 0);

  const place = useMemo(() => {
    void version;
    if (after === null) return null;
    const { id, index } = after;
    for (let by = 0; by < NEAR; by++) {
      if (cells.id(index + by) === id) return index + by + 1;
      if (index >= by && cells.id(index - by) === id) return index - by + 1;
    }
    return index + 1;
  }, [after, cells, version]);

  // The row is painted by now: the editor opens in it, on what is offered.
  useEffect(() => {
    const key = wanted.current;
    if (key === null) return;
    wanted.current = null;
    const found = cells.fields.findIndex((field) => field.key === key);
    const col = Math.max(0, found);
    grid.current?.goNew(col);
    const offered = cells.face(cells.count, col)?.text;
    if (offered === undefined) grid.current?.edit();
    else grid.current?.edit(offered, true);
  });

  const open = (given: ReadonlyMap<string, string>, field: string, at: typeof after): void => {
    if (given.size > 0) cells.offerGhost(given);
    wanted.current = field;
    setAfter(at);
    again();
  };
  const first = cells.fields[0]?.key ?? "";
  return {
    at: place,
    begin: (index) => {
      const id = cells.id(index);
      const given = givenBy(view.where, fields);
      const group = view.group === null ? undefined : fields.find((field) => field.name === view.group);
      const numbered = fields.find(
        (field) => keys.includes(field.name) && (field.type === "natural" || field.type === "outline"),
      );
      const numbers = fields.filter((field) => keys.includes(field.name));
      const own = numbers.find((field) => field.required && field.type === "natural") ?? numbered;
      for (const field of [...numbers, ...(group === undefined ? [] : [group])]) {
        const value = cells.text(index, field);
        if (field !== own && value !== "" && field.type !== "int") given.set(field.key, value);
      }
      if (own !== undefined && view.order.length === 0) {
        const number = between(cells.text(index, own), nextIn(cells, index, numbers, own));
        if (number !== null) given.set(own.key, number);
      }
      open(given, own?.key ?? first, { id, index });
    },
    append: () => {
      const given = givenBy(view.where, fields);
      if (place !== null) cells.dropGhost();
      open(cells.hasGhost && place === null ? new Map() : given, first, null);
    },
    end: () => setAfter(null),
  };
};

/** The number of the record behind one, null where that is the last of its list. */
const nextIn = (
  cells: Cells,
  index: number,
  numbers: readonly FieldShape[],
  own: FieldShape,
): string | null => {
  if (index + 1 >= cells.count || cells.id(index + 1) === null) return null;
  const before = numbers.slice(0, numbers.indexOf(own));
  const isSameList = before.every((field) => cells.text(index, field) === cells.text(index + 1, field));
  return isSameList ? cells.text(index + 1, own) : null;
};
