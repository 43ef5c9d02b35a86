/** What a grid shows and what it tells: columns, lines and cells going in, a person's doings coming out. */
import type { Block } from "../../lib/tsv.ts";
import type { Cell, Range, Selection } from "./model.ts";

/** How a column's values look: figures to the right, ticks in the middle, states with a disc, departments with a square. */
export type Kind = "text" | "number" | "tick" | "state" | "department" | "mark";

/** Something to choose from while a cell is edited: what is written into the cell, and what else to say of it. */
export interface Offer {
  readonly text: string;
  readonly hint: string;
}

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly width: number;
  readonly kind: Kind;
  readonly isEditable: boolean;
  /** What is offered while it is edited. */
  readonly offers: readonly Offer[];
  /** Whether what may be meant is asked for while it is typed. */
  readonly isSuggesting: boolean;
  /** What parts the names in a cell that holds several, null where it holds one. */
  readonly separator: string | null;
  readonly sorted: "ascending" | "descending" | null;
}

/** What stands at a value's side, each with its own sign and words. */
export type Mark = "staged" | "drift" | "taken" | "mapped" | "late" | "invalid";

/** How a cell stands: what it shows, how many values compete in it, whether what it shows is not saved yet or could not be. */
export interface Face {
  /** What is edited and copied. */
  readonly text: string;
  /** What is read, where it differs: a date in words. */
  readonly shown?: string;
  /** What stood here before what is staged. */
  readonly was?: string;
  readonly mark?: Mark;
  /** The place of a choice among the choices, from 0 to 1. */
  readonly level?: number;
  readonly competing: number;
  readonly state: "saved" | "saving" | "refused";
}

/** One line: a record, the heading of a group, or the row that becomes a new record. */
export interface Line {
  readonly kind: "record" | "group" | "ghost";
  /** What stands in the narrow column at the left. */
  readonly label: string;
  readonly title: string;
  readonly note: string;
}

/** Where the grid's content comes from; null for a record that is not here yet. */
export interface GridSource {
  /** What is asked for: as long as it is the same, rows only come and go; another one is shown from its top. */
  readonly subject: unknown;
  /** How many lines there are, with headings and the new row. */
  readonly rows: number;
  /** The line of the row that becomes a new record. */
  readonly newRow: number;
  readonly columns: readonly Column[];
  /** How many of the first columns stay in sight. */
  readonly frozen: number;
  readonly label: string;
  readonly ghost: string;
  readonly isReadOnly: boolean;
  line(row: number): Line;
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
  /** Editing was given up. */
  cancel(cell: Cell): void;
  /** What may be meant by what is typed into a cell. */
  suggest(cell: Cell, text: string): Promise<readonly Offer[]>;
  clear(range: Range): void;
  /** Copying rows of which some are not here; false where the grid can do it by itself. */
  copy(range: Range): boolean;
  paste(block: Block, range: Range): void;
  /** Drags what stands in a range over a larger one. */
  fill(from: Range, to: Range): void;
  /** Any other key: returns whether it was taken. */
  key(event: KeyboardEvent, selection: Selection): boolean;
  sort(col: number): void;
  resize(col: number, width: number): void;
  /** Moves a column in front of another one; `before` may be one past the last. */
  reorder(col: number, before: number): void;
  /** A menu is wanted at a place on screen; for a column's head `isHead`. */
  menu(at: { readonly x: number; readonly y: number }, cell: Cell, isHead: boolean): void;
  leave(): void;
}
