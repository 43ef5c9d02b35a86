/** A relation as rows by columns of marks: what stands where, and what a change of marks does, all in one step. */
import type { Line } from "../client/line.ts";
import type { LiveRows, Store } from "../client/live.ts";
import type { Plain } from "../lib/check.ts";
import { given, type Letter, markOf, propertiesOf } from "../lib/marks.ts";
import type { Fault } from "../lib/result.ts";
import type { AnyIntent, EndShape } from "../wire/calls.ts";
import { relating } from "./ends.ts";

/** One mark to write: the place of its row, and the record of its column. */
export interface NewMark {
  readonly row: number;
  readonly other: string;
  readonly text: string;
}

export class Matrix implements Store<number> {
  readonly #line: Line;
  readonly #rows: LiveRows;
  readonly #column: string;
  readonly #title: string;
  readonly #letters: readonly Letter[];
  readonly #listeners = new Set<() => void>();
  /** What was set here and is not among the rows yet. */
  readonly #pending = new Map<string, string>();
  #stop: (() => void) | null = null;
  #version = 0;
  /** Told when something could not be saved. */
  onFault: (fault: Fault) => void = () => undefined;

  /** `column` is the relation as a column of the rows' table, `->NAME` or `<-NAME`. */
  constructor(options: {
    readonly line: Line;
    readonly rows: LiveRows;
    readonly column: string;
    readonly title: string;
    readonly letters: readonly Letter[];
  }) {
    this.#line = options.line;
    this.#rows = options.rows;
    this.#column = options.column;
    this.#title = options.title;
    this.#letters = options.letters;
  }

  readonly read = (): number => this.#version;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= this.#rows.subscribe(() => this.#tell());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  };

  id(row: number): string | null {
    const id = this.#rows.row(row)?.values["id"];
    return typeof id === "string" ? id : null;
  }

  /** Returns the mark in a row for a record, null where the row is not here. */
  mark(row: number, other: string): { readonly text: string; readonly isSaved: boolean } | null {
    const id = this.id(row);
    if (id === null) return null;
    const waiting = this.#pending.get(`${id}/${other}`);
    if (waiting !== undefined) return { text: waiting, isSaved: false };
    const end = this.#end(row, other);
    return { text: end === undefined ? "" : markOf(end.properties, this.#letters), isSaved: true };
  }

  /** Writes marks as one step; an empty one ends the relation. */
  async write(marks: readonly NewMark[]): Promise<void> {
    const changed = marks.filter(
      (one) => this.mark(one.row, one.other)?.text !== one.text.trim().toUpperCase(),
    );
    const intents = changed.flatMap((one) => this.#intent(one));
    if (intents.length === 0) return;
    const keys = changed.map((one) => `${this.id(one.row)}/${one.other}`);
    changed.forEach((one, at) => {
      const values = propertiesOf(one.text, this.#letters);
      this.#pending.set(keys[at] ?? "", values === null ? "" : markOf(values, this.#letters));
    });
    this.#tell();
    const label = `${this.#title}: ${intents.length === 1 ? "1 mark" : `${intents.length} marks`}`;
    const answer = await this.#line.call("edit", { intents, label });
    if (!answer.ok) this.onFault(answer.error);
    setTimeout(
      () => {
        for (const key of keys) this.#pending.delete(key);
        this.#tell();
      },
      answer.ok ? SETTLE_MS : 0,
    );
  }

  #intent({ row, other, text }: NewMark): readonly AnyIntent[] {
    const id = this.id(row);
    if (id === null) return [];
    const end = this.#end(row, other);
    const values = propertiesOf(text, this.#letters);
    if (values === null) return end === undefined ? [] : [{ do: "unrelate", relation: end.relation }];
    if (end !== undefined) return [{ do: "set_property", relation: end.relation, properties: values }];
    const made = relating(this.#column, id, other);
    return made.do === "relate" ? [{ ...made, properties: given(values) as { [key: string]: Plain } }] : [];
  }

  #end(row: number, other: string): EndShape | undefined {
    return this.#rows.row(row)?.ends[this.#column]?.find((end) => end.record === other);
  }

  #tell(): void {
    this.#version++;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The rows say what was saved within moments. */
const SETTLE_MS = 400;
