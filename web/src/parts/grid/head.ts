/** The head of a grid: titles that sort by a click, edges that set widths, and columns that are dragged to another place. */
import { type Geometry, make } from "./geometry.ts";
import type { Column, GridEvents, GridSource } from "./source.ts";

const WIDTH_MIN = 40;
/** How near to a column's right edge a press sets its width. */
const EDGE = 6;
const DRAG_FROM = 5;

export class Head {
  readonly element = make("g-head", "row");
  readonly #at: Geometry;
  readonly #events: Pick<GridEvents, "sort" | "resize" | "reorder" | "menu">;
  readonly #drop = make("g-drop", null);
  #columns: readonly Column[] = [];

  constructor(at: Geometry, events: Pick<GridEvents, "sort" | "resize" | "reorder" | "menu">) {
    this.#at = at;
    this.#events = events;
    this.element.setAttribute("aria-rowindex", "1");
    this.#drop.hidden = true;
    this.element.addEventListener("mousedown", (event) => this.#down(event));
    this.element.addEventListener("contextmenu", (event) => {
      const col = this.#colOf(event.target);
      if (col === null) return;
      event.preventDefault();
      this.#events.menu({ x: event.clientX, y: event.clientY }, { row: 0, col }, true);
    });
  }

  show(source: GridSource): void {
    this.#columns = source.columns;
    const corner = make("g-cell g-corner is-frozen", "columnheader");
    corner.setAttribute("aria-colindex", "1");
    corner.setAttribute("aria-label", "Row");
    corner.style.width = `${this.#at.headWidth}px`;
    corner.style.left = "0px";
    this.element.replaceChildren(
      corner,
      ...source.columns.map((column, col) => this.#cell(column, col)),
      this.#drop,
    );
    this.element.style.width = `${this.#at.width}px`;
  }

  /** Returns where a column's head is on screen. */
  place(col: number): DOMRect {
    return (this.element.children[col + 1] ?? this.element).getBoundingClientRect();
  }

  #cell(column: Column, col: number): HTMLElement {
    const at = this.#at;
    const isFrozen = col < at.frozen;
    const cell = make(
      `g-cell is-${column.kind}${isFrozen ? " is-frozen" : ""}${col === at.frozen - 1 ? " is-edge" : ""}`,
      "columnheader",
    );
    cell.setAttribute("aria-colindex", String(col + 2));
    cell.dataset["col"] = String(col);
    cell.textContent = column.title;
    cell.style.width = `${at.widthOf(col)}px`;
    if (column.sorted !== null) {
      cell.setAttribute("aria-sort", column.sorted);
      cell.classList.add(column.sorted === "ascending" ? "is-up" : "is-down");
    }
    if (isFrozen) cell.style.left = `${at.left(col)}px`;
    return cell;
  }

  #colOf(target: EventTarget | null): number | null {
    const cell = target instanceof HTMLElement ? target.closest<HTMLElement>("[role=columnheader]") : null;
    const col = cell?.dataset["col"];
    return col === undefined ? null : Number(col);
  }

  #down(event: MouseEvent): void {
    const col = this.#colOf(event.target);
    if (event.button !== 0 || col === null) return;
    event.preventDefault();
    const { left, right } = this.place(col);
    if (right - event.clientX <= EDGE) this.#resize(event, col);
    else if (col > 0 && event.clientX - left <= EDGE) this.#resize(event, col - 1);
    else this.#press(event, col);
  }

  #resize(start: MouseEvent, col: number): void {
    const cell = this.element.children[col + 1];
    const from = this.#at.widthOf(col);
    let width = from;
    const move = (event: MouseEvent): void => {
      width = Math.max(WIDTH_MIN * this.#at.scale, from + event.clientX - start.clientX);
      if (cell instanceof HTMLElement) cell.style.width = `${width}px`;
    };
    follow(move, () => {
      if (width !== from) this.#events.resize(col, Math.round(width / this.#at.scale));
    });
  }

  /** A press that does not move sorts; one that moves takes the column along. */
  #press(start: MouseEvent, col: number): void {
    let before: number | null = null;
    const head = this.element.getBoundingClientRect();
    const move = (event: MouseEvent): void => {
      if (before === null && Math.abs(event.clientX - start.clientX) < DRAG_FROM) return;
      const x = event.clientX - head.left;
      before = this.#columns.findIndex((_, one) => x < this.#at.left(one) + this.#at.widthOf(one) / 2);
      if (before < 0) before = this.#columns.length;
      this.#drop.hidden = false;
      const edge = before < this.#columns.length ? this.#at.left(before) : this.#at.width;
      this.#drop.style.transform = `translateX(${edge - 1}px)`;
    };
    follow(move, () => {
      this.#drop.hidden = true;
      if (before === null) this.#events.sort(col);
      else if (before !== col && before !== col + 1) this.#events.reorder(col, before);
    });
  }
}

/** Follows the mouse until its button is let go. */
export const follow = (move: (event: MouseEvent) => void, done: (event: MouseEvent) => void): void => {
  const drop = (event: MouseEvent): void => {
    removeEventListener("mousemove", move);
    removeEventListener("mouseup", drop);
    done(event);
  };
  addEventListener("mousemove", move);
  addEventListener("mouseup", drop);
};
