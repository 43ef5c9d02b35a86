import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Fault, Result } from "../lib/result.ts";
import type { Overview, Show, Store } from "../sdk/index.ts";
import type { Undoing } from "./undo.ts";

/** Something done that can be taken back at once. */
export interface Undoable {
  readonly message: string;
  readonly undo: () => void;
}

/** Says something to the person: faults in the place they look, and to screen readers. */
export type Say = (what: Fault | Undoable | string | null) => void;

interface Surroundings {
  readonly show: Show;
  readonly say: Say;
  readonly undoing: Undoing;
  /** Opens the palette. */
  readonly find: () => void;
}

export const ShowContext = createContext<Surroundings | null>(null);

/** The show and the voice of the page; only used inside the shell, which provides them. */
export const useShow = (): Surroundings => {
  const found = useContext(ShowContext);
  if (found === null) throw new Error("used outside the shell");
  return found;
};

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.read);

export const useOverview = (): Overview | null => useStore(useShow().show.overview);

export interface Asked<T> {
  readonly value: T | null;
  readonly fault: Fault | null;
}

/** Asks when `key` or `version` changes; the last answer to the same key stays until the next is here. */
export const useAsked = <T>(ask: () => Promise<Result<T>>, key: string, version: unknown): Asked<T> => {
  const [answer, setAnswer] = useState<{ readonly key: string; readonly asked: Asked<T> } | null>(null);
  // `ask` is made anew at each render; what it asks is told by the key, so the newest is as good as any.
  const newest = useRef(ask);
  newest.current = ask;
  useEffect(() => {
    void version;
    let isWanted = true;
    void newest.current().then((found) => {
      if (!isWanted || (!found.ok && found.error.code === "client.away")) return;
      const asked = found.ok ? { value: found.value, fault: null } : { value: null, fault: found.error };
      setAnswer({ key, asked });
    });
    return () => {
      isWanted = false;
    };
  }, [key, version]);
  return answer !== null && answer.key === key ? answer.asked : { value: null, fault: null };
};
