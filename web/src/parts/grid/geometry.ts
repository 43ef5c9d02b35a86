/** Where columns and rows of a grid are, in pixels. */
import type { Cell } from "./model.ts";
import type { Column } from "./source.ts";

const ROW_NUMBER_WIDTH = 52;
/** The row height that column widths are given for. */
const PLAIN_ROW_HEIGHT = 30;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class Geometry {
  rowHeight = PLAIN_ROW_HEIGHT;
  frozen = 1;
  lefts: readonly number[] = [];
  /** The width of everything. */
  width = 0;

  get scale(): number {
    return this.rowHeight / PLAIN_ROW_HEIGHT;
  }

  get headWidth(): number {
    return ROW_NUMBER_WIDTH * this.scale;
  }

  lay(columns: readonly Column[], frozen: number): void {
    let x = this.headWidth;
    this.lefts = columns.map((column) => {
      const left = x;
      x += column.width * this.scale;
      return left;
    });
    this.width = x;
    this.frozen = Math.max(0, Math.min(frozen, columns.length));
  }

  left(col: number): number {
    return this.lefts[col] ?? 0;
  }

  widthOf(col: number): number {
    return (this.lefts[col + 1] ?? this.width) - this.left(col);
  }

  /** Where the columns begin that scroll. */
  get frozenEnd(): number {
    return this.frozen === 0 ? this.headWidth : this.left(this.frozen - 1) + this.widthOf(this.frozen - 1);
  }

  box(top: number, left: number, bottom: number, right: number): Box {
    const x = this.left(left);
    return {
      x,
      y: top * this.rowHeight,
      width: this.left(right) + this.widthOf(right) - x,
      height: (bottom - top + 1) * this.rowHeight,
    };
  }

  /** Returns the columns that a part of the width shows, one more on either side. */
  within(left: number, right: number): { readonly first: number; readonly last: number } {
    const first = this.lefts.findIndex((x, col) => x + this.widthOf(col) > left);
    const last = this.lefts.findLastIndex((x) => x < right);
    return { first: Math.max(0, first - 1), last: last + 1 };
  }

  colAt(x: number): number {
    return this.lefts.findLastIndex((left) => left <= x);
  }

  /** Returns how far to scroll so that a cell is in sight with a row below it. */
  reveal(
    { row, col }: Cell,
    view: {
      readonly scrollTop: number;
      readonly scrollLeft: number;
      readonly clientHeight: number;
      readonly clientWidth: number;
    },
  ): { readonly top: number; readonly left: number } {
    let { scrollTop: top, scrollLeft: left } = view;
    const y = row * this.rowHeight;
    if (y < top) top = y;
    else if (y + 2 * this.rowHeight > top + view.clientHeight)
      top = y + 2 * this.rowHeight - view.clientHeight;
    if (col >= this.frozen) {
      const x = this.left(col);
      const right = x + this.widthOf(col);
      if (x - this.frozenEnd < left) left = x - this.frozenEnd;
      else if (right > left + view.clientWidth) left = right - view.clientWidth;
    }
    return { top, left };
  }
}

/** Puts an element where a box is. */
export const put = (element: HTMLElement, { x, y, width, height }: Box): void => {
  element.style.transform = `translate(${x}px,${y}px)`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
};

export const make = (className: string, role: string | null): HTMLDivElement => {
  const element = document.createElement("div");
  element.className = className;
  if (role !== null) element.setAttribute("role", role);
  return element;
};
