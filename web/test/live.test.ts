import { expect, test } from "vitest";
import { applySteps, LiveRows, windowAround } from "../src/client/live.ts";
import { Cells } from "../src/sdk/cells.ts";
import { Titles } from "../src/sdk/titles.ts";
import type { FieldShape, RowShape } from "../src/wire/calls.ts";
import { FakeProgram } from "./fake-line.ts";

const row = (
  id: string,
  label: string,
  heads: readonly string[] = [`op-${id}`],
  conflicts: readonly string[] = [],
): RowShape => ({
  values: { id, label },
  heads: { "x.t.label": heads },
  taken: {},
  staged: {},
  conflicts,
  ends: {},
});

const label: FieldShape = {
  key: "x.t.label",
  name: "label",
  title: "Label",
  type: "text",
  help: "",
  required: false,
  choices: [],
  open: false,
  unit: "",
  hidden: false,
  target: [],
};

const note: FieldShape = { ...label, key: "x.t.note", name: "note", title: "Note" };

const watched = async (rows: readonly RowShape[], count = rows.length, offset = 0, isRequired = false) => {
  const program = new FakeProgram();
  await program.letIn();
  const live = new LiveRows(program.line, { from: "x.t" }, "x.t");
  let kept: string | null = null;
  const memory = {
    read: () => kept,
    write: (text: string | null) => {
      kept = text;
    },
  };
  const make = () =>
    new Cells({
      line: program.line,
      table: "x.t",
      fields: isRequired ? [{ ...label, required: true }, note] : [label],
      rows: live,
      query: { from: "x.t" },
      titles: new Titles(program.line),
      memory,
    });
  const cells = make();
  cells.subscribe(() => undefined);
  await program.settle();
  await program.answer("query.subscribe", { sub: 1, window: { count, offset, rows } });
  return { program, live, cells, make };
};

test("steps turn one window into the next, in order", () => {
  const before = [row("a", "1"), row("b", "2"), row("c", "3")];
  const after = applySteps(before, {
    count: 3,
    offset: 0,
    rows: null,
    steps: [
      { kind: "remove", at: 1 },
      { kind: "insert", at: 0, row: row("z", "0") },
      { kind: "change", at: 2, row: row("c", "33") },
    ],
  });
  expect(after.map((one) => one.values["label"])).toEqual(["0", "1", "33"]);
});

test("a window has two screens of room on either side and never starts before the first row", () => {
  expect(windowAround(0, 29)).toEqual({ offset: 0, limit: 100 });
  expect(windowAround(1000, 1029)).toEqual({ offset: 900, limit: 200 });
});

test("scrolling near the edge moves the window; what is on its way is not asked twice", async () => {
  const { program, live } = await watched([row("a", "1")], 10_000);
  live.look(500, 530);
  live.look(600, 630);
  live.look(700, 730);
  await program.settle();
  expect(program.calls("query.window")).toHaveLength(1);
  await program.answer("query.window", { count: 10_000, offset: 400, rows: [row("q", "401")] });
  expect(program.calls("query.window")).toHaveLength(2);
  expect(program.calls("query.window").at(-1)?.["args"]).toMatchObject({ sub: 1, offset: 600 });
});

test("a change is shown as it comes", async () => {
  const { program, cells } = await watched([row("a", "Dawn")]);
  program.say({
    sub: 1,
    changes: [
      {
        count: 1,
        offset: 0,
        rows: null,
        steps: [{ kind: "change", at: 0, row: row("a", "Dusk", ["op-2"]) }],
      },
    ],
  });
  expect(cells.face(0, 0)?.text).toBe("Dusk");
});

test("an edit carries the writes its author was looking at, not those that came while they typed", async () => {
  const { program, cells } = await watched([row("a", "Dawn", ["op-1"])]);
  cells.begin({ row: 0, col: 0 });
  program.say({
    sub: 1,
    changes: [
      {
        count: 1,
        offset: 0,
        rows: null,
        steps: [{ kind: "change", at: 0, row: row("a", "Dusk", ["op-2"]) }],
      },
    ],
  });
  void cells.commit({ row: 0, col: 0 }, "Noon");
  await program.settle();
  expect(program.calls("edit").at(-1)?.["args"]).toEqual({
    intents: [{ do: "set", record: "a", fields: { "x.t.label": "Noon" }, heads: { "x.t.label": ["op-1"] } }],
    label: "",
  });
  expect(cells.face(0, 0)).toMatchObject({ text: "Noon", state: "saving" });
});

test("leaving a cell as it was writes nothing, also where two values compete", async () => {
  const { program, cells } = await watched([row("a", "Dawn", ["op-1", "op-2"], ["x.t.label"])]);
  expect(cells.face(0, 0)).toMatchObject({ competing: 2 });
  cells.begin({ row: 0, col: 0 });
  await cells.commit({ row: 0, col: 0 }, "Dawn");
  expect(program.calls("edit")).toHaveLength(0);
});

test("what is refused stays in the cell, with the reason told", async () => {
  const { program, cells } = await watched([row("a", "Dawn")]);
  const told: string[] = [];
  cells.onFault = (fault) => told.push(fault.message);
  cells.begin({ row: 0, col: 0 });
  void cells.commit({ row: 0, col: 0 }, "x");
  await program.settle();
  await program.refuse("edit", "field.refused", "That is no length.");
  expect(cells.face(0, 0)).toMatchObject({ text: "x", state: "refused" });
  expect(told).toEqual(["That is no length."]);
});

test("what was typed while the program was away is sent when it is back, with the same heads", async () => {
  const { program, cells } = await watched([row("a", "Dawn", ["op-1"])]);
  cells.begin({ row: 0, col: 0 });
  await program.hangUp();
  void cells.commit({ row: 0, col: 0 }, "Noon");
  await program.settle();
  expect(cells.face(0, 0)).toMatchObject({ text: "Noon", state: "saving" });
  await program.comeBack();
  expect(program.calls("edit").at(-1)?.["args"]).toMatchObject({
    intents: [{ do: "set", record: "a", heads: { "x.t.label": ["op-1"] } }],
  });
});

test("what was typed when the page died is there again after a reload", async () => {
  const { cells, make } = await watched([row("a", "Dawn", ["op-1"])]);
  cells.begin({ row: 0, col: 0 });
  cells.draft("half a wo");
  expect(make().face(0, 0)).toMatchObject({ text: "half a wo", state: "refused" });
  cells.draft(null);
  expect(make().face(0, 0)).toMatchObject({ text: "Dawn", state: "saved" });
});

test("a row to be added waits for its required fields and survives a reload", async () => {
  const { program, cells, make } = await watched([row("a", "1")], 1, 0, true);
  void cells.commit({ row: 1, col: 1 }, "a note");
  await program.settle();
  expect(program.calls("edit")).toHaveLength(0);
  expect(cells.missing.map((field) => field.name)).toEqual(["label"]);
  expect(make().face(1, 1)).toMatchObject({ text: "a note" });
  void cells.commit({ row: 1, col: 0 }, "Noon");
  await program.settle();
  expect(program.calls("edit")[0]?.["args"]).toMatchObject({
    intents: [{ do: "add", table: "x.t", fields: { "x.t.label": "Noon", "x.t.note": "a note" } }],
  });
  await program.answer("edit", { made: ["new"] });
  expect(cells.hasGhost).toBe(false);
});

test("a paste is one step, one intent per record, and makes records of lines past the end", async () => {
  const { program, cells } = await watched([row("a", "1"), row("b", "2")]);
  void cells.paste(
    [
      { row: 0, col: 0, text: "x" },
      { row: 1, col: 0, text: "2" },
    ],
    [["new"]],
    0,
  );
  await program.settle();
  expect(program.calls("edit")).toHaveLength(1);
  expect(program.calls("edit")[0]?.["args"]).toMatchObject({
    intents: [
      { do: "set", record: "a", fields: { "x.t.label": "x" } },
      { do: "add", table: "x.t", fields: { "x.t.label": "new" } },
    ],
  });
});
