import type { Line } from "../client/line.ts";
import type { LiveOverview, Store } from "../client/live.ts";
import { checked, parsed, shape, text } from "../lib/check.ts";
import type { Fault, Result } from "../lib/result.ts";
import type { Standing } from "../wire/calls.ts";

/** Where a window's place is kept between reloads of it; never longer than the window. */
export interface PlaceMemory {
  read(): string | null;
  write(text: string | null): void;
}

export const NOW: Standing = { kind: "now", name: "", records: 0, drift: 0, kept: 0 };

const checkKept = shape({ kind: text, name: text });

/**
 * Where this window stands: in the production, in an overlay, at a moment of the past. A window whose line was lost takes
 * its place again before anything else is asked, so that nothing typed in an overlay is ever written beside it.
 */
export class Standings implements Store<Standing> {
  /** Told where the window's overlay ended without its doing: committed or discarded elsewhere. */
  onLost: (name: string) => void = () => undefined;
  readonly #line: Line;
  readonly #overview: LiveOverview;
  readonly #memory: PlaceMemory;
  #isLeaving = false;
  #last: Standing = NOW;

  constructor(line: Line, overview: LiveOverview, memory: PlaceMemory) {
    this.#line = line;
    this.#overview = overview;
    this.#memory = memory;
    line.onState(() => void this.#resume());
  }

  readonly read = (): Standing => this.#overview.read()?.standing ?? NOW;

  readonly subscribe = (listener: () => void): (() => void) => this.#overview.subscribe(listener);

  /** Begins to follow what the program says; called once the overview may be watched. */
  follow(): void {
    this.#overview.subscribe(() => {
      const now = this.read();
      const before = this.#last;
      this.#last = now;
      if (now.kind !== before.kind || now.name !== before.name) this.#keep(now);
      if (before.kind === "staging" && now.kind === "now" && !this.#isLeaving) this.onLost(before.name);
    });
  }

  stage(name: string): Promise<Result<Standing>> {
    return this.#move(() => this.#line.call("staging.new", { name }));
  }

  use(name: string | null): Promise<Result<Standing>> {
    return this.#move(() => this.#line.call("staging.use", { name }));
  }

  /** Looks at everything as it was at a moment, null for now; nothing is written there. */
  see(moment: string | null): Promise<Result<Standing>> {
    return this.#move(() => this.#line.call("past.see", { moment }));
  }

  /** Stages what some fields of a record were at a moment, in this window's set or a new one. */
  bringBack(moment: string, record: string, fields: readonly string[]): Promise<Result<Standing>> {
    return this.#move(() => this.#line.call("past.bring_back", { moment, record, fields }));
  }

  rename(name: string): Promise<Result<Standing>> {
    return this.#move(() => this.#line.call("staging.rename", { name }));
  }

  async commit(label: string): Promise<Result<{ readonly bundle: string | null }>> {
    this.#isLeaving = true;
    const answer = await this.#line.call("staging.commit", { label });
    if (answer.ok) await this.#overview.refresh();
    this.#isLeaving = false;
    return answer;
  }

  async discard(name: string): Promise<Result<{ readonly done: boolean }>> {
    this.#isLeaving = true;
    const answer = await this.#line.call("staging.discard", { name });
    if (answer.ok) await this.#overview.refresh();
    this.#isLeaving = false;
    return answer;
  }

  async #move(call: () => Promise<Result<Standing>>): Promise<Result<Standing>> {
    this.#isLeaving = true;
    const answer = await call();
    if (answer.ok) {
      this.#keep(answer.value);
      await this.#overview.refresh();
    }
    this.#isLeaving = false;
    return answer;
  }

  #keep(standing: Standing): void {
    this.#memory.write(
      standing.kind === "now" ? null : JSON.stringify({ kind: standing.kind, name: standing.name }),
    );
  }

  async #resume(): Promise<void> {
    if (this.#line.state !== "open") return;
    const kept = checked(checkKept, parsed(this.#memory.read() ?? ""));
    if (!kept.ok) return;
    const { kind, name } = kept.value;
    this.#isLeaving = true;
    const answer: Result<Standing, Fault> =
      kind === "past"
        ? await this.#line.call("past.see", { moment: name })
        : await this.#line.call("staging.use", { name });
    this.#isLeaving = false;
    if (answer.ok || answer.error.code === "client.away") return;
    this.#memory.write(null);
    this.#last = NOW;
    if (kind === "staging") this.onLost(name);
  }
}
