/** The rows of a grid: recycled elements, painted from the source; nothing is touched that stays the same. */
import { type Geometry, make } from "./geometry.ts";
import type { Face, GridSource, Line, Mark } from "./source.ts";

interface RowElement {
  readonly element: HTMLElement;
  readonly head: HTMLElement;
  readonly cells: readonly CellElement[];
  /** Spans the row where it is a group's heading; made when first needed. */
  band: HTMLElement | null;
  index: number;
  kind: Line["kind"];
}

/** One cell's elements, and what they show. */
interface CellElement {
  readonly element: HTMLElement;
  readonly words: HTMLElement;
  readonly base: string;
  /** The sign before the words: how many values compete, or how the value stands. */
  sign: HTMLElement | null;
  was: HTMLElement | null;
  text: string;
  look: string;
  note: string;
  isPainted: boolean;
}

/** What a cell shows where its column is out of sight. */
const NOTHING: Face = { text: "", competing: 0, state: "saved" };

/** What a screen reader says of each mark. */
const MARK_WORDS: { readonly [mark in Mark]: string } = {
  staged: "staged",
  drift: "staged, and changed by somebody meanwhile",
  taken: "taken from elsewhere",
  mapped: "the same data as in another table",
  late: "came in late",
  invalid: "not a value of this field",
};

export class Rows {
  readonly #body: HTMLElement;
  readonly #at: Geometry;
  #pool: RowElement[] = [];
  #inSight: { readonly first: number; readonly last: number } = { first: 0, last: 0 };
  /** The cell that a key press goes to. */
  stop: HTMLElement | null = null;

  constructor(body: HTMLElement, at: Geometry) {
    this.#body = body;
    this.#at = at;
  }

  /** Takes all rows away: columns are other ones now. */
  drop(): void {
    for (const row of this.#pool) row.element.remove();
    this.#pool = [];
    this.stop = null;
  }

  /** Tells which columns are in sight; paints the cells that came into it where `source` is given. */
  look(sight: { readonly first: number; readonly last: number }, source: GridSource | null): void {
    const before = this.#inSight;
    this.#inSight = sight;
    if (source === null || (sight.first >= before.first && sight.last <= before.last)) return;
    for (const row of this.#pool) {
      if (row.index < 0 || row.kind === "group") continue;
      row.cells.forEach((cell, col) => {
        if (cell.isPainted || !this.#isInSight(col)) return;
        cell.isPainted = true;
        this.#paint(cell, source, row.index, col);
      });
    }
  }

  /** Shows lines first..last, each in an element that shows no other one of them. */
  show(source: GridSource, first: number, last: number, isForced: boolean): void {
    const needed = last - first + 1;
    while (this.#pool.length < needed) {
      this.#pool.push(this.#make(source));
      for (const row of this.#pool) row.index = -1;
    }
    const size = this.#pool.length;
    for (let index = first; index < first + size; index++) {
      const row = this.#pool[index % size];
      if (row === undefined) continue;
      if (index >= source.rows) hide(row);
      else if (row.index !== index || isForced) this.#paintRow(source, row, index);
    }
  }

  repaint(source: GridSource, index: number): void {
    const found = this.#row(index);
    if (found !== null) this.#paintRow(source, found, index);
  }

  /** Returns a cell's element, or its row's heading, where it is on screen. */
  cell(index: number, col: number): HTMLElement | null {
    const found = this.#row(index);
    if (found === null) return null;
    return found.kind === "group" ? found.band : (found.cells[col]?.element ?? null);
  }

  /** Calls for each row that is on screen. */
  each(visit: (index: number, head: HTMLElement, cells: (col: number) => HTMLElement | null) => void): void {
    for (const row of this.#pool)
      if (row.index >= 0)
        visit(row.index, row.head, (col) =>
          row.kind === "group" ? null : (row.cells[col]?.element ?? null),
        );
  }

  #row(index: number): RowElement | null {
    const found = this.#pool[index % Math.max(1, this.#pool.length)];
    return found?.index === index ? found : null;
  }

  #isInSight(col: number): boolean {
    return col < this.#at.frozen || (col >= this.#inSight.first && col <= this.#inSight.last);
  }

  #make(source: GridSource): RowElement {
    const at = this.#at;
    const element = make("g-row", "row");
    element.style.width = `${at.width}px`;
    const head = make("g-cell g-number is-frozen", "rowheader");
    head.setAttribute("aria-colindex", "1");
    head.style.width = `${at.headWidth}px`;
    head.style.left = "0px";
    element.append(head);
    const cells = source.columns.map((column, col): CellElement => {
      const isFrozen = col < at.frozen;
      const base = `g-cell is-${column.kind}${isFrozen ? " is-frozen" : ""}${col === at.frozen - 1 ? " is-edge" : ""}${col === 0 ? " is-name" : ""}`;
      const cell = make(base, "gridcell");
      cell.setAttribute("aria-colindex", String(col + 2));
      cell.style.width = `${at.widthOf(col)}px`;
      cell.tabIndex = -1;
      if (!column.isEditable) cell.setAttribute("aria-readonly", "true");
      if (isFrozen) cell.style.left = `${at.left(col)}px`;
      const words = document.createElement("span");
      words.className = "g-text";
      cell.append(words);
      element.append(cell);
      return {
        element: cell,
        words,
        base,
        sign: null,
        was: null,
        text: "",
        look: "",
        note: "",
        isPainted: false,
      };
    });
    this.#body.append(element);
    return { element, head, cells, band: null, index: -1, kind: "record" };
  }

  #paintRow(source: GridSource, row: RowElement, index: number): void {
    // An element that shows another row now must not carry the focus there: the grid itself holds it meanwhile.
    if (row.index !== index && row.element.contains(document.activeElement))
      row.element.closest<HTMLElement>(".g")?.focus({ preventScroll: true });
    const line = source.line(index);
    row.index = index;
    row.element.hidden = false;
    row.element.style.transform = `translateY(${index * this.#at.rowHeight}px)`;
    row.element.setAttribute("aria-rowindex", String(index + 2));
    if (row.kind !== line.kind) {
      row.element.classList.toggle("is-ghost", line.kind === "ghost");
      row.element.classList.toggle("is-group", line.kind === "group");
      row.kind = line.kind;
    }
    if (row.head.textContent !== line.label) {
      row.head.textContent = line.label;
      row.head.setAttribute("aria-label", line.kind === "ghost" ? "New row" : `Row ${line.label}`);
    }
    if (line.kind === "group") {
      this.#paintBand(row, line);
      return;
    }
    row.cells.forEach((cell, col) => {
      cell.isPainted = this.#isInSight(col);
      if (cell.isPainted) this.#paint(cell, source, index, col);
      else this.#show(cell, NOTHING, "", "", "");
    });
  }

  #paintBand(row: RowElement, line: Line): void {
    if (row.band === null) {
      row.band = make("g-band", "gridcell");
      row.band.tabIndex = -1;
      row.band.setAttribute("aria-colindex", "2");
      row.band.append(document.createElement("b"), document.createElement("span"));
      row.element.append(row.band);
    }
    row.band.setAttribute("aria-colspan", String(row.cells.length));
    const [title, note] = row.band.children;
    if (title !== undefined) title.textContent = line.title;
    if (note !== undefined) note.textContent = line.note;
  }

  #paint(cell: CellElement, source: GridSource, row: number, col: number): void {
    const face = source.face(row, col);
    const column = source.columns[col];
    if (face === null) {
      const isGhost = source.line(row).kind === "ghost";
      const isHint = isGhost && col === 0;
      this.#show(
        cell,
        NOTHING,
        isHint ? source.ghost : "",
        isHint ? " is-hint" : isGhost ? "" : " is-absent",
        "",
      );
      return;
    }
    const { competing, state, mark } = face;
    const text = face.shown ?? face.text;
    const level = face.level === undefined ? "" : ` is-level-${Math.round(face.level * 4)}`;
    const department =
      column?.kind === "department" && text !== "" ? ` is-${text.toLowerCase().replace(/\W+/g, "-")}` : "";
    const look = `${state === "saved" ? "" : ` is-${state}`}${competing > 1 ? " is-open" : ""}${
      mark === undefined ? "" : ` is-${mark}`
    }${level}${department}`;
    const notes = [
      ...(competing > 1 ? [`${competing} competing values`] : []),
      ...(state === "refused" ? ["not saved"] : []),
      ...(mark === undefined ? [] : [MARK_WORDS[mark]]),
      ...(face.was === undefined ? [] : [`was ${face.was || "empty"}`]),
    ];
    this.#show(
      cell,
      face,
      text,
      look,
      notes.length === 0 ? "" : `${column?.title ?? ""} ${text}, ${notes.join(", ")}`,
    );
  }

  #show(cell: CellElement, face: Face, text: string, look: string, note: string): void {
    if (cell.text === text && cell.look === look && cell.note === note) return;
    if (cell.text !== text) cell.words.textContent = text;
    if (cell.look !== look) {
      cell.element.className = `${cell.base}${look}`;
      if (cell.element === this.stop) cell.element.classList.add("is-current");
    }
    cell.text = text;
    cell.look = look;
    this.#sign(cell, face);
    if (cell.note !== note) {
      cell.note = note;
      if (note === "") cell.element.removeAttribute("aria-label");
      else cell.element.ariaLabel = note;
    }
  }

  #sign(cell: CellElement, face: Face): void {
    const words = face.competing > 1 ? String(face.competing) : "";
    const hasSign = face.competing > 1 || face.mark !== undefined;
    if (!hasSign) {
      cell.sign?.remove();
      cell.sign = null;
    } else {
      if (cell.sign === null) {
        cell.sign = document.createElement("span");
        cell.sign.className = "g-mark";
        cell.element.prepend(cell.sign);
      }
      // Drawn by the style sheet: what is read aloud is the cell's name, which says it in words.
      if (cell.sign.dataset["n"] !== words) cell.sign.dataset["n"] = words;
    }
    if (face.was === undefined) {
      cell.was?.remove();
      cell.was = null;
    } else {
      if (cell.was === null) {
        cell.was = document.createElement("s");
        cell.element.insertBefore(cell.was, cell.words);
      }
      cell.was.dataset["was"] = face.was;
    }
  }
}

const hide = (row: RowElement): void => {
  row.index = -1;
  row.element.hidden = true;
};
