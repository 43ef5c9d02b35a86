import fc from "fast-check";
import { expect, test } from "vitest";
import { Lines } from "../src/parts/grid/lines.ts";
import { repeated, stretched } from "../src/parts/grid/model.ts";

const group = (count: number) => ({ title: String(count), note: "", count });

test("without groups lines are records, and the new row stands at the end or where it is wanted", () => {
  expect(new Lines(3, null, null)).toMatchObject({ rows: 4, ghost: 3 });
  const lines = new Lines(3, null, 1);
  expect([0, 1, 2, 3].map((row) => lines.at(row))).toEqual([
    { kind: "record", index: 0 },
    { kind: "ghost" },
    { kind: "record", index: 1 },
    { kind: "record", index: 2 },
  ]);
});

test("each group has a heading, and a range across it holds the records of both", () => {
  const lines = new Lines(3, [group(2), group(1)], null);
  expect([0, 1, 2, 3, 4, 5].map((row) => lines.at(row).kind)).toEqual([
    "group",
    "record",
    "record",
    "group",
    "record",
    "ghost",
  ]);
  expect(lines.records({ top: 0, bottom: 5 })).toEqual({ top: 0, bottom: 2 });
  expect(lines.records({ top: 2, bottom: 3 })).toEqual({ top: 1, bottom: 1 });
  expect(lines.records({ top: 3, bottom: 3 })).toBeNull();
});

test("every record stands on one line, in order, and is found there", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }), fc.nat(30), (sizes, newAt) => {
      const count = sizes.reduce((a, b) => a + b, 0);
      const lines = new Lines(count, sizes.map(group), newAt);
      const places = Array.from({ length: lines.rows }, (_, row) => lines.at(row));
      const records = places.flatMap((one) => (one.kind === "record" ? [one.index] : []));
      expect(records).toEqual(Array.from({ length: count }, (_, index) => index));
      expect(places.filter((one) => one.kind === "ghost")).toHaveLength(1);
      expect(places.filter((one) => one.kind === "group")).toHaveLength(sizes.length);
      for (const index of records) expect(places[lines.rowOf(index)]).toEqual({ kind: "record", index });
    }),
  );
});

test("a corner is dragged down or across, and what it passes repeats the range", () => {
  const from = { top: 1, bottom: 2, left: 0, right: 0 };
  const to = stretched(from, { row: 5, col: 1 });
  expect(to).toEqual({ top: 1, bottom: 5, left: 0, right: 0 });
  expect(repeated(from, to).map((one) => one.from.row)).toEqual([1, 2, 1]);
  expect(stretched(from, { row: 0, col: 3 })).toEqual({ top: 1, bottom: 2, left: 0, right: 3 });
});
