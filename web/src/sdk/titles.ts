import type { Line } from "../client/line.ts";
import type { Store } from "../client/live.ts";

/** What records are called, asked for in one go when first shown; the version rises when more is known. */
export class Titles implements Store<number> {
  readonly #line: Line;
  readonly #known = new Map<string, string>();
  #stale = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #asked = new Set<string>();
  #version = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  readonly read = (): number => this.#version;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Returns a record's title, or a short form of its id until it is known. */
  readonly of = (id: string): string => {
    const known = this.#known.get(id);
    if (known !== undefined && !this.#stale.has(id)) return known;
    if (this.#asked.size === 0) queueMicrotask(() => void this.#ask());
    this.#asked.add(id);
    return known ?? "…";
  };

  /** Asks again, when next shown, for every title that is known: a change may have renamed a record. */
  refresh(): void {
    if (this.#known.size === 0) return;
    this.#stale = new Set(this.#known.keys());
    this.#tell();
  }

  async #ask(): Promise<void> {
    const records = [...this.#asked].slice(0, 500);
    const answer = await this.#line.call("record.titles", { records });
    this.#asked = new Set();
    if (!answer.ok) return;
    let isNews = false;
    for (const id of records) {
      const title = answer.value[id] ?? "(deleted)";
      isNews ||= this.#known.get(id) !== title;
      this.#known.set(id, title);
      this.#stale.delete(id);
    }
    if (isNews) this.#tell();
  }

  #tell(): void {
    this.#version++;
    for (const listener of [...this.#listeners]) listener();
  }
}
