/**
 * The grid: rows painted into recycled elements, one focused cell, one range, one editor. Props in, events out; it knows
 * no records, no server and no React. Real focus is on the cell, so screen readers follow; the editor takes focus inside
 * the key press that opens it, so no key is lost.
 */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { readTsv, writeTsv } from "../../lib/tsv.ts";
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
  tabbed,
} from "./model.ts";

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly width: number;
  readonly isNumeric: boolean;
  readonly isEditable: boolean;
  /** What a choice offers while it is edited. */
  readonly choices: readonly string[];
  /** Whether what may be meant is asked for while it is typed. */
  readonly isSuggesting: boolean;
  /** What parts the names in a cell that holds several, null where it holds one. */
  readonly separator: string | null;
  readonly sorted: "ascending" | "descending" | null;
}

/** How a cell stands: what it shows, how many values compete in it, whether what it shows is not saved yet or could not be. */
export interface Face {
  readonly text: string;
  readonly competing: number;
  readonly state: "saved" | "saving" | "refused";
}

/** Where the grid's content comes from; null for a row that is not here yet. */
export interface GridSource {
  readonly count: number;
  readonly columns: readonly Column[];
  readonly label: string;
  readonly ghost: string;
  readonly isReadOnly: boolean;
  id(row: number): string | null;
  face(row: number, col: number): Face | null;
}

export interface GridEvents {
  /** Rows on screen. */
  look(first: number, last: number): void;
  select(selection: Selection): void;
  /** The person starts to type here: what stands there now is what they are looking at. */
  begin(cell: Cell): void;
  commit(cell: Cell, text: string): void;
  /** The text a person has typed so far, null when they are done: kept where a crash cannot take it. */
  draft(cell: Cell, text: string | null): void;
  /** What may be meant by what is typed into a cell. */
  suggest(cell: Cell, text: string): Promise<readonly string[]>;
  clear(range: Range): void;
  /** Copying rows of which some are not here; false where the grid can do it by itself. */
  copy(range: Range): boolean;
  paste(block: readonly (readonly string[])[], range: Range): void;
  /** Any other key: returns whether it was taken. */
  key(event: KeyboardEvent, selection: Selection): boolean;
  sort(col: number): void;
  leave(): void;
}

const ROW_NUMBER_WIDTH = 52;
const OVERSCAN = 6;
const SUGGESTIONS_MAX = 8;

interface RowElement {
  readonly element: HTMLElement;
  readonly head: HTMLElement;
  readonly cells: CellElement[];
  index: number;
}

/** One cell's elements, and what they show, so that nothing is touched that stays the same. */
interface CellElement {
  readonly element: HTMLElement;
  readonly words: HTMLElement;
  readonly mark: HTMLElement;
  readonly base: string;
  text: string;
  look: string;
  competing: number;
  isPainted: boolean;
}

/** What a cell shows where its column is out of sight. */
const NOTHING: Face = { text: "", competing: 0, state: "saved" };

const make = (className: string, role: string | null): HTMLDivElement => {
  const element = document.createElement("div");
  element.className = className;
  if (role !== null) element.setAttribute("role", role);
  return element;
};

export class GridCore {
  readonly element: HTMLElement;
  selection: Selection = at(0, 0);
  #source: GridSource;
  readonly #events: GridEvents;
  readonly #head = make("g-head", "row");
  readonly #body = make("g-body", "rowgroup");
  readonly #overlay = make("g-range", null);
  readonly #editor = document.createElement("textarea");
  readonly #offers = make("g-offers", "listbox");
  readonly #virtual: Virtualizer<HTMLElement, Element>;
  readonly #unmount: () => void;
  readonly #sizes: ResizeObserver;
  #pool: RowElement[] = [];
  #lefts: readonly number[] = [];
  #width = 0;
  #rowHeight = 30;
  #editing: Cell | null = null;
  #offered = -1;
  #asked = 0;
  #tabStop: HTMLElement | null = null;
  #selected: HTMLElement[] = [];
  #anchorId: string | null = null;
  #hasFocus = false;
  #columnsKey = "";
  #columnsInSight: { readonly first: number; readonly last: number } = { first: 0, last: 0 };

  constructor(element: HTMLElement, source: GridSource, events: GridEvents) {
    this.element = element;
    this.#source = source;
    this.#events = events;
    element.classList.add("g");
    element.setAttribute("role", "grid");
    element.setAttribute("aria-multiselectable", "true");
    this.#overlay.setAttribute("aria-hidden", "true");
    this.#editor.className = "g-editor";
    this.#editor.hidden = true;
    this.#editor.rows = 1;
    this.#editor.spellcheck = false;
    this.#offers.hidden = true;
    this.#offers.id = "grid-offers";
    this.#body.append(this.#overlay, this.#editor, this.#offers);
    element.append(this.#head, this.#body);
    this.#virtual = new Virtualizer<HTMLElement, Element>({
      count: this.#rows,
      getScrollElement: () => this.element,
      estimateSize: () => this.#rowHeight,
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
    this.#source = source;
    this.element.setAttribute("aria-label", source.label);
    this.element.setAttribute("aria-rowcount", String(this.#rows + 1));
    this.element.setAttribute("aria-colcount", String(source.columns.length + 1));
    this.element.setAttribute("aria-readonly", String(source.isReadOnly));
    this.#columns();
    this.#follow();
    this.#body.style.height = `${this.#rows * this.#rowHeight}px`;
    this.#virtual.setOptions({ ...this.#virtual.options, count: this.#rows });
    this.#virtual._willUpdate();
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

  /** Selects a range, with the focus on its anchor. */
  choose(selection: Selection): void {
    this.#choose(selection, true);
  }

  /** Opens the editor on the selected cell, with the given text instead of the cell's own where there is one. */
  edit(text?: string): void {
    const { row, col } = this.selection.anchor;
    const column = this.#source.columns[col];
    if (column === undefined || !column.isEditable || this.#source.isReadOnly) return;
    const face = this.#source.face(row, col);
    if (face === null && row < this.#source.count) return;
    this.#choose(at(row, col), false);
    this.#editing = { row, col };
    this.#events.begin(this.#editing);
    this.#editor.value = text ?? face?.text ?? "";
    this.#editor.setAttribute("aria-label", `${column.title}, row ${row + 1}`);
    this.#place(this.#editor, row, col, row, col);
    this.#editor.hidden = false;
    this.#editor.focus({ preventScroll: true });
    this.#editor.setSelectionRange(this.#editor.value.length, this.#editor.value.length);
    this.#grow();
    // A cell that holds names already offers none until something is typed.
    if (!column.isSuggesting || this.#editor.value === "" || text !== undefined) this.#offer();
  }

  get isEditing(): boolean {
    return this.#editing !== null;
  }

  get #rows(): number {
    return this.#source.count + 1;
  }

  #extent(): Extent {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight) - 2);
    return { rows: this.#rows, cols: this.#source.columns.length, page };
  }

  #measure(): void {
    const height = Number.parseFloat(getComputedStyle(this.#head).height);
    if (height > 0 && height !== this.#rowHeight) {
      this.#rowHeight = height;
      this.#virtual.measure();
    }
    this.#columnsKey = "";
    this.update(this.#source);
  }

  #columns(): void {
    const columns = this.#source.columns;
    const key = columns.map((one) => `${one.key}/${one.title}/${one.width}/${one.sorted}`).join("|");
    if (key === this.#columnsKey) return;
    this.#columnsKey = key;
    const scale = this.#rowHeight / 30;
    let x = ROW_NUMBER_WIDTH * scale;
    const lefts: number[] = [];
    this.#head.replaceChildren(this.#cornerCell(x));
    columns.forEach((column, col) => {
      lefts.push(x);
      this.#head.append(this.#headCell(column, col, x, column.width * scale));
      x += column.width * scale;
    });
    this.#lefts = lefts;
    this.#width = x;
    this.#head.style.width = `${x}px`;
    this.#body.style.width = `${x}px`;
    for (const row of this.#pool) row.element.remove();
    this.#pool = [];
    this.#tabStop = null;
    this.#columnsInSight = this.#inSight();
  }

  #cornerCell(width: number): HTMLElement {
    const cell = make("g-cell g-corner is-frozen", "columnheader");
    cell.setAttribute("aria-colindex", "1");
    cell.setAttribute("aria-label", "Row");
    cell.style.width = `${width}px`;
    cell.style.left = "0px";
    return cell;
  }

  #headCell(column: Column, col: number, left: number, width: number): HTMLElement {
    const cell = make(`g-cell${column.isNumeric ? " is-number" : ""}`, "columnheader");
    cell.setAttribute("aria-colindex", String(col + 2));
    cell.dataset["col"] = String(col);
    cell.textContent = column.title;
    cell.style.width = `${width}px`;
    if (column.sorted !== null) {
      cell.setAttribute("aria-sort", column.sorted);
      cell.classList.add(column.sorted === "ascending" ? "is-up" : "is-down");
    }
    if (col === 0) {
      cell.classList.add("is-frozen", "is-edge");
      cell.style.left = `${left}px`;
    }
    return cell;
  }

  #row(): RowElement {
    const element = make("g-row", "row");
    element.style.width = `${this.#width}px`;
    const scale = this.#rowHeight / 30;
    const head = make("g-cell g-number is-frozen", "rowheader");
    head.setAttribute("aria-colindex", "1");
    head.style.width = `${ROW_NUMBER_WIDTH * scale}px`;
    head.style.left = "0px";
    element.append(head);
    const cells = this.#source.columns.map((column, col) => {
      const base = `g-cell${column.isNumeric ? " is-number" : ""}${col === 0 ? " is-frozen is-edge is-name" : ""}`;
      const cell = make(base, "gridcell");
      cell.setAttribute("aria-colindex", String(col + 2));
      cell.style.width = `${column.width * scale}px`;
      cell.tabIndex = -1;
      if (!column.isEditable) cell.setAttribute("aria-readonly", "true");
      if (col === 0) cell.style.left = `${this.#lefts[0] ?? 0}px`;
      const words = document.createElement("span");
      words.className = "g-text";
      const mark = document.createElement("span");
      mark.className = "g-mark";
      cell.append(words);
      element.append(cell);
      return { element: cell, words, mark, base, text: "", look: "", competing: 0, isPainted: false };
    });
    this.#body.append(element);
    return { element, head, cells, index: -1 };
  }

  #render(force = false): void {
    const items = this.#virtual.getVirtualItems();
    const first = items[0]?.index ?? 0;
    const last = items.at(-1)?.index ?? Math.min(this.#rows - 1, 40);
    const needed = last - first + 1;
    while (this.#pool.length < needed) {
      this.#pool.push(this.#row());
      for (const row of this.#pool) row.index = -1;
    }
    const size = this.#pool.length;
    for (let index = first; index < first + size; index++) {
      const row = this.#pool[index % size];
      if (row === undefined) continue;
      if (index >= this.#rows) this.#hide(row);
      else if (row.index !== index || force) this.#paintRow(row, index);
    }
    this.#paintSelection();
    this.#events.look(Math.max(0, first + (first > 0 ? OVERSCAN : 0)), Math.max(0, last - OVERSCAN));
  }

  #hide(row: RowElement): void {
    row.index = -1;
    row.element.hidden = true;
  }

  #paintRow(row: RowElement, index: number): void {
    if (row.index !== index && row.element.contains(document.activeElement))
      this.element.focus({ preventScroll: true });
    row.index = index;
    row.element.hidden = false;
    row.element.style.transform = `translateY(${index * this.#rowHeight}px)`;
    row.element.setAttribute("aria-rowindex", String(index + 2));
    const isGhost = index === this.#source.count;
    row.element.classList.toggle("is-ghost", isGhost);
    row.head.textContent = isGhost ? "+" : String(index + 1);
    row.head.setAttribute("aria-label", isGhost ? "New row" : `Row ${index + 1}`);
    row.cells.forEach((cell, col) => {
      cell.isPainted = this.#isInSight(col);
      if (cell.isPainted) this.#paint(cell, index, col, isGhost);
      else this.#show(cell, col, NOTHING, "", "");
    });
  }

  /** Paints the cells of columns that have come into sight by scrolling sideways. */
  #paintColumns(): void {
    const before = this.#columnsInSight;
    this.#columnsInSight = this.#inSight();
    const { first, last } = this.#columnsInSight;
    if (first >= before.first && last <= before.last) return;
    for (const row of this.#pool) {
      if (row.index < 0) continue;
      row.cells.forEach((cell, col) => {
        if (cell.isPainted || !this.#isInSight(col)) return;
        cell.isPainted = true;
        this.#paint(cell, row.index, col, row.index === this.#source.count);
      });
    }
  }

  #inSight(): { readonly first: number; readonly last: number } {
    const left = this.element.scrollLeft;
    const right = left + this.element.clientWidth;
    const first = this.#lefts.findIndex((x, col) => x + this.#widthOf(col) > left);
    const last = this.#lefts.findLastIndex((x) => x < right);
    return { first: Math.max(0, first - 1), last: last + 1 };
  }

  #isInSight(col: number): boolean {
    return col === 0 || (col >= this.#columnsInSight.first && col <= this.#columnsInSight.last);
  }

  #paint(cell: CellElement, row: number, col: number, isGhost: boolean): void {
    const face = this.#source.face(row, col);
    const isHint = isGhost && face === null && col === 0;
    const state = face === null && !isGhost ? "absent" : (face?.state ?? "saved");
    const text = isHint ? this.#source.ghost : (face?.text ?? "");
    this.#show(
      cell,
      col,
      face ?? NOTHING,
      text,
      `${isHint ? " is-hint" : ""}${state === "saved" ? "" : ` is-${state}`}`,
    );
  }

  #show(cell: CellElement, col: number, { competing, state }: Face, text: string, look: string): void {
    if (cell.text === text && cell.look === look && cell.competing === competing) return;
    if (cell.text !== text) cell.words.textContent = text;
    if (cell.look !== look || cell.competing !== competing) {
      cell.element.className = `${cell.base}${look}${competing > 1 ? " is-open" : ""}`;
      if (cell.element === this.#tabStop) cell.element.classList.add("is-current");
    }
    if (cell.competing !== competing) {
      cell.mark.textContent = String(competing);
      if (competing > 1) cell.element.prepend(cell.mark);
      else cell.mark.remove();
    }
    Object.assign(cell, { text, look, competing });
    if (competing > 1 || state === "refused") {
      const more = competing > 1 ? `${competing} competing values` : "not saved";
      cell.element.ariaLabel = `${this.#source.columns[col]?.title ?? ""} ${text}, ${more}`;
    } else cell.element.removeAttribute("aria-label");
  }

  #cell(row: number, col: number): HTMLElement | null {
    const found = this.#pool[row % Math.max(1, this.#pool.length)];
    return found?.index === row ? (found.cells[col]?.element ?? null) : null;
  }

  #place(element: HTMLElement, top: number, left: number, bottom: number, right: number): void {
    const x = this.#lefts[left] ?? 0;
    const end = (this.#lefts[right] ?? 0) + this.#widthOf(right);
    element.style.transform = `translate(${x}px,${top * this.#rowHeight}px)`;
    element.style.width = `${end - x}px`;
    element.style.height = `${(bottom - top + 1) * this.#rowHeight}px`;
  }

  #widthOf(col: number): number {
    return (this.#lefts[col + 1] ?? this.#width) - (this.#lefts[col] ?? 0);
  }

  #paintSelection(): void {
    const chosen = range(this.selection);
    this.#overlay.hidden = size(chosen) === 1;
    this.#place(this.#overlay, chosen.top, chosen.left, chosen.bottom, chosen.right);
    for (const cell of this.#selected) cell.removeAttribute("aria-selected");
    this.#selected = [];
    for (const row of this.#pool) {
      const isIn = row.index >= chosen.top && row.index <= chosen.bottom;
      row.head.classList.toggle("is-here", row.index === this.selection.anchor.row);
      if (!isIn) continue;
      for (let col = chosen.left; col <= chosen.right; col++) {
        const cell = row.cells[col]?.element;
        if (cell === undefined) continue;
        cell.setAttribute("aria-selected", "true");
        this.#selected.push(cell);
      }
    }
    const stop = this.#cell(this.selection.anchor.row, this.selection.anchor.col);
    if (stop !== this.#tabStop) {
      if (this.#tabStop !== null) {
        this.#tabStop.tabIndex = -1;
        this.#tabStop.classList.remove("is-current");
      }
      this.#tabStop = stop;
    }
    this.element.tabIndex = stop === null ? 0 : -1;
    if (stop === null) return;
    stop.tabIndex = 0;
    stop.classList.add("is-current");
    const isLost =
      document.activeElement === this.element || (this.#hasFocus && document.activeElement === document.body);
    if (isLost && !this.isEditing) stop.focus({ preventScroll: true });
  }

  #choose(selection: Selection, takesFocus: boolean): void {
    this.selection = selection;
    this.#anchorId = this.#source.id(selection.anchor.row);
    this.#reveal(selection.end);
    this.#paintColumns();
    this.#render();
    // A row that is far away is painted by the scroll event: until then the grid itself holds the focus for it.
    const target = this.#cell(selection.anchor.row, selection.anchor.col) ?? this.element;
    if (takesFocus) target.focus({ preventScroll: true });
    this.#events.select(selection);
  }

  /** Keeps the selection on its record when rows above it come or go. */
  #follow(): void {
    const { anchor, end } = this.selection;
    if (this.#anchorId !== null && !this.isEditing && this.#source.id(anchor.row) !== this.#anchorId) {
      const found = this.#find(this.#anchorId, anchor.row);
      if (found !== null) {
        const by = found - anchor.row;
        this.selection = {
          anchor: { row: found, col: anchor.col },
          end: clamp({ row: end.row + by, col: end.col }, this.#extent()),
        };
      }
    }
    const extent = this.#extent();
    this.selection = { anchor: clamp(this.selection.anchor, extent), end: clamp(this.selection.end, extent) };
    this.#anchorId = this.#source.id(this.selection.anchor.row) ?? this.#anchorId;
  }

  #find(id: string, near: number): number | null {
    for (let by = 1; by < 200; by++) {
      if (this.#source.id(near + by) === id) return near + by;
      if (near - by >= 0 && this.#source.id(near - by) === id) return near - by;
    }
    return null;
  }

  #reveal({ row, col }: Cell): void {
    const view = this.element;
    const height = this.#rowHeight;
    const top = row * height;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + 2 * height > view.scrollTop + view.clientHeight)
      view.scrollTop = top + 2 * height - view.clientHeight;
    if (col === 0) return;
    const frozen = (this.#lefts[0] ?? 0) + this.#widthOf(0);
    const left = this.#lefts[col] ?? 0;
    const right = left + this.#widthOf(col);
    if (left - frozen < view.scrollLeft) view.scrollLeft = left - frozen;
    else if (right > view.scrollLeft + view.clientWidth) view.scrollLeft = right - view.clientWidth;
  }

  #listen(): void {
    const { element } = this;
    element.addEventListener("scroll", () => this.#paintColumns(), { passive: true });
    element.addEventListener("mousedown", (event) => this.#down(event));
    element.addEventListener("dblclick", (event) => {
      if (!this.#head.contains(event.target instanceof Node ? event.target : null)) this.edit();
    });
    element.addEventListener("click", (event) => this.#clickHead(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focusin", () => {
      this.#hasFocus = true;
      if (document.activeElement === this.element) this.#paintSelection();
    });
    element.addEventListener("focusout", (event) => {
      this.#hasFocus = event.relatedTarget === null && document.hasFocus();
    });
    this.#editor.addEventListener("input", () => {
      this.#grow();
      this.#offer();
      if (this.#editing !== null) this.#events.draft(this.#editing, this.#editor.value);
    });
    this.#editor.addEventListener("blur", () => this.#commit());
    this.#offers.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const offer = event.target instanceof HTMLElement ? event.target.textContent : null;
      if (offer === null) return;
      this.#take(offer);
      if (this.#source.columns[this.#editing?.col ?? -1]?.separator) return;
      this.#commit();
      this.focus();
    });
    for (const kind of ["copy", "cut", "paste"] as const)
      element.addEventListener(kind, (event) => this.#clip(kind, event));
  }

  #clickHead(event: MouseEvent): void {
    const cell =
      event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("[role=columnheader]") : null;
    const col = cell?.dataset["col"];
    if (col !== undefined) this.#events.sort(Number(col));
  }

  #at(event: MouseEvent): Cell {
    const body = this.#body.getBoundingClientRect();
    const view = this.element.getBoundingClientRect();
    const frozen = (this.#lefts[0] ?? 0) + this.#widthOf(0);
    const inView = event.clientX - view.left;
    const x = inView < frozen ? inView : event.clientX - body.left;
    const col = this.#lefts.findLastIndex((left) => left <= x);
    return clamp({ row: Math.floor((event.clientY - body.top) / this.#rowHeight), col }, this.#extent());
  }

  #down(event: MouseEvent): void {
    const target = event.target instanceof Node ? event.target : null;
    if (
      event.button !== 0 ||
      target === this.#editor ||
      this.#offers.contains(target) ||
      this.#head.contains(target)
    )
      return;
    if (target === this.element) return;
    event.preventDefault();
    this.#commit();
    const cell = this.#at(event);
    this.#choose(
      event.shiftKey ? { anchor: this.selection.anchor, end: cell } : { anchor: cell, end: cell },
      true,
    );
    const drag = (move: MouseEvent): void => {
      const end = this.#at(move);
      if (end.row !== this.selection.end.row || end.col !== this.selection.end.col)
        this.#choose({ anchor: this.selection.anchor, end }, false);
    };
    const drop = (): void => {
      removeEventListener("mousemove", drag);
      removeEventListener("mouseup", drop);
    };
    addEventListener("mousemove", drag);
    addEventListener("mouseup", drop);
  }

  #grow(): void {
    const editor = this.#editor;
    editor.style.height = `${this.#rowHeight}px`;
    if (editor.scrollHeight > this.#rowHeight + 4) editor.style.height = `${editor.scrollHeight + 4}px`;
  }

  #offer(): void {
    const editing = this.#editing;
    const column = editing === null ? undefined : this.#source.columns[editing.col];
    if (editing === null || column === undefined) return;
    if (column.isSuggesting) {
      void this.#suggest(editing);
      return;
    }
    const typed = this.#editor.value.toLowerCase();
    const isChoosing = column.choices.some((one) => one.toLowerCase() === typed);
    const fit = column.choices.filter((one) => isChoosing || one.toLowerCase().includes(typed));
    this.#showOffers(editing, fit.slice(0, SUGGESTIONS_MAX));
  }

  /** Asks what may be meant by the name being typed; an answer that comes too late is dropped. */
  async #suggest(editing: Cell): Promise<void> {
    const asked = ++this.#asked;
    const found = await this.#events.suggest(editing, this.#editor.value.slice(this.#lastName()).trim());
    if (asked === this.#asked && this.#editing === editing)
      this.#showOffers(editing, found.slice(0, SUGGESTIONS_MAX));
  }

  /** Where in the editor's text the name being typed begins: behind the last separator. */
  #lastName(): number {
    const separator = this.#source.columns[this.#editing?.col ?? -1]?.separator ?? null;
    if (separator === null) return 0;
    const at = this.#editor.value.lastIndexOf(separator.trim());
    return at < 0 ? 0 : at + separator.trim().length;
  }

  /** Puts an offer in the place of the name being typed. */
  #take(offer: string): void {
    const from = this.#lastName();
    this.#editor.value = `${this.#editor.value.slice(0, from)}${from > 0 ? " " : ""}${offer}`;
    this.#grow();
  }

  #showOffers(editing: Cell, fit: readonly string[]): void {
    this.#offered = -1;
    this.#offers.hidden = fit.length === 0;
    this.#editor.removeAttribute("aria-activedescendant");
    if (fit.length === 0) return;
    this.#offers.replaceChildren(
      ...fit.map((one, index) => {
        const offer = make("g-offer", "option");
        offer.id = `grid-offer-${index}`;
        offer.textContent = one;
        return offer;
      }),
    );
    const room = this.element.scrollTop + this.element.clientHeight - (editing.row + 2) * this.#rowHeight;
    const isBelow = room > (fit.length + 1) * this.#rowHeight;
    const y = isBelow
      ? (editing.row + 1) * this.#rowHeight
      : editing.row * this.#rowHeight - this.#rowHeight * fit.length - 8;
    this.#offers.style.transform = `translate(${this.#lefts[editing.col] ?? 0}px,${Math.max(0, y)}px)`;
    this.#offers.style.minWidth = `${this.#widthOf(editing.col)}px`;
  }

  #walkOffers(by: number): boolean {
    const offers = [...this.#offers.children];
    if (this.#offers.hidden || offers.length === 0) return false;
    this.#offered =
      (this.#offered + by + offers.length + (this.#offered < 0 && by < 0 ? 1 : 0)) % offers.length;
    offers.forEach((one, index) => {
      one.setAttribute("aria-selected", String(index === this.#offered));
    });
    this.#take(offers[this.#offered]?.textContent ?? "");
    this.#editor.setAttribute("aria-activedescendant", `grid-offer-${this.#offered}`);
    return true;
  }

  #close(): Cell | null {
    const editing = this.#editing;
    this.#editing = null;
    this.#editor.hidden = true;
    this.#offers.hidden = true;
    this.#editor.removeAttribute("aria-activedescendant");
    return editing;
  }

  #commit(): void {
    const text = this.#editor.value;
    const editing = this.#close();
    if (editing === null) return;
    this.#events.draft(editing, null);
    this.#events.commit(editing, text);
    this.#repaint(editing.row);
  }

  #repaint(row: number): void {
    const found = this.#pool[row % Math.max(1, this.#pool.length)];
    if (found?.index === row) this.#paintRow(found, row);
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (this.#editing !== null) this.#keyInEditor(event, this.#editing);
    else this.#keyInCell(event);
  }

  #keyInEditor(event: KeyboardEvent, editing: Cell): void {
    const back = event.shiftKey;
    if (event.key === "Enter" && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#commit();
      this.go({ row: editing.row + (back ? -1 : 1), col: editing.col });
    } else if (event.key === "Tab") {
      event.preventDefault();
      this.#commit();
      this.go({ row: editing.row, col: editing.col + (back ? -1 : 1) });
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#close();
      this.#events.draft(editing, null);
      this.go(editing);
    } else if (event.key === "Enter" && event.altKey) {
      event.preventDefault();
      this.#editor.setRangeText("\n", this.#editor.selectionStart, this.#editor.selectionEnd, "end");
      this.#grow();
    } else if (
      (event.key === "ArrowDown" && this.#walkOffers(1)) ||
      (event.key === "ArrowUp" && this.#walkOffers(-1))
    )
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
      return;
    }
    this.#verb(event, ctrl);
  }

  #verb(event: KeyboardEvent, ctrl: boolean): void {
    const { anchor } = this.selection;
    if (event.key === "Enter" || event.key === "F2") {
      if (ctrl) return;
      event.preventDefault();
      this.edit();
    } else if (event.key === "Tab") {
      const to = tabbed(anchor, event.shiftKey, this.#extent());
      if (to === null) return;
      event.preventDefault();
      this.go(to);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (ctrl) return;
      event.preventDefault();
      this.#events.clear(range(this.selection));
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (size(range(this.selection)) > 1) this.go(anchor);
      else this.#events.leave();
    } else if (ctrl && event.key.toLowerCase() === "a") {
      event.preventDefault();
      const { rows, cols } = this.#extent();
      this.#choose({ anchor: { row: 0, col: 0 }, end: { row: Math.max(0, rows - 2), col: cols - 1 } }, false);
    } else if (!ctrl && !event.altKey && event.key.length === 1 && event.key !== " ") {
      event.preventDefault();
      event.stopPropagation();
      this.edit(event.key);
      const editing = this.#editing;
      if (editing !== null) this.#events.draft(editing, event.key);
    } else if (event.key === "Process") this.edit("");
  }

  #clip(kind: "copy" | "cut" | "paste", event: ClipboardEvent): void {
    if (this.isEditing || event.clipboardData === null) return;
    event.preventDefault();
    const chosen = range(this.selection);
    if (kind === "paste") {
      if (!this.#source.isReadOnly)
        this.#events.paste(readTsv(event.clipboardData.getData("text/plain")), chosen);
      return;
    }
    if (!this.#events.copy(chosen)) event.clipboardData.setData("text/plain", writeTsv(this.#texts(chosen)));
    if (kind === "cut") this.#events.clear(chosen);
  }

  #texts(chosen: Range): readonly (readonly string[])[] {
    const made: string[][] = [];
    for (let row = chosen.top; row <= Math.min(chosen.bottom, this.#source.count - 1); row++) {
      const line: string[] = [];
      for (let col = chosen.left; col <= chosen.right; col++)
        line.push(this.#source.face(row, col)?.text ?? "");
      made.push(line);
    }
    return made;
  }
}
