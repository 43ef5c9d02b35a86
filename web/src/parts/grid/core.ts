/**
 * The grid: rows painted into recycled elements, one focused cell, one range, one editor. Props in, events out; it knows
 * no records, no server and no React. Real focus is on the cell, so screen readers follow; the editor takes focus inside
 * the key press that opens it, so no key is lost.
 */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { fromClipboard, toClipboard } from "../../lib/clip.ts";
import { Editor } from "./editor.ts";
import { Geometry, make, put } from "./geometry.ts";
import { follow, Head } from "./head.ts";
import {
  at,
  type Cell,
  clamp,
  type Extent,
  moved,
  type Range,
  range,
  type Selection,
  size,
  stretched,
  tabbed,
} from "./model.ts";
import { Rows } from "./rows.ts";
import type { GridEvents, GridSource } from "./source.ts";

const OVERSCAN = 6;
/** How far from where a record was it is looked for when rows come or go. */
const NEAR = 200;

export class GridCore {
  readonly element: HTMLElement;
  selection: Selection = at(0, 0);
  #source: GridSource;
  readonly #events: GridEvents;
  readonly #at = new Geometry();
  readonly #head: Head;
  readonly #body = make("g-body", "rowgroup");
  readonly #rows: Rows;
  readonly #overlay = make("g-range", null);
  readonly #handle = make("g-fill", null);
  readonly #editor: Editor;
  readonly #virtual: Virtualizer<HTMLElement, Element>;
  readonly #unmount: () => void;
  readonly #sizes: ResizeObserver;
  #selected: HTMLElement[] = [];
  #here: HTMLElement | null = null;
  #anchorId: string | null = null;
  #hasFocus = false;
  #columnsKey = "";

  constructor(element: HTMLElement, source: GridSource, events: GridEvents) {
    this.element = element;
    this.#source = source;
    this.#events = events;
    element.classList.add("g");
    element.setAttribute("role", "grid");
    element.setAttribute("aria-multiselectable", "true");
    this.#overlay.setAttribute("aria-hidden", "true");
    this.#handle.setAttribute("aria-hidden", "true");
    this.#head = new Head(this.#at, events);
    this.#rows = new Rows(this.#body, this.#at);
    this.#editor = new Editor(element, this.#at, {
      draft: (cell, text) => events.draft(cell, text),
      suggest: (cell, text) => events.suggest(cell, text),
      done: (isTaken) => {
        this.#commit();
        if (isTaken) this.focus();
      },
    });
    this.#body.append(this.#overlay, this.#handle, this.#editor.box, this.#editor.offers);
    element.append(this.#head.element, this.#body);
    this.#virtual = new Virtualizer<HTMLElement, Element>({
      count: source.rows,
      getScrollElement: () => this.element,
      estimateSize: () => this.#at.rowHeight,
      overscan: OVERSCAN,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => this.#render(),
    });
    this.#unmount = this.#virtual._didMount();
    this.#listen();
    this.#sizes = new ResizeObserver(() => this.#measure());
    this.#sizes.observe(element);
    this.update(source);
  }

  /** Shows the content as it is now; the selection stays on the record it was on. */
  update(source: GridSource): void {
    const isLonger = source.rows !== this.#source.rows;
    const isSame = source.subject === this.#source.subject;
    this.#source = source;
    this.element.setAttribute("aria-label", source.label);
    this.element.setAttribute("aria-rowcount", String(source.rows + 1));
    this.element.setAttribute("aria-colcount", String(source.columns.length + 1));
    this.element.setAttribute("aria-readonly", String(source.isReadOnly));
    this.#columns();
    this.#follow(isSame);
    if (isLonger || this.#body.style.height === "") {
      this.#body.style.height = `${source.rows * this.#at.rowHeight}px`;
      this.#virtual.setOptions({ ...this.#virtual.options, count: source.rows });
    }
    this.#virtual._willUpdate();
    if (!isSame) this.element.scrollTop = 0;
    this.#render(true);
  }

  destroy(): void {
    this.#unmount();
    this.#sizes.disconnect();
    this.element.replaceChildren();
  }

  /** Puts the focus on the selected cell. */
  focus(): void {
    this.go(this.selection.anchor);
  }

  /** Goes to a cell and shows it. */
  go(cell: Cell): void {
    this.#choose(at(clamp(cell, this.#extent()).row, clamp(cell, this.#extent()).col), true);
  }

  /** Goes to the row that becomes a new record. */
  goNew(col: number): void {
    this.go({ row: this.#source.newRow, col });
  }

  /** The record under the cursor. */
  get record(): string | null {
    return this.#source.id(this.selection.anchor.row);
  }

  /** Selects a range, with the focus on its anchor, which stays in sight. */
  choose(selection: Selection): void {
    this.#choose(selection, true, selection.anchor);
  }

  /** Opens the editor on the selected cell, with the given text instead of the cell's own where there is one. */
  edit(text?: string, isOffered = false): void {
    const { row, col } = this.selection.anchor;
    const column = this.#source.columns[col];
    const { kind } = this.#source.line(row);
    if (column === undefined || !column.isEditable || this.#source.isReadOnly || kind === "group") return;
    const face = this.#source.face(row, col);
    if (face === null && kind === "record") return;
    this.#choose(at(row, col), false);
    this.#events.begin({ row, col });
    this.#editor.open({ row, col }, column, text ?? face?.text ?? "", text !== undefined);
    if (isOffered) this.#editor.selectAll();
  }

  get isEditing(): boolean {
    return this.#editor.cell !== null;
  }

  /** Returns where a cell, or a column's head, is on screen: a menu opens there. */
  place(cell: Cell, isHead: boolean): DOMRect {
    if (isHead) return this.#head.place(cell.col);
    return (this.#rows.cell(cell.row, cell.col) ?? this.element).getBoundingClientRect();
  }

  #extent(): Extent {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#at.rowHeight) - 2);
    return { rows: this.#source.rows, cols: this.#source.columns.length, page };
  }

  #measure(): void {
    const height = Number.parseFloat(getComputedStyle(this.#head.element).height);
    if (height > 0 && height !== this.#at.rowHeight) {
      this.#at.rowHeight = height;
      this.#virtual.measure();
      this.#body.style.height = "";
    }
    this.#columnsKey = "";
    this.update(this.#source);
  }

  #columns(): void {
    const { columns, frozen } = this.#source;
    const key = `${frozen}|${columns.map((one) => `${one.key}/${one.title}/${one.width}/${one.kind}/${one.sorted}`).join("|")}`;
    if (key === this.#columnsKey) return;
    this.#columnsKey = key;
    this.#at.lay(columns, frozen);
    this.#head.show(this.#source);
    this.#body.style.width = `${this.#at.width}px`;
    this.#rows.drop();
    this.#rows.look(this.#inSight(), null);
  }

  #inSight(): { readonly first: number; readonly last: number } {
    return this.#at.within(this.element.scrollLeft, this.element.scrollLeft + this.element.clientWidth);
  }

  #render(isForced = false): void {
    const items = this.#virtual.getVirtualItems();
    const first = items[0]?.index ?? 0;
    const last = items.at(-1)?.index ?? Math.min(this.#source.rows - 1, 40);
    this.#rows.show(this.#source, first, last, isForced);
    this.#paintSelection();
    this.#events.look(Math.max(0, first + (first > 0 ? OVERSCAN : 0)), Math.max(0, last - OVERSCAN));
  }

  #paintSelection(): void {
    const chosen = range(this.selection);
    const isSeveral = size(chosen) > 1;
    this.#overlay.hidden = !isSeveral;
    const box = this.#at.box(chosen.top, chosen.left, chosen.bottom, chosen.right);
    if (isSeveral) put(this.#overlay, box);
    this.#handle.hidden = this.#source.isReadOnly || this.#source.line(chosen.bottom).kind !== "record";
    this.#handle.style.transform = `translate(${box.x + box.width - 5}px,${box.y + box.height - 5}px)`;
    for (const cell of this.#selected) cell.removeAttribute("aria-selected");
    this.#selected = [];
    this.#here?.classList.remove("is-here");
    this.#here = null;
    this.#rows.each((index, head, cells) => {
      if (index === this.selection.anchor.row) {
        this.#here = head;
        head.classList.add("is-here");
      }
      if (index < chosen.top || index > chosen.bottom) return;
      for (let col = chosen.left; col <= chosen.right; col++) {
        const cell = cells(col);
        if (cell === null) continue;
        cell.setAttribute("aria-selected", "true");
        this.#selected.push(cell);
      }
    });
    this.#paintStop();
  }

  #paintStop(): void {
    const { stop: before } = this.#rows;
    const stop = this.#rows.cell(this.selection.anchor.row, this.selection.anchor.col);
    if (stop !== before) {
      if (before !== null) {
        before.tabIndex = -1;
        before.classList.remove("is-current");
      }
      this.#rows.stop = stop;
      this.element.tabIndex = stop === null ? 0 : -1;
    }
    if (stop === null) return;
    stop.tabIndex = 0;
    stop.classList.add("is-current");
    const isLost =
      document.activeElement === this.element || (this.#hasFocus && document.activeElement === document.body);
    if (isLost && !this.isEditing) stop.focus({ preventScroll: true });
  }

  #choose(selection: Selection, takesFocus: boolean, seen = selection.end): void {
    this.selection = selection;
    this.#anchorId = this.#source.id(selection.anchor.row);
    const to = this.#at.reveal(seen, this.element);
    if (to.top !== this.element.scrollTop) this.element.scrollTop = to.top;
    if (to.left !== this.element.scrollLeft) this.element.scrollLeft = to.left;
    this.#rows.look(this.#inSight(), this.#source);
    this.#render();
    // A row that is far away is painted by the scroll event: until then the grid itself holds the focus for it.
    const target = this.#rows.cell(selection.anchor.row, selection.anchor.col) ?? this.element;
    if (takesFocus) target.focus({ preventScroll: true });
    this.#events.select(selection);
  }

  /** Keeps selection and editor on their record when rows above it come or go, and the record where it is on screen. */
  #follow(isStaying: boolean): void {
    const { anchor, end } = this.selection;
    if (this.#anchorId !== null && this.#source.id(anchor.row) !== this.#anchorId) {
      const found = this.#find(this.#anchorId, anchor.row);
      if (found !== null) {
        const by = found - anchor.row;
        const here = { row: found, col: anchor.col };
        this.selection = { anchor: here, end: clamp({ row: end.row + by, col: end.col }, this.#extent()) };
        if (this.isEditing) this.#editor.follow(here);
        const y = anchor.row * this.#at.rowHeight - this.element.scrollTop;
        if (isStaying && y >= 0 && y < this.element.clientHeight) this.#scrollBy(by);
      }
    }
    const extent = this.#extent();
    this.selection = { anchor: clamp(this.selection.anchor, extent), end: clamp(this.selection.end, extent) };
    this.#anchorId = this.#source.id(this.selection.anchor.row) ?? this.#anchorId;
  }

  #scrollBy(rows: number): void {
    this.#body.style.height = `${this.#source.rows * this.#at.rowHeight}px`;
    this.element.scrollTop += rows * this.#at.rowHeight;
  }

  #find(id: string, near: number): number | null {
    for (let by = 1; by < NEAR; by++) {
      if (this.#source.id(near + by) === id) return near + by;
      if (near - by >= 0 && this.#source.id(near - by) === id) return near - by;
    }
    return null;
  }

  #listen(): void {
    const { element } = this;
    element.addEventListener("scroll", () => this.#rows.look(this.#inSight(), this.#source), {
      passive: true,
    });
    element.addEventListener("mousedown", (event) => this.#down(event));
    element.addEventListener("dblclick", (event) => {
      if (this.#body.contains(event.target instanceof Node ? event.target : null)) this.#open();
    });
    element.addEventListener("contextmenu", (event) => this.#menu(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focusin", () => {
      this.#hasFocus = true;
      if (document.activeElement === this.element) this.#paintStop();
    });
    element.addEventListener("focusout", (event) => {
      this.#hasFocus = event.relatedTarget === null && document.hasFocus();
    });
    for (const kind of ["copy", "cut", "paste"] as const)
      element.addEventListener(kind, (event) => this.#clip(kind, event));
  }

  #cellAt(event: MouseEvent): Cell {
    const body = this.#body.getBoundingClientRect();
    const inView = event.clientX - this.element.getBoundingClientRect().left;
    const x = inView < this.#at.frozenEnd ? inView : event.clientX - body.left;
    const row = Math.floor((event.clientY - body.top) / this.#at.rowHeight);
    return clamp({ row, col: this.#at.colAt(x) }, this.#extent());
  }

  /** Whether a press is on a row's own number: it takes the whole row. */
  #isOnHead(event: MouseEvent): boolean {
    return event.clientX - this.element.getBoundingClientRect().left < this.#at.headWidth;
  }

  #down(event: MouseEvent): void {
    const target = event.target instanceof Node ? event.target : null;
    const isElsewhere =
      target === this.element ||
      target === this.#editor.box ||
      this.#editor.offers.contains(target) ||
      this.#head.element.contains(target);
    if (event.button !== 0 || isElsewhere) return;
    event.preventDefault();
    this.#commit();
    if (target === this.#handle) {
      this.#dragFill();
      return;
    }
    const last = this.#source.columns.length - 1;
    const isRow = this.#isOnHead(event);
    const here = this.#cellAt(event);
    const first = isRow ? { row: here.row, col: 0 } : here;
    const wide = (cell: Cell): Cell => (isRow ? { row: cell.row, col: last } : cell);
    this.#choose(
      event.shiftKey
        ? { anchor: this.selection.anchor, end: wide(here) }
        : { anchor: first, end: wide(here) },
      true,
    );
    follow(
      (move) => {
        const end = wide(this.#cellAt(move));
        if (end.row !== this.selection.end.row || end.col !== this.selection.end.col)
          this.#choose({ anchor: this.selection.anchor, end }, false);
      },
      () => undefined,
    );
  }

  /** Drags the corner of the range: what stands in it fills what it is dragged over. */
  #dragFill(): void {
    const from = range(this.selection);
    let to = from;
    follow(
      (move) => {
        to = stretched(from, this.#cellAt(move));
        this.#overlay.hidden = false;
        put(this.#overlay, this.#at.box(to.top, to.left, to.bottom, to.right));
      },
      () => {
        if (size(to) === size(from)) return;
        this.#events.fill(from, to);
        this.#choose({ anchor: { row: to.top, col: to.left }, end: { row: to.bottom, col: to.right } }, true);
      },
    );
  }

  #menu(event: MouseEvent): void {
    const target = event.target instanceof Node ? event.target : null;
    if (target === this.#editor.box || !this.#body.contains(target)) return;
    event.preventDefault();
    const cell = this.#cellAt(event);
    const { top, bottom, left, right } = range(this.selection);
    if (cell.row < top || cell.row > bottom || cell.col < left || cell.col > right) this.go(cell);
    this.#events.menu({ x: event.clientX, y: event.clientY }, cell, false);
  }

  /** Enter or a double click: a tick is turned at once, anything else is edited. */
  #open(): void {
    const { row, col } = this.selection.anchor;
    const isTick = this.#source.columns[col]?.kind === "tick" && this.#source.line(row).kind === "record";
    if (!isTick || this.#source.isReadOnly) {
      this.edit();
      return;
    }
    const text = this.#source.face(row, col)?.text;
    if (text === undefined || this.#source.columns[col]?.isEditable !== true) return;
    this.#events.begin({ row, col });
    this.#events.commit({ row, col }, text === "Yes" ? "No" : "Yes");
    this.#rows.repaint(this.#source, row);
  }

  #commit(): void {
    const text = this.#editor.text;
    const cell = this.#editor.close();
    if (cell === null) return;
    this.#events.draft(cell, null);
    this.#events.commit(cell, text);
    this.#rows.repaint(this.#source, cell.row);
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const editing = this.#editor.cell;
    if (editing !== null) this.#keyInEditor(event, editing);
    else this.#keyInCell(event);
  }

  #keyInEditor(event: KeyboardEvent, editing: Cell): void {
    const by = event.shiftKey ? -1 : 1;
    const isPlain = !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && isPlain) {
      this.#commit();
      this.go({ row: editing.row + by, col: editing.col });
    } else if (event.key === "Enter" && event.altKey) this.#editor.breakLine();
    else if (event.key === "Tab") {
      this.#commit();
      this.go({ row: editing.row, col: editing.col + by });
    } else if (event.key === "Escape") {
      this.#editor.close();
      this.#events.draft(editing, null);
      this.go(editing);
      this.#events.cancel(editing);
    } else if (
      (event.key !== "ArrowDown" && event.key !== "ArrowUp") ||
      !this.#editor.walk(event.key === "ArrowDown" ? 1 : -1)
    ) {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #keyInCell(event: KeyboardEvent): void {
    const ctrl = event.ctrlKey || event.metaKey;
    if (this.#events.key(event, this.selection)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const next = event.altKey
      ? null
      : moved(this.selection, { key: event.key, ctrl, shift: event.shiftKey }, this.#extent());
    if (next !== null) {
      event.preventDefault();
      this.#choose(next, !event.shiftKey);
    } else if (this.#verb(event, ctrl)) event.preventDefault();
  }

  #verb(event: KeyboardEvent, ctrl: boolean): boolean {
    const { anchor } = this.selection;
    if ((event.key === "Enter" || event.key === "F2") && !ctrl)
      event.key === "F2" ? this.edit() : this.#open();
    else if (event.key === "Tab") {
      const to = tabbed(anchor, event.shiftKey, this.#extent());
      if (to === null) return false;
      this.go(to);
    } else if ((event.key === "Delete" || event.key === "Backspace") && !ctrl)
      this.#events.clear(range(this.selection));
    else if (event.key === "Escape") {
      if (size(range(this.selection)) > 1) this.go(anchor);
      else this.#events.leave();
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const place = this.place(anchor, false);
      this.#events.menu({ x: place.left + 8, y: place.bottom }, anchor, false);
    } else if (ctrl && event.key.toLowerCase() === "a") {
      const { rows, cols } = this.#extent();
      this.#choose({ anchor: { row: 0, col: 0 }, end: { row: Math.max(0, rows - 2), col: cols - 1 } }, false);
    } else return this.#type(event, ctrl);
    return true;
  }

  /** A character replaces what stands in the cell. */
  #type(event: KeyboardEvent, ctrl: boolean): boolean {
    if (event.key === "Process") {
      this.edit("");
      return false;
    }
    if (ctrl || event.altKey || event.key.length !== 1 || event.key === " ") return false;
    event.stopPropagation();
    this.edit(event.key);
    const editing = this.#editor.cell;
    if (editing !== null) this.#events.draft(editing, event.key);
    return true;
  }

  #clip(kind: "copy" | "cut" | "paste", event: ClipboardEvent): void {
    if (this.isEditing || event.clipboardData === null) return;
    event.preventDefault();
    const chosen = range(this.selection);
    if (kind === "paste") {
      if (!this.#source.isReadOnly) this.#events.paste(fromClipboard(event.clipboardData), chosen);
      return;
    }
    if (!this.#events.copy(chosen)) toClipboard(event.clipboardData, this.#texts(chosen));
    if (kind === "cut" && !this.#source.isReadOnly) this.#events.clear(chosen);
  }

  #texts(chosen: Range): readonly (readonly string[])[] {
    const made: string[][] = [];
    for (let row = chosen.top; row <= chosen.bottom; row++) {
      if (this.#source.line(row).kind !== "record") continue;
      const line: string[] = [];
      for (let col = chosen.left; col <= chosen.right; col++)
        line.push(this.#source.face(row, col)?.text ?? "");
      made.push(line);
    }
    return made;
  }
}
