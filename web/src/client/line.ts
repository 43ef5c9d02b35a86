import { checked, type Plain, parsed, plain, shape, text, whole } from "../lib/check.ts";
import { bad, type Fault, good, type Result } from "../lib/result.ts";
import { type Calls, checkErrorShape, results } from "../wire/calls.ts";

/** How the line to the program stands: `refused` means that this window has no way in and should say so. */
export type LineState = "connecting" | "open" | "away" | "refused";

/** What the line wants to hear from its socket. */
export interface Hears {
  opened(): void;
  heard(text: unknown): void;
  closed(code: number): void;
}

/** The part of a WebSocket that the line uses, so that tests need none. */
export interface Socket {
  send(text: string): void;
}

/** Where the token lives between reloads of this window; never longer than the window. */
export interface Keep {
  read(): string | null;
  write(token: string): void;
}

export interface LineOptions {
  readonly open: (hears: Hears) => Socket;
  readonly keep: Keep;
  /** The one-use code of this opening, if the window was just opened. */
  readonly code: string | null;
  readonly later: (run: () => void, ms: number) => void;
}

type Push = { readonly changes: readonly Plain[] } | { readonly fault: Fault };

const AWAY: Fault = {
  code: "client.away",
  message: "Openprod is not answering. What you typed is kept and is sent when it is back.",
};

const STRANGE: Fault = {
  code: "client.strange_reply",
  message: "This page and the program do not understand each other. Reload the page.",
};

const NOT_LET_IN = 4401;
const WAIT_MS_FIRST = 250;
const WAIT_MS_MAX = 4000;

const checkHello = shape({ hello: shape({ token: text, workspace: text }) });
const checkReply = shape({ id: whole, result: plain });
const checkRefusal = shape({ id: whole, error: checkErrorShape });
const checkPush = shape({
  sub: whole,
  changes: (value, at) => (Array.isArray(value) ? value.map((one) => plain(one, at)) : []),
});
const checkPushFault = shape({ sub: whole, error: checkErrorShape });

/** The one WebSocket to the program: lets the window in, makes calls, hands out what is watched, comes back by itself. */
export class Line {
  state: LineState = "connecting";
  #socket: Socket | null = null;
  #last = 0;
  #wait = WAIT_MS_FIRST;
  #code: string | null;
  readonly #waiting = new Map<number, (answer: Result<unknown>) => void>();
  readonly #pushes = new Map<number, (push: Push) => void>();
  readonly #listeners = new Set<() => void>();
  readonly #options: LineOptions;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#code = options.code;
    this.#connect();
  }

  /** Calls the listener after each change of `state`; returns how to stop. */
  onState(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a call. The reply is checked; one of another shape is a fault, never a half-right value. */
  async call<K extends keyof Calls>(name: K, args: Calls[K]["args"]): Promise<Result<Calls[K]["result"]>> {
    if (this.state !== "open" || this.#socket === null) return bad(AWAY);
    const id = ++this.#last;
    const answer = new Promise<Result<unknown>>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, call: name, args }));
    const reply = await answer;
    if (!reply.ok) return reply;
    const found = checked<Calls[K]["result"]>(results[name], reply.value);
    return found.ok ? found : bad({ ...STRANGE, message: `${STRANGE.message} (${name}: ${found.error})` });
  }

  /** Hands what comes for a watched number to the listener until it is dropped. */
  onPush(sub: number, listener: (push: Push) => void): () => void {
    this.#pushes.set(sub, listener);
    return () => this.#pushes.delete(sub);
  }

  #connect(): void {
    const socket = this.#options.open({
      opened: () => {
        const token = this.#options.keep.read();
        const shown = this.#code === null ? { token: token ?? "" } : { code: this.#code };
        socket.send(JSON.stringify({ hello: shown }));
      },
      heard: (text) => this.#hear(typeof text === "string" ? parsed(text) : undefined),
      closed: (code) => this.#lost(code),
    });
    this.#socket = socket;
  }

  #hear(frame: unknown): void {
    if (this.state !== "open") {
      this.#welcome(frame);
      return;
    }
    const reply = checked(checkReply, frame);
    if (reply.ok) {
      this.#settle(reply.value.id, good(reply.value.result));
      return;
    }
    const refusal = checked(checkRefusal, frame);
    if (refusal.ok) {
      this.#settle(refusal.value.id, bad(refusal.value.error));
      return;
    }
    const fault = checked(checkPushFault, frame);
    if (fault.ok) {
      this.#pushes.get(fault.value.sub)?.({ fault: fault.value.error });
      return;
    }
    const push = checked(checkPush, frame);
    if (push.ok) this.#pushes.get(push.value.sub)?.({ changes: push.value.changes });
  }

  #welcome(frame: unknown): void {
    const hello = checked(checkHello, frame);
    if (!hello.ok) return;
    this.#code = null;
    this.#wait = WAIT_MS_FIRST;
    this.#options.keep.write(hello.value.hello.token);
    this.#turn("open");
  }

  #settle(id: number, answer: Result<unknown>): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(answer);
  }

  #lost(code: number): void {
    this.#socket = null;
    this.#pushes.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#turn(code === NOT_LET_IN ? "refused" : "away");
    for (const resolve of waiting) resolve(bad(AWAY));
    if (this.state === "refused") return;
    const wait = this.#wait;
    this.#wait = Math.min(WAIT_MS_MAX, wait * 2);
    this.#options.later(() => this.#connect(), wait);
  }

  #turn(state: LineState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}
