import fc from "fast-check";
import { expect, test } from "vitest";
import { readTsv, writeTsv } from "../src/lib/tsv.ts";

test("what a spreadsheet puts on the clipboard is read cell by cell", () => {
  expect(readTsv("P1\tP2\tP3\nP4\tP5\tP6\r\nP7\tP8\tP9\n")).toEqual([
    ["P1", "P2", "P3"],
    ["P4", "P5", "P6"],
    ["P7", "P8", "P9"],
  ]);
});

test("a quoted cell keeps its line break and quotes", () => {
  expect(readTsv('"line1\nline2 ""q"""\tB\nC\tD\n')).toEqual([
    ['line1\nline2 "q"', "B"],
    ["C", "D"],
  ]);
});

test("empty cells and an empty clipboard stay cells", () => {
  expect(readTsv("")).toEqual([[""]]);
  expect(readTsv("a\t\t\n\t\tb")).toEqual([
    ["a", "", ""],
    ["", "", "b"],
  ]);
});

test("whatever is copied comes back when it is pasted", () => {
  const cell = fc.string().map((text) => text.replace(/\r/g, ""));
  const block = fc
    .integer({ min: 1, max: 5 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
    );
  fc.assert(
    fc.property(block, (rows) => {
      expect(readTsv(`${writeTsv(rows)}\n`)).toEqual(rows);
    }),
  );
});
