/** The one editor of a grid, with what it offers: it lies over the cell and grows with the text. */
import { type Geometry, make, put } from "./geometry.ts";
import type { Cell } from "./model.ts";
import type { Column, GridEvents, Offer } from "./source.ts";

const OFFERS_MAX = 8;
/** A text longer than this is edited in a wider box. */
const LONG = 40;
const LONG_WIDTH = 340;

export type EditorEvents = Pick<GridEvents, "draft" | "suggest"> & {
  /** The editor was left, or an offer was taken with the mouse. */
  readonly done: (isTaken: boolean) => void;
};

export class Editor {
  readonly box = document.createElement("textarea");
  readonly offers = make("g-offers", "listbox");
  readonly #at: Geometry;
  readonly #events: EditorEvents;
  readonly #view: HTMLElement;
  #cell: Cell | null = null;
  #column: Column | null = null;
  #shown: readonly Offer[] = [];
  #chosen = -1;
  #asked = 0;

  constructor(view: HTMLElement, at: Geometry, events: EditorEvents) {
    this.#view = view;
    this.#at = at;
    this.#events = events;
    const { box, offers } = this;
    box.className = "g-editor";
    box.hidden = true;
    box.rows = 1;
    box.spellcheck = false;
    offers.hidden = true;
    offers.id = "grid-offers";
    offers.setAttribute("aria-label", "Offers");
    box.addEventListener("input", () => {
      this.#grow();
      this.#offer();
      if (this.#cell !== null) this.#events.draft(this.#cell, box.value);
    });
    box.addEventListener("blur", () => this.#events.done(false));
    offers.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target instanceof HTMLElement ? event.target.closest("[role=option]") : null;
      const taken = item === null ? undefined : this.#shown[[...offers.children].indexOf(item)];
      if (taken === undefined) return;
      this.#take(taken.text);
      if (this.#column?.separator == null) this.#events.done(true);
    });
  }

  /** The cell being edited. */
  get cell(): Cell | null {
    return this.#cell;
  }

  get text(): string {
    return this.box.value;
  }

  /** Opens on a cell; `isTyped` where the text is what was just typed over it. */
  open(cell: Cell, column: Column, text: string, isTyped: boolean): void {
    this.#cell = cell;
    this.#column = column;
    const { box } = this;
    box.value = text;
    box.setAttribute("aria-label", `${column.title}, row ${cell.row + 1}`);
    const place = this.#at.box(cell.row, cell.col, cell.row, cell.col);
    const isLong = column.kind === "text" && text.length > LONG;
    put(box, { ...place, width: isLong ? Math.max(place.width, LONG_WIDTH * this.#at.scale) : place.width });
    box.classList.toggle("is-number", column.kind === "number");
    box.hidden = false;
    box.focus({ preventScroll: true });
    box.setSelectionRange(text.length, text.length);
    this.#grow();
    // A cell that holds names already offers none until something is typed.
    if (!column.isSuggesting || text === "" || isTyped) this.#offer();
  }

  /** Goes along with its cell when rows above it come or go. */
  follow(cell: Cell): void {
    if (this.#cell === null) return;
    this.#cell = cell;
    const { x, y } = this.#at.box(cell.row, cell.col, cell.row, cell.col);
    this.box.style.transform = `translate(${x}px,${y}px)`;
    this.offers.hidden = true;
  }

  selectAll(): void {
    this.box.select();
  }

  /** Closes; returns the cell that was edited. */
  close(): Cell | null {
    const cell = this.#cell;
    this.#cell = null;
    this.#column = null;
    this.box.hidden = true;
    this.offers.hidden = true;
    this.box.removeAttribute("aria-activedescendant");
    return cell;
  }

  breakLine(): void {
    this.box.setRangeText("\n", this.box.selectionStart, this.box.selectionEnd, "end");
    this.#grow();
    if (this.#cell !== null) this.#events.draft(this.#cell, this.box.value);
  }

  /** Goes to another offer and writes it; false where nothing is offered. */
  walk(by: number): boolean {
    const count = this.#shown.length;
    if (this.offers.hidden || count === 0) return false;
    this.#chosen = (this.#chosen + by + count + (this.#chosen < 0 && by < 0 ? 1 : 0)) % count;
    [...this.offers.children].forEach((one, index) => {
      one.setAttribute("aria-selected", String(index === this.#chosen));
    });
    this.#take(this.#shown[this.#chosen]?.text ?? "");
    this.box.setAttribute("aria-activedescendant", `grid-offer-${this.#chosen}`);
    return true;
  }

  #grow(): void {
    const { box } = this;
    const height = this.#at.rowHeight;
    box.style.height = `${height}px`;
    if (box.scrollHeight > height + 4) box.style.height = `${box.scrollHeight + 4}px`;
  }

  #offer(): void {
    const [cell, column] = [this.#cell, this.#column];
    if (cell === null || column === null) return;
    if (column.isSuggesting) {
      void this.#suggest(cell);
      return;
    }
    const typed = this.box.value.toLowerCase();
    const isChoosing = column.offers.some((one) => one.text.toLowerCase() === typed);
    const fits = (one: Offer): boolean =>
      one.text.toLowerCase().includes(typed) || one.hint.toLowerCase().startsWith(typed);
    this.#show(cell, column.offers.filter((one) => isChoosing || fits(one)).slice(0, OFFERS_MAX));
  }

  /** Asks what may be meant by the name being typed; an answer that comes too late is dropped. */
  async #suggest(cell: Cell): Promise<void> {
    const asked = ++this.#asked;
    const found = await this.#events.suggest(cell, this.box.value.slice(this.#lastName()).trim());
    if (asked === this.#asked && this.#cell === cell) this.#show(cell, found.slice(0, OFFERS_MAX));
  }

  /** Where in the editor's text the name being typed begins: behind the last separator. */
  #lastName(): number {
    const separator = this.#column?.separator ?? null;
    if (separator === null) return 0;
    const at = this.box.value.lastIndexOf(separator.trim());
    return at < 0 ? 0 : at + separator.trim().length;
  }

  /** Puts an offer in the place of the name being typed. */
  #take(offer: string): void {
    const from = this.#lastName();
    this.box.value = `${this.box.value.slice(0, from)}${from > 0 ? " " : ""}${offer}`;
    this.#grow();
  }

  #show(cell: Cell, fit: readonly Offer[]): void {
    this.#chosen = -1;
    this.#shown = fit;
    this.offers.hidden = fit.length === 0;
    this.box.removeAttribute("aria-activedescendant");
    if (fit.length === 0) return;
    this.offers.replaceChildren(
      ...fit.map((one, index) => {
        const offer = make("g-offer", "option");
        offer.id = `grid-offer-${index}`;
        offer.textContent = one.text;
        if (one.hint !== "") {
          const hint = document.createElement("small");
          hint.textContent = one.hint;
          offer.append(hint);
        }
        return offer;
      }),
    );
    const height = this.#at.rowHeight;
    const room = this.#view.scrollTop + this.#view.clientHeight - (cell.row + 2) * height;
    const isBelow = room > (fit.length + 1) * height;
    const y = isBelow ? (cell.row + 1) * height : cell.row * height - height * fit.length - 8;
    this.offers.style.transform = `translate(${this.#at.left(cell.col)}px,${Math.max(0, y)}px)`;
    this.offers.style.minWidth = `${this.#at.widthOf(cell.col)}px`;
  }
}
