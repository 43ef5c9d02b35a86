import { expect, test } from "vitest";
import { byPerson, byTable, type Entry, tableOfChange } from "../src/lib/since.ts";

const op = (field: string, kind = "set") => ({ kind, record: "r", title: "LX 1", field, text: field });
const entry = (bundle: string, actor: string, ...fields: string[]): Entry => ({
  bundle,
  actor,
  actor_name: actor.toUpperCase(),
  at: "2026-01-12T18:40:00Z",
  label: "",
  ops: fields.map((one) => op(one)),
});

test("a change is about its field's table, a new record about the table it was made in", () => {
  expect(tableOfChange(op("lighting.cues.label"))).toBe("lighting.cues");
  expect(tableOfChange(op("lighting.cues", "create"))).toBe("lighting.cues");
  expect(tableOfChange(op("@in/sm.cues", "put"))).toBe("sm.cues");
  expect(tableOfChange(op("@exists", "delete"))).toBe("");
});

test("whoever wrote last comes first, with all of theirs", () => {
  const groups = byPerson([
    entry("3", "ben", "a.b.c"),
    entry("2", "ana", "a.b.c"),
    entry("1", "ben", "a.b.c"),
  ]);
  expect(groups.map((one) => [one.title, one.entries.map((two) => two.bundle)])).toEqual([
    ["BEN", ["3", "1"]],
    ["ANA", ["2"]],
  ]);
});

test("an entry stands under each table it changed, with only the changes there", () => {
  const groups = byTable([entry("1", "ben", "a.b.c", "x.y.z", "a.b.d")], (table) => table);
  expect(groups.map((one) => [one.key, one.entries[0]?.ops.map((two) => two.field)])).toEqual([
    ["a.b", ["a.b.c", "a.b.d"]],
    ["x.y", ["x.y.z"]],
  ]);
});
