/** The grid's arithmetic: what is selected, where keys lead, what a paste means. No DOM, no data. */
import type { Block } from "../../lib/tsv.ts";

export interface Cell {
  readonly row: number;
  readonly col: number;
}

/** `anchor` has the focus and takes what is typed; `end` is the far corner of the range. */
export interface Selection {
  readonly anchor: Cell;
  readonly end: Cell;
}

export interface Range {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** How many rows and columns there are; `page` rows fit the screen. */
export interface Extent {
  readonly rows: number;
  readonly cols: number;
  readonly page: number;
}

export interface Press {
  readonly key: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
}

export const range = ({ anchor, end }: Selection): Range => ({
  top: Math.min(anchor.row, end.row),
  bottom: Math.max(anchor.row, end.row),
  left: Math.min(anchor.col, end.col),
  right: Math.max(anchor.col, end.col),
});

export const at = (row: number, col: number): Selection => ({ anchor: { row, col }, end: { row, col } });

const within = (value: number, size: number): number => Math.max(0, Math.min(size - 1, value));

export const clamp = (cell: Cell, extent: Extent): Cell => ({
  row: within(cell.row, extent.rows),
  col: within(cell.col, extent.cols),
});

const FAR = 1e9;

/** Returns by how much a key moves, null for a key that does not move. */
const step = ({ key, ctrl }: Press, page: number): Cell | null => {
  const far = ctrl ? FAR : 1;
  switch (key) {
    case "ArrowUp":
      return { row: -far, col: 0 };
    case "ArrowDown":
      return { row: far, col: 0 };
    case "ArrowLeft":
      return { row: 0, col: -far };
    case "ArrowRight":
      return { row: 0, col: far };
    case "PageUp":
      return { row: -page, col: 0 };
    case "PageDown":
      return { row: page, col: 0 };
    case "Home":
      return { row: ctrl ? -FAR : 0, col: -FAR };
    case "End":
      return { row: ctrl ? FAR : 0, col: FAR };
    default:
      return null;
  }
};

/** Returns the selection after a moving key, as in Excel: Shift keeps the anchor; null for a key that does not move. */
export const moved = (selection: Selection, press: Press, extent: Extent): Selection | null => {
  const by = step(press, extent.page);
  if (by === null) return null;
  const end = clamp({ row: selection.end.row + by.row, col: selection.end.col + by.col }, extent);
  return press.shift ? { anchor: selection.anchor, end } : { anchor: end, end };
};

/** Returns where Tab leads, null where it leaves the grid. */
export const tabbed = (from: Cell, backwards: boolean, extent: Extent): Cell | null => {
  const col = from.col + (backwards ? -1 : 1);
  return col < 0 || col >= extent.cols ? null : { row: from.row, col };
};

export interface Pasted {
  /** Texts for cells of rows that are there. */
  readonly cells: readonly { readonly row: number; readonly col: number; readonly text: string }[];
  /** Rows past the end: texts from column `left` on. */
  readonly added: readonly (readonly string[])[];
  readonly left: number;
  readonly selection: Selection;
}

/**
 * Returns what pasting a block does: one cell or one row fills the selection, anything else goes down and right from its
 * corner; columns past the last are left out, rows past the last become new ones.
 */
export const pasted = (
  block: Block,
  into: Range,
  extent: { readonly rows: number; readonly cols: number },
): Pasted => {
  const height = block.length === 1 ? into.bottom - into.top + 1 : block.length;
  const lines = Array.from({ length: height }, (_, i) =>
    widened(block[block.length === 1 ? 0 : i] ?? [], block.length, into),
  );
  const cells = lines.flatMap((line, i) =>
    line.flatMap((text, j) =>
      into.top + i < extent.rows && into.left + j < extent.cols
        ? [{ row: into.top + i, col: into.left + j, text }]
        : [],
    ),
  );
  const added = lines
    .slice(Math.max(0, extent.rows - into.top))
    .map((line) => line.slice(0, extent.cols - into.left));
  const width = Math.max(1, ...lines.map((line) => line.length));
  const end = {
    row: Math.min(extent.rows - 1 + added.length, into.top + height - 1),
    col: Math.min(extent.cols - 1, into.left + width - 1),
  };
  return { cells, added, left: into.left, selection: { anchor: { row: into.top, col: into.left }, end } };
};

const widened = (line: readonly string[], rows: number, into: Range): readonly string[] =>
  rows === 1 && line.length === 1
    ? Array.from({ length: into.right - into.left + 1 }, () => line[0] ?? "")
    : line;

/** Returns the cells that filling down or right writes, each with the cell it takes its text from. */
export const filled = (
  r: Range,
  direction: "down" | "right",
): readonly { readonly to: Cell; readonly from: Cell }[] =>
  repeated(direction === "down" ? { ...r, bottom: r.top } : { ...r, right: r.left }, r);

/** Returns the cells of a range outside of another one, each with the cell there whose text it repeats. */
export const repeated = (from: Range, to: Range): readonly { readonly to: Cell; readonly from: Cell }[] => {
  const [height, width] = [from.bottom - from.top + 1, from.right - from.left + 1];
  return cellsOf(to)
    .filter((one) => !isIn(one, from))
    .map((one) => ({
      to: one,
      from: {
        row: from.top + modulo(one.row - from.top, height),
        col: from.left + modulo(one.col - from.left, width),
      },
    }));
};

const isIn = ({ row, col }: Cell, r: Range): boolean =>
  row >= r.top && row <= r.bottom && col >= r.left && col <= r.right;

const modulo = (value: number, size: number): number => ((value % size) + size) % size;

/** Returns a range drawn out to a cell, along the way in which that is further off: as its corner is dragged. */
export const stretched = (r: Range, { row, col }: Cell): Range => {
  const down = Math.max(row - r.bottom, r.top - row, 0);
  const across = Math.max(col - r.right, r.left - col, 0);
  return down >= across
    ? { ...r, top: Math.min(r.top, row), bottom: Math.max(r.bottom, row) }
    : { ...r, left: Math.min(r.left, col), right: Math.max(r.right, col) };
};

/** Returns every cell of a range, row by row. */
export const cellsOf = (r: Range): readonly Cell[] =>
  Array.from({ length: r.bottom - r.top + 1 }, (_, i) =>
    Array.from({ length: r.right - r.left + 1 }, (_, j) => ({ row: r.top + i, col: r.left + j })),
  ).flat();

export const size = (r: Range): number => (r.bottom - r.top + 1) * (r.right - r.left + 1);
