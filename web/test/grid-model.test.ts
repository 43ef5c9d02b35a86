import { expect, test } from "vitest";
import { at, cellsOf, filled, moved, pasted, range, size, tabbed } from "../src/parts/grid/model.ts";

const extent = { rows: 2000, cols: 20, page: 25 };
const press = (key: string, shift = false, ctrl = false) => ({ key, shift, ctrl });

test("arrows move one cell and stop at the edges", () => {
  expect(moved(at(2, 3), press("ArrowDown"), extent)).toEqual(at(3, 3));
  expect(moved(at(0, 0), press("ArrowUp"), extent)).toEqual(at(0, 0));
  expect(moved(at(1999, 19), press("ArrowRight"), extent)).toEqual(at(1999, 19));
});

test("Shift extends the range and keeps the anchor", () => {
  const one = moved(at(2, 3), press("ArrowDown", true), extent);
  const two = one && moved(one, press("ArrowRight", true), extent);
  expect(two).toEqual({ anchor: { row: 2, col: 3 }, end: { row: 3, col: 4 } });
  expect(two && size(range(two))).toBe(4);
});

test("Ctrl goes to the end, Home and End to the row's ends, pages by screens", () => {
  expect(moved(at(2, 3), press("ArrowDown", false, true), extent)).toEqual(at(1999, 3));
  expect(moved(at(2, 3), press("End", false, true), extent)).toEqual(at(1999, 19));
  expect(moved(at(2, 3), press("Home"), extent)).toEqual(at(2, 0));
  expect(moved(at(2, 3), press("PageDown"), extent)).toEqual(at(27, 3));
});

test("a key that does not move is no move", () => {
  expect(moved(at(2, 3), press("a"), extent)).toBeNull();
});

test("Tab goes right and leaves the grid at its last column", () => {
  expect(tabbed({ row: 2, col: 3 }, false, extent)).toEqual({ row: 2, col: 4 });
  expect(tabbed({ row: 2, col: 0 }, true, extent)).toBeNull();
  expect(tabbed({ row: 2, col: 19 }, false, extent)).toBeNull();
});

test("a block goes down and right from the corner of the selection", () => {
  const plan = pasted(
    [
      ["a", "b"],
      ["c", "d"],
    ],
    range(at(8, 5)),
    extent,
  );
  expect(plan.cells).toEqual([
    { row: 8, col: 5, text: "a" },
    { row: 8, col: 6, text: "b" },
    { row: 9, col: 5, text: "c" },
    { row: 9, col: 6, text: "d" },
  ]);
  expect(plan.added).toEqual([]);
  expect(plan.selection).toEqual({ anchor: { row: 8, col: 5 }, end: { row: 9, col: 6 } });
});

test("one cell fills the selection, one row goes into each of its rows", () => {
  const into = { top: 1, bottom: 2, left: 3, right: 4 };
  expect(pasted([["x"]], into, extent).cells.map((cell) => cell.text)).toEqual(["x", "x", "x", "x"]);
  expect(pasted([["a", "b", "c"]], into, extent).cells).toHaveLength(6);
});

test("lines past the last row become new rows, columns past the last are left out", () => {
  const plan = pasted(
    [
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ],
    range(at(1999, 19)),
    extent,
  );
  expect(plan.cells).toEqual([{ row: 1999, col: 19, text: "a" }]);
  expect(plan.added).toEqual([["c"], ["e"]]);
  expect(plan.selection.end).toEqual({ row: 2001, col: 19 });
});

test("pasting on the empty row at the end only makes new rows", () => {
  const plan = pasted([["a"], ["b"]], range(at(2000, 0)), extent);
  expect(plan.cells).toEqual([]);
  expect(plan.added).toEqual([["a"], ["b"]]);
});

test("filling takes the first row or column of the range", () => {
  const r = { top: 1, bottom: 2, left: 3, right: 4 };
  expect(filled(r, "down").map(({ to, from }) => [to.row, to.col, from.row, from.col])).toEqual([
    [2, 3, 1, 3],
    [2, 4, 1, 4],
  ]);
  expect(filled(r, "right")).toHaveLength(2);
  expect(cellsOf(r)).toHaveLength(4);
});
