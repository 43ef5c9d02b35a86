import { expect, test } from "vitest";
import { FakeProgram } from "./fake-line.ts";

test("the code is shown once, then the token it was swapped for", async () => {
  const program = new FakeProgram();
  await program.letIn();
  expect(program.sent[0]).toEqual({ hello: { code: "code" } });
  expect(program.kept).toEqual(["token"]);
  await program.hangUp();
  await program.comeBack();
  expect(program.sent.at(-1)).toEqual({ hello: { token: "token" } });
  expect(program.line.state).toBe("open");
});

test("a reply of another shape is a fault and not a value", async () => {
  const program = new FakeProgram();
  await program.letIn();
  const answer = program.line.call("tables.list", {});
  await program.answer("tables.list", [{ name: 3 }]);
  expect(await answer).toMatchObject({ ok: false, error: { code: "client.strange_reply" } });
});

test("a refusal keeps its code and sentence", async () => {
  const program = new FakeProgram();
  await program.letIn();
  const answer = program.line.call("table.fields", { table: "x" });
  await program.refuse("table.fields", "table.unknown", "There is no table x.");
  expect(await answer).toEqual({
    ok: false,
    error: { code: "table.unknown", message: "There is no table x." },
  });
});

test("calls that were on their way when the line broke are answered as away", async () => {
  const program = new FakeProgram();
  await program.letIn();
  const answer = program.line.call("tables.list", {});
  await program.hangUp();
  expect(await answer).toMatchObject({ ok: false, error: { code: "client.away" } });
  expect(program.line.state).toBe("away");
  expect(await program.line.call("tables.list", {})).toMatchObject({
    ok: false,
    error: { code: "client.away" },
  });
});

test("a window that is not let in says so and does not try again", async () => {
  const program = new FakeProgram(null);
  await program.settle();
  await program.hangUp(4401);
  expect(program.line.state).toBe("refused");
  await program.comeBack();
  expect(program.opened).toBe(1);
});

test("frames that are no frames are let fall", async () => {
  const program = new FakeProgram();
  await program.letIn();
  for (const frame of [null, 3, [], { sub: "x" }, { id: 99, result: 1 }, { sub: 7, changes: [] }])
    program.say(frame);
  expect(program.line.state).toBe("open");
});
