import type { Line } from "../client/line.ts";
import type { LiveRows, Store } from "../client/live.ts";
import { checked, listOf, type Plain, parsed, shape, text } from "../lib/check.ts";
import { readable, shown } from "../lib/format.ts";
import type { Fault, Result } from "../lib/result.ts";
import { good } from "../lib/result.ts";
import type { Block } from "../lib/tsv.ts";
import type { Added, AnyIntent, FieldShape, RelationShape, RowShape, TakenShape } from "../wire/calls.ts";
import { ENDS, endsChange, endsText, type Named, nameAll, namesIn } from "./ends.ts";
import type { Titles } from "./titles.ts";
import {
  type Address,
  changing,
  isNaming,
  labelOf,
  namesFor,
  namesTyped,
  type Related,
  type Typed,
} from "./writing.ts";

interface Unsaved extends Typed {
  readonly state: "saving" | "refused";
  readonly fault: Fault | null;
}

export interface CellFace {
  /** What is edited and copied. */
  readonly text: string;
  /** What is read. */
  readonly shown: string;
  /** The place of a choice among the choices, from 0 to 1. */
  readonly level?: number;
  readonly competing: number;
  readonly state: "saved" | "saving" | "refused";
  /** Where what is saved here is staged only. */
  readonly mark?: "staged" | "taken" | "invalid";
  /** What everybody has where something else is staged. */
  readonly was?: string;
}

/** One short text that outlives a reload of this window. */
export interface Memory {
  read(): string | null;
  write(text: string | null): void;
}

interface Spot {
  readonly row: number;
  readonly col: number;
}

interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Lines that become records: their texts stand from column `left` on. */
interface NewLines {
  readonly lines: Block;
  readonly left: number;
}

const NO_LINES: NewLines = { lines: [], left: 0 };
const FETCH_ROWS = 500;
/** Stands for the record that a half-filled last row will become. */
const NEW_RECORD = "";
const TYPED_BEFORE: Fault = {
  code: "client.typed_before",
  message: "This was typed before the page was closed. Press F2, then Enter, to save it.",
};
const checkTyped = listOf(shape<Typed>({ record: text, key: text, text, heads: listOf(text), was: text }));
const addressed = ({ record, key }: Address): string => `${record}/${key}`;

/**
 * A table's cells as a grid shows and edits them: what is saved, what is on its way, what was refused, what is held while
 * the program is away. Every edit names the writes its author was looking at.
 */
export class Cells implements Store<number> {
  readonly #line: Line;
  readonly #table: string;
  readonly #rows: LiveRows;
  readonly #query: { readonly [key: string]: Plain };
  readonly #titles: Titles;
  readonly #memory: Memory;
  readonly #listeners = new Set<() => void>();
  readonly #unsaved = new Map<string, Unsaved>();
  readonly #stops: (() => void)[] = [];
  readonly fields: readonly FieldShape[];
  /** What was typed into the row that is not a record yet, or is offered for it, by field. */
  #ghost = new Map<string, string>();
  #offered: ReadonlyMap<string, string> = new Map();
  #looking: Typed | null = null;
  #version = 0;
  #sent: Promise<unknown> = Promise.resolve();
  /** Told when something could not be saved. */
  onFault: (fault: Fault) => void = () => undefined;

  constructor(options: {
    readonly line: Line;
    readonly table: string;
    readonly fields: readonly FieldShape[];
    readonly rows: LiveRows;
    readonly query: { readonly [key: string]: Plain };
    readonly titles: Titles;
    readonly memory: Memory;
  }) {
    this.#line = options.line;
    this.#table = options.table;
    this.fields = options.fields;
    this.#rows = options.rows;
    this.#query = options.query;
    this.#titles = options.titles;
    this.#memory = options.memory;
    this.#recall();
  }

  readonly read = (): number => this.#version;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) for (const stop of this.#stops.splice(0)) stop();
    };
  };

  get count(): number {
    return this.#rows.read().count;
  }

  /** What a row that is here reads in any field of the table. */
  text(row: number, field: FieldShape): string {
    const found = this.#rows.row(row);
    return found === undefined ? "" : this.#shown(found, field);
  }

  id(row: number): string | null {
    const id = this.#rows.row(row)?.values["id"];
    return typeof id === "string" ? id : null;
  }

  /** Returns how a cell stands; null where its row is not here. */
  face(row: number, col: number): CellFace | null {
    const field = this.fields[col];
    if (field === undefined) return null;
    if (row === this.count) {
      const typed = this.#ghost.get(field.key);
      return typed === undefined ? null : { text: typed, shown: typed, competing: 0, state: "saving" };
    }
    const found = this.#rows.row(row);
    const record = this.id(row);
    if (found === undefined || record === null) return null;
    const unsaved = this.#unsaved.get(addressed({ record, key: field.key }));
    const competing = found.conflicts.includes(field.key) ? (found.heads[field.key]?.length ?? 2) : 0;
    const text = unsaved?.text ?? this.#shown(found, field);
    const below = unsaved === undefined ? found.staged[field.key] : undefined;
    const face: CellFace = {
      text,
      shown: readable(text, field.type),
      competing,
      state: unsaved?.state ?? "saved",
      ...takenMark(found.taken[field.key]),
      ...(below === undefined ? {} : { mark: "staged" as const, ...this.#below(below, field, text) }),
    };
    const place = field.type === "choice" && text !== "" ? field.choices.indexOf(text) : -1;
    return place < 0 ? face : { ...face, level: place / Math.max(1, field.choices.length - 1) };
  }

  /** Notes what stands in a cell as its author begins to type: that is what the edit replaces, whatever comes meanwhile. */
  begin(spot: Spot): void {
    const field = this.fields[spot.col];
    const record = this.id(spot.row);
    const row = this.#rows.row(spot.row);
    this.#looking =
      field === undefined || record === null || row === undefined
        ? null
        : this.#typed(row, record, field, this.#shown(row, field));
  }

  /** Keeps what is typed so far where a crash of the page cannot take it; null forgets it. */
  draft(typed: string | null): void {
    const looking = this.#looking;
    if (looking === null) return;
    if (typed === null) this.#drop(looking);
    this.#remember(typed === null ? null : { ...looking, text: typed });
  }

  /** Saves what was typed; a text that was not changed is not a decision and writes nothing. */
  async commit(spot: Spot, typed: string): Promise<string | null> {
    if (spot.row === this.count) return this.#commitGhost(spot.col, typed);
    const looking = this.#looking;
    this.#looking = null;
    if (looking === null || typed === looking.text) return null;
    await this.#save([{ ...looking, text: typed }], "");
    return null;
  }

  /** Empties every cell of an area as one step. */
  async clear(area: Area): Promise<void> {
    await this.#write(area, () => "", "Clear");
  }

  /** Writes texts into cells as one step, and makes records of the lines past the end. */
  async paste(
    cells: readonly { readonly row: number; readonly col: number; readonly text: string }[],
    added: Block,
    left: number,
  ): Promise<void> {
    await this.#texts(cells, added, left, "Paste");
  }

  async #texts(
    cells: readonly { readonly row: number; readonly col: number; readonly text: string }[],
    added: Block,
    left: number,
    verb: string,
  ): Promise<void> {
    const texts = new Map(cells.map((cell) => [`${cell.row}/${cell.col}`, cell.text]));
    const rows = cells.map((cell) => cell.row);
    if (rows.length === 0) {
      if (added.length > 0) await this.#add(added, left, `${verb} ${added.length} rows`);
      return;
    }
    const cols = cells.map((cell) => cell.col);
    const area = { top: lowest(rows), bottom: highest(rows), left: lowest(cols), right: highest(cols) };
    await this.#write(area, (row, col) => texts.get(`${row}/${col}`) ?? null, verb, {
      lines: added,
      left,
    });
  }

  /** Writes into cells what stands in others, as one step. */
  async fill(cells: readonly { readonly to: Spot; readonly from: Spot }[]): Promise<void> {
    const from = cells.map((one) => one.from);
    const rows = from.map((one) => one.row);
    const cols = from.map((one) => one.col);
    const area = { top: lowest(rows), bottom: highest(rows), left: lowest(cols), right: highest(cols) };
    if (cells.length === 0) return;
    const texts = await this.texts(area);
    if (!texts.ok) {
      this.onFault(texts.error);
      return;
    }
    const made = cells.map(({ to, from: { row, col } }) => ({
      ...to,
      text: texts.value[row - area.top]?.[col - area.left] ?? "",
    }));
    await this.#texts(made, [], 0, "Fill");
  }

  /** Returns the texts of an area, fetching rows that are not here. */
  async texts(area: Area): Promise<Result<Block>> {
    const rows = await this.#fetched(area.top, Math.min(area.bottom, this.count - 1));
    if (!rows.ok) return rows;
    const fields = this.fields.slice(area.left, area.right + 1);
    return good(rows.value.map((row) => fields.map((field) => this.#shown(row, field))));
  }

  /** Whether every row of an area is here. */
  isHere(area: Area): boolean {
    for (let row = area.top; row <= Math.min(area.bottom, this.count - 1); row++)
      if (this.id(row) === null) return false;
    return true;
  }

  /** Makes an empty record, with what its required fields need to be told apart left to the person. */
  get missing(): readonly FieldShape[] {
    return this.fields.filter((field) => field.required && (this.#ghost.get(field.key) ?? "") === "");
  }

  get hasGhost(): boolean {
    return this.#ghost.size > 0;
  }

  /** Fills the row that becomes a record with what is offered for it. */
  offerGhost(texts: ReadonlyMap<string, string>): void {
    this.#offered = texts;
    this.#ghost = new Map(texts);
    this.#tell();
  }

  dropGhost(): void {
    this.#ghost = new Map();
    this.#offered = new Map();
    this.#remember(null);
    this.#tell();
  }

  #typed(row: RowShape, record: string, field: FieldShape, words: string): Typed {
    const { key } = field;
    const was = this.#unsaved.get(addressed({ record, key }))?.text ?? this.#shown(row, field);
    return { record, key, text: words, heads: row.heads[key] ?? [], was };
  }

  /** What everybody has under a staged text, as it is read; said only where it reads otherwise. */
  #below(value: Plain, field: FieldShape, text: string): { readonly was?: string } {
    const below = shown(value, field, this.#titles.of);
    return below === text || below === "" ? {} : { was: readable(below, field.type) };
  }

  #shown(row: RowShape, field: FieldShape): string {
    if (field.type === ENDS) return endsText(row.ends[field.key] ?? []);
    return shown(row.values[field.name], field, this.#titles.of);
  }

  #start(): void {
    this.#stops.push(
      this.#rows.subscribe(() => this.#tell()),
      this.#titles.subscribe(() => this.#tell()),
      this.#line.onState(() => {
        if (this.#line.state === "open") void this.#resend();
        this.#tell();
      }),
    );
  }

  #tell(): void {
    this.#version++;
    for (const listener of [...this.#listeners]) listener();
  }

  async #commitGhost(col: number, typed: string): Promise<string | null> {
    const key = this.fields[col]?.key ?? "";
    if (typed === "") this.#ghost.delete(key);
    else this.#ghost.set(key, typed);
    this.#remember(null);
    this.#tell();
    if (this.#ghost.size === 0 || this.missing.length > 0) return null;
    const line = this.fields.map((field) => this.#ghost.get(field.key) ?? "");
    const answer = await this.#add([line], 0, "");
    if (!answer.ok) return null;
    this.dropGhost();
    return answer.value.made[0] ?? null;
  }

  #adding(line: readonly string[], left: number, named: Named): AnyIntent {
    // What is offered for a new record stands in every one that is made here, in fields out of sight too.
    const fields: { [key: string]: Plain } = Object.fromEntries(
      [...this.#offered].filter(([key]) => !this.fields.some((field) => field.key === key)),
    );
    const ends: { readonly column: string; readonly record: string }[] = [];
    line.forEach((typed, index) => {
      const field = this.fields[left + index];
      if (field === undefined || typed === "") return;
      if (field.type !== ENDS) fields[field.key] = isNaming(field) ? named(field, typed.trim()) : typed;
      else
        for (const name of namesIn(typed)) {
          const record = named(field, name);
          if (record !== null) ends.push({ column: field.key, record });
        }
    });
    return { do: "add", table: this.#table, fields, ends };
  }

  async #write(
    area: Area,
    textFor: (row: number, col: number) => string | null,
    verb: string,
    also: NewLines = NO_LINES,
  ): Promise<void> {
    const rows = await this.#fetched(area.top, Math.min(area.bottom, this.count - 1));
    if (!rows.ok) {
      this.onFault(rows.error);
      return;
    }
    const typed: Typed[] = [];
    rows.value.forEach((row, index) => {
      const record = row.values["id"];
      for (let col = area.left; col <= area.right; col++) {
        const field = this.fields[col];
        const wanted = textFor(area.top + index, col);
        if (field === undefined || typeof record !== "string" || wanted === null) continue;
        if (wanted !== this.#shown(row, field)) typed.push(this.#typed(row, record, field, wanted));
      }
    });
    const cells = typed.length === 1 ? "1 cell" : `${typed.length} cells`;
    await this.#save(typed, `${verb} ${cells}`, also);
  }

  async #fetched(top: number, bottom: number): Promise<Result<readonly RowShape[]>> {
    const rows: RowShape[] = [];
    for (let row = top; row <= bottom; ) {
      const here = this.#rows.row(row);
      if (here !== undefined) {
        rows.push(here);
        row++;
        continue;
      }
      const answer = await this.#line.call("query.subscribe", {
        query: this.#query,
        cells: this.#table,
        offset: row,
        limit: Math.min(FETCH_ROWS, bottom - row + 1),
      });
      if (!answer.ok) return answer;
      void this.#line.call("query.unsubscribe", { sub: answer.value.sub });
      if (answer.value.window.rows.length === 0) break;
      rows.push(...answer.value.window.rows);
      row += answer.value.window.rows.length;
    }
    return good(rows);
  }

  async #save(typed: readonly Typed[], label: string, also: NewLines = NO_LINES): Promise<void> {
    if (typed.length === 0 && also.lines.length === 0) return;
    for (const one of typed) this.#unsaved.set(addressed(one), { ...one, state: "saving", fault: null });
    this.#remember(null);
    this.#tell();
    const answer = await this.#send(typed, also, label);
    if (!answer.ok && answer.error.code === "client.away") {
      this.#remember(null);
      return;
    }
    for (const one of typed) {
      const key = addressed(one);
      if (this.#unsaved.get(key)?.text !== one.text) continue;
      if (answer.ok) this.#settle(key, one);
      else if (typed.length === 1) this.#unsaved.set(key, { ...one, state: "refused", fault: answer.error });
      else this.#unsaved.delete(key);
    }
    this.#remember(null);
    this.#tell();
  }

  /** Shows what was saved until the rows themselves say so, which they do within moments. */
  #settle(key: string, saved: Typed): void {
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      stop();
      if (this.#unsaved.get(key)?.text === saved.text) this.#unsaved.delete(key);
      this.#tell();
    };
    const stop = this.#rows.subscribe(done);
    setTimeout(done, 400);
  }

  #add(lines: Block, left: number, label: string): Promise<Result<Added>> {
    return this.#send([], { lines, left }, label);
  }

  /** Finds out which records the typed names mean, then does everything as one step. */
  #send(typed: readonly Typed[], also: NewLines, label: string): Promise<Result<Added>> {
    // One after the other: what a relation's names mean depends on what was done before.
    const sent = this.#sent.then(() => this.#sendNow(typed, also, label));
    this.#sent = sent;
    return sent;
  }

  async #sendNow(typed: readonly Typed[], also: NewLines, label: string): Promise<Result<Added>> {
    const fields = new Map(this.fields.map((field) => [field.key, field]));
    const named = await nameAll(this.#line, [...namesTyped(typed, fields), ...this.#namesAdded(also)]);
    const related = await this.#related(typed.filter((one) => fields.get(one.key)?.type === ENDS));
    const refused = named.ok ? related : named;
    if (!refused.ok) this.onFault(refused.error);
    if (!named.ok) return named;
    if (!related.ok) return related;
    const intents = [
      ...changing(typed, fields, named.value, related.value),
      ...also.lines.map((line) => this.#adding(line, also.left, named.value)),
    ];
    if (intents.length === 0) return good({ made: [] });
    const answer = await this.#line.call("edit", { intents, label: label || labelOf(typed, fields) });
    if (!answer.ok) this.onFault(answer.error);
    return answer;
  }

  /** Reads the relations of the records from whose cells names were taken out. */
  async #related(typed: readonly Typed[]): Promise<Result<Related>> {
    const losing = typed.filter((one) => endsChange(one.text, one.was).gone.length > 0);
    const found = new Map<string, readonly RelationShape[]>();
    for (const record of new Set(losing.map((one) => one.record))) {
      const answer = await this.#line.call("record.relations", { record });
      if (!answer.ok) return answer;
      found.set(record, answer.value);
    }
    return good(found);
  }

  #namesAdded({ lines, left }: NewLines): readonly { readonly field: FieldShape; readonly name: string }[] {
    return lines.flatMap((line) =>
      line.flatMap((words, index) => {
        const field = this.fields[left + index];
        return field === undefined || !isNaming(field)
          ? []
          : namesFor(field, words).map((name) => ({ field, name }));
      }),
    );
  }

  async #resend(): Promise<void> {
    const waiting = [...this.#unsaved.values()].filter((one) => one.state === "saving");
    for (const one of waiting) await this.#save([one], "");
  }

  #drop(address: Address): void {
    const key = addressed(address);
    if (this.#unsaved.get(key)?.state !== "refused") return;
    this.#unsaved.delete(key);
    this.#tell();
  }

  /** Keeps what is not in the show: refused, held while the program is away, half typed, or in the row to be added. */
  #remember(also: Typed | null): void {
    const isAway = this.#line.state !== "open";
    const unsaved = [...this.#unsaved.values()].filter((one) => isAway || one.state === "refused");
    const ghost = [...this.#ghost].map(([key, typed]) => ({
      record: NEW_RECORD,
      key,
      text: typed,
      heads: [],
      was: "",
    }));
    const kept: readonly Typed[] = [...unsaved, ...ghost, ...(also === null ? [] : [also])];
    const plainly = kept.map(({ record, key, text: typed, heads, was }) => ({
      record,
      key,
      text: typed,
      heads,
      was,
    }));
    this.#memory.write(plainly.length === 0 ? null : JSON.stringify(plainly));
  }

  #recall(): void {
    const kept = this.#memory.read();
    const found = kept === null ? null : checked(checkTyped, parsed(kept));
    if (found === null || !found.ok) return;
    for (const one of found.value) {
      if (one.record !== NEW_RECORD)
        this.#unsaved.set(addressed(one), { ...one, state: "refused", fault: TYPED_BEFORE });
      else if (this.fields.some((field) => field.key === one.key)) this.#ghost.set(one.key, one.text);
    }
  }
}

/** A value that is taken from another record's, or should be and cannot. */
const takenMark = (taken: TakenShape | undefined): { readonly mark?: "taken" | "invalid" } =>
  taken === undefined ? {} : { mark: taken.state === "ok" ? "taken" : "invalid" };

const lowest = (numbers: readonly number[]): number =>
  numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const highest = (numbers: readonly number[]): number =>
  numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
