import { type Hears, Line } from "../src/client/line.ts";

/** A program at the other end of the line: says what it was sent, and answers when told to. */
export class FakeProgram {
  readonly sent: { readonly [key: string]: unknown }[] = [];
  readonly kept: string[] = [];
  opened = 0;
  #hears: Hears | null = null;
  #later: (() => void)[] = [];
  readonly line: Line;

  constructor(code: string | null = "code") {
    this.line = new Line({
      open: (hears) => {
        this.opened++;
        this.#hears = hears;
        queueMicrotask(() => hears.opened());
        return { send: (text) => this.sent.push(JSON.parse(text)) };
      },
      keep: { read: () => this.kept.at(-1) ?? null, write: (token) => this.kept.push(token) },
      code,
      later: (run) => this.#later.push(run),
    });
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  say(frame: unknown): void {
    this.#hears?.heard(JSON.stringify(frame));
  }

  async letIn(): Promise<void> {
    await this.settle();
    this.say({ hello: { token: "token", workspace: "w" } });
    await this.settle();
  }

  /** Answers the newest call of a name. */
  async answer(call: string, result: unknown): Promise<void> {
    const frame = this.sent.findLast((one) => one["call"] === call);
    this.say({ id: frame?.["id"], result });
    await this.settle();
  }

  async refuse(call: string, code: string, message: string): Promise<void> {
    const frame = this.sent.findLast((one) => one["call"] === call);
    this.say({ id: frame?.["id"], error: { code, message } });
    await this.settle();
  }

  async hangUp(code = 1006): Promise<void> {
    this.#hears?.closed(code);
    await this.settle();
  }

  async comeBack(): Promise<void> {
    for (const run of this.#later.splice(0)) run();
    await this.letIn();
  }

  calls(name: string): readonly { readonly [key: string]: unknown }[] {
    return this.sent.filter((one) => one["call"] === name);
  }
}
