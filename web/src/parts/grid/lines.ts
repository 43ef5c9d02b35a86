/** Which line of a grid is what: records in their order, a heading above each group, and the row that becomes a new one. */
import type { Range } from "./model.ts";

export interface Group {
  readonly title: string;
  readonly note: string;
  readonly count: number;
}

export type Place =
  | { readonly kind: "record"; readonly index: number }
  | { readonly kind: "group"; readonly group: Group }
  | { readonly kind: "ghost" };

/** Lines by their place on screen, records by their place among the records. */
export class Lines {
  readonly count: number;
  /** How many lines there are. */
  readonly rows: number;
  /** The line of the row that becomes a new record. */
  readonly ghost: number;
  readonly #groups: readonly Group[];
  /** For each group the place of its first record. */
  readonly #starts: readonly number[];

  /** `newAt` is the place that a new record is put in, null for the end. */
  constructor(count: number, groups: readonly Group[] | null, newAt: number | null) {
    this.count = count;
    this.#groups = groups ?? [];
    let start = 0;
    this.#starts = this.#groups.map((group) => {
      const here = start;
      start += group.count;
      return here;
    });
    this.rows = count + this.#groups.length + 1;
    this.ghost =
      newAt === null || newAt >= count
        ? this.rows - 1
        : newAt === 0
          ? this.#headings(0)
          : this.#settled(newAt - 1) + 1;
  }

  at(row: number): Place {
    if (row === this.ghost) return { kind: "ghost" };
    const settled = row > this.ghost ? row - 1 : row;
    const group = this.#groupAt(settled);
    if (group < 0) return { kind: "record", index: settled };
    const heading = (this.#starts[group] ?? 0) + group;
    const found = this.#groups[group];
    return settled === heading && found !== undefined
      ? { kind: "group", group: found }
      : { kind: "record", index: settled - group - 1 };
  }

  /** The line of a record. */
  rowOf(index: number): number {
    const settled = this.#settled(index);
    return settled >= this.ghost ? settled + 1 : settled;
  }

  /** The records among some lines, null where there are none. */
  records({
    top,
    bottom,
  }: Pick<Range, "top" | "bottom">): { readonly top: number; readonly bottom: number } | null {
    const first = this.#first(top, 1, bottom);
    const last = this.#first(bottom, -1, top);
    return first === null || last === null || last < first ? null : { top: first, bottom: last };
  }

  #first(from: number, by: 1 | -1, to: number): number | null {
    for (let row = from; by > 0 ? row <= to : row >= to; row += by) {
      const place = this.at(row);
      if (place.kind === "record" && place.index < this.count) return place.index;
    }
    return null;
  }

  #settled(index: number): number {
    return index + this.#headings(index);
  }

  /** How many headings stand above a record. */
  #headings(index: number): number {
    return upTo(this.#starts.length, (group) => (this.#starts[group] ?? 0) <= index);
  }

  #groupAt(settled: number): number {
    return upTo(this.#starts.length, (group) => (this.#starts[group] ?? 0) + group <= settled) - 1;
  }
}

/** How many of `size` things, from the first on, a test holds for that holds for all before one it holds for. */
const upTo = (size: number, holds: (at: number) => boolean): number => {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
};
