import { expect, test } from "vitest";
import { LiveOverview } from "../src/client/live.ts";
import { Standings } from "../src/sdk/standing.ts";
import { FakeProgram } from "./fake-line.ts";

const STAGED = { kind: "staging", name: "what if", records: 0, drift: 0, kept: 1 };

const windowOf = (program: FakeProgram, kept: string | null) => {
  const memory = { text: kept };
  const overview = new LiveOverview(program.line);
  const standing = new Standings(program.line, overview, {
    read: () => memory.text,
    write: (text) => {
      memory.text = text;
    },
  });
  standing.follow();
  const lost: string[] = [];
  standing.onLost = (name) => lost.push(name);
  return { standing, memory, lost };
};

test("a window takes its place again before it asks or writes anything", async () => {
  const program = new FakeProgram();
  windowOf(program, JSON.stringify({ kind: "staging", name: "what if" }));
  await program.letIn();
  expect(program.sent[1]).toMatchObject({ call: "staging.use", args: { name: "what if" } });
  await program.hangUp();
  await program.comeBack();
  expect(program.calls("staging.use").length).toBe(2);
  const again = program.sent.findLastIndex((one) => one["call"] === "staging.use");
  expect(program.sent.slice(again + 1).some((one) => one["call"] === "workspace.watch")).toBe(true);
});

test("a set that ended meanwhile is said once and forgotten", async () => {
  const program = new FakeProgram();
  const { memory, lost } = windowOf(program, JSON.stringify({ kind: "staging", name: "what if" }));
  await program.letIn();
  await program.refuse("staging.use", "overlay.unknown", "There is no overlay 'what if'.");
  expect(lost).toEqual(["what if"]);
  expect(memory.text).toBe(null);
});

test("entering keeps the place for a reload, leaving forgets it", async () => {
  const program = new FakeProgram();
  const { standing, memory } = windowOf(program, null);
  await program.letIn();
  const entering = standing.use("what if");
  await program.answer("staging.use", STAGED);
  expect(memory.text).toContain("what if");
  await program.refuse("workspace.status", "client.away", "");
  await entering;
  const leaving = standing.use(null);
  await program.answer("staging.use", { ...STAGED, kind: "now", name: "" });
  expect(memory.text).toBe(null);
  await program.refuse("workspace.status", "client.away", "");
  await leaving;
});
