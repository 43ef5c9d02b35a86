import { useMemo } from "react";
import type { Fault } from "../lib/result.ts";
import type { Show, Store } from "../sdk/index.ts";
import { useShow } from "./hooks.ts";

/** Undo and redo of what this person did, with the last refusal: it is shown where the label of undo stands. */
export class Undoing implements Store<Fault | null> {
  readonly #show: Show;
  readonly #listeners = new Set<() => void>();
  #refusal: Fault | null = null;

  constructor(show: Show) {
    this.#show = show;
  }

  readonly read = (): Fault | null => this.#refusal;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Takes back, or does again, the last thing; returns what it was, null where it was refused. */
  async run(what: "undo" | "redo"): Promise<string | null> {
    const answer = await this.#show.call(what, {});
    this.#turn(answer.ok ? null : answer.error);
    // What is refused is passed over: the label must name what comes before it.
    if (!answer.ok) void this.#show.overview.refresh();
    return answer.ok ? answer.value.label : null;
  }

  dismiss(): void {
    this.#turn(null);
  }

  #turn(refusal: Fault | null): void {
    this.#refusal = refusal;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Returns what does undo or redo and says so. */
export const useTakeBack = (): ((what: "undo" | "redo") => void) => {
  const { undoing, say } = useShow();
  return useMemo(
    () => (what) =>
      void undoing.run(what).then((label) => {
        if (label !== null) say(`${what === "undo" ? "Undone" : "Done again"}: ${label}`);
      }),
    [undoing, say],
  );
};
