import { checked, type Plain } from "../lib/check.ts";
import type { Fault } from "../lib/result.ts";
import {
  checkOverview,
  checkRowsChanged,
  type Overview,
  type RowShape,
  type RowsChanged,
  type RowWindow,
} from "../wire/calls.ts";
import type { Line } from "./line.ts";

/** Something that changes by itself and can be looked at: what `useSyncExternalStore` needs. */
export interface Store<T> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => T;
}

/** What is known of a live question's rows: how many, and those of one window. */
export interface RowsView {
  readonly state: "loading" | "live" | "failed";
  readonly count: number;
  readonly offset: number;
  readonly rows: readonly RowShape[];
  readonly fault: Fault | null;
}

const NOTHING_YET: RowsView = { state: "loading", count: 0, offset: 0, rows: [], fault: null };
const CHUNK = 50;
export const WINDOW_ROWS_MAX = 500;

/** Returns the rows after the steps, which are applied in order. */
export const applySteps = (rows: readonly RowShape[], changed: RowsChanged): readonly RowShape[] => {
  if (changed.rows !== null) return changed.rows;
  const made = [...rows];
  for (const step of changed.steps ?? []) {
    if (step.kind === "remove") made.splice(step.at, 1);
    else if (step.row !== undefined) made.splice(step.at, step.kind === "change" ? 1 : 0, step.row);
  }
  return made;
};

/** Returns the window to ask for so that rows first..last are there with two screens on either side, in steps. */
export const windowAround = (
  first: number,
  last: number,
): { readonly offset: number; readonly limit: number } => {
  const screen = Math.max(1, last - first + 1);
  const offset = Math.max(0, Math.floor((first - 2 * screen) / CHUNK) * CHUNK);
  const end = Math.ceil((last + 1 + 2 * screen) / CHUNK) * CHUNK;
  return { offset, limit: Math.min(WINDOW_ROWS_MAX, end - offset) };
};

abstract class Watched<T> implements Store<T> {
  protected value: T;
  protected readonly line: Line;
  readonly #listeners = new Set<() => void>();
  #stop: (() => void) | null = null;

  constructor(line: Line, first: T) {
    this.line = line;
    this.value = first;
  }

  readonly read = (): T => this.value;

  /** Watches as long as anybody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  };

  protected abstract begin(): void;
  protected abstract finish(): void;

  protected turn(value: T): void {
    this.value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  protected get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  #start(): void {
    this.#stop = this.line.onState(() => {
      if (this.line.state === "open") this.begin();
    });
    if (this.line.state === "open") this.begin();
  }

  #end(): void {
    this.#stop?.();
    this.#stop = null;
    this.finish();
  }
}

/** The rows of a question, kept up to date; the last ones stay while the line is away. */
export class LiveRows extends Watched<RowsView> {
  readonly #query: { readonly [key: string]: Plain };
  readonly #cells: string | null;
  #sub: number | null = null;
  #wanted = windowAround(0, 40);
  #moving = false;
  #run = 0;

  constructor(line: Line, query: { readonly [key: string]: Plain }, cells: string | null) {
    super(line, NOTHING_YET);
    this.#query = query;
    this.#cells = cells;
  }

  /** Returns a row by its place among all rows, where it is here. */
  row(index: number): RowShape | undefined {
    return this.value.rows[index - this.value.offset];
  }

  /** Tells which rows are on screen; a window with room around them is fetched when they come near its edge. */
  look(first: number, last: number): void {
    const screen = Math.max(1, last - first + 1);
    const { offset, rows, count } = this.value;
    const isNearTop = offset > 0 && first - offset < screen;
    const isNearEnd = offset + rows.length < count && offset + rows.length - last - 1 < screen;
    if (!isNearTop && !isNearEnd) return;
    this.#wanted = windowAround(first, last);
    void this.#move();
  }

  protected begin(): void {
    void this.#subscribe(++this.#run);
  }

  protected finish(): void {
    this.#run++;
    const sub = this.#sub;
    this.#sub = null;
    if (sub !== null) void this.line.call("query.unsubscribe", { sub });
  }

  async #subscribe(run: number): Promise<void> {
    this.#sub = null;
    this.#moving = false;
    const answer = await this.line.call("query.subscribe", {
      query: this.#query,
      cells: this.#cells,
      ...this.#wanted,
    });
    if (!answer.ok) {
      if (run === this.#run && answer.error.code !== "client.away") this.#fail(answer.error);
      return;
    }
    const { sub, window } = answer.value;
    if (run !== this.#run) {
      void this.line.call("query.unsubscribe", { sub });
      return;
    }
    this.#sub = sub;
    this.line.onPush(sub, (push) => {
      if (this.#sub !== sub) return;
      if ("fault" in push) this.#fail(push.fault);
      else for (const change of push.changes) this.#apply(change);
    });
    this.#take(window);
  }

  async #move(): Promise<void> {
    if (this.#moving || this.#sub === null) return;
    this.#moving = true;
    const sub = this.#sub;
    const asked = this.#wanted;
    const answer = await this.line.call("query.window", { sub, ...asked });
    if (this.#sub !== sub) return;
    this.#moving = false;
    if (answer.ok) this.#take(answer.value);
    else if (answer.error.code !== "client.away") this.#fail(answer.error);
    if (asked !== this.#wanted) void this.#move();
  }

  #take(window: RowWindow): void {
    this.turn({ state: "live", ...window, fault: null });
  }

  #apply(change: Plain): void {
    const changed = checked(checkRowsChanged, change);
    if (!changed.ok || changed.value.offset !== this.value.offset) {
      void this.#move();
      return;
    }
    this.turn({
      ...this.value,
      state: "live",
      fault: null,
      count: changed.value.count,
      rows: applySteps(this.value.rows, changed.value),
    });
  }

  #fail(fault: Fault): void {
    this.turn({ ...this.value, state: "failed", fault });
  }
}

/** What the frame of the page shows, kept up to date; null until it is here. */
export class LiveOverview extends Watched<Overview | null> {
  #run = 0;

  constructor(line: Line) {
    super(line, null);
  }

  protected begin(): void {
    void this.#watch(++this.#run);
  }

  protected finish(): void {
    this.#run++;
  }

  /** Looks again, for what can change without anything being written. */
  async refresh(): Promise<void> {
    const answer = await this.line.call("workspace.status", {});
    if (answer.ok) this.turn(answer.value);
  }

  async #watch(run: number): Promise<void> {
    const answer = await this.line.call("workspace.watch", {});
    if (!answer.ok || run !== this.#run) return;
    this.line.onPush(answer.value.sub, (push) => {
      if ("fault" in push || run !== this.#run) return;
      for (const change of push.changes) {
        const overview = checked(checkOverview, change);
        if (overview.ok) this.turn(overview.value);
      }
    });
    this.turn(answer.value.overview);
  }
}
