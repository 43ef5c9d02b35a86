import { expect, test } from "vitest";
import { counted, initials, moment, readable, shown } from "../src/lib/format.ts";
import { condition } from "../src/lib/question.ts";

const titles = (id: string) => `title of ${id}`;

test("values read as people type them", () => {
  const seconds = { type: "duration", unit: "s" };
  expect(shown(2.5, seconds, titles)).toBe("2.5");
  expect(shown(90, { type: "duration", unit: "min" }, titles)).toBe("1.5");
  expect(shown(90, { type: "duration", unit: "" }, titles)).toBe("90 s");
  expect(shown(true, { type: "bool", unit: "" }, titles)).toBe("Yes");
  expect(shown(null, seconds, titles)).toBe("");
  expect(shown("2026-01-12T18:00[]", { type: "datetime", unit: "" }, titles)).toBe("2026-01-12 18:00");
  expect(shown("x", { type: "record", unit: "" }, titles)).toBe("title of x");
  expect(shown(["a", "b"], { type: "list", unit: "" }, titles)).toBe("a, b");
  expect(shown({ name: "plot.pdf", size: 3 }, { type: "blob", unit: "" }, titles)).toBe("plot.pdf");
});

test("moments are said as near as they are", () => {
  const now = new Date("2026-01-12T20:00:00");
  expect(moment("2026-01-12T19:59:30", now)).toBe("just now");
  expect(moment("2026-01-12T09:05:00", now)).toBe("09:05");
  expect(moment("2026-01-11T11:12:00", now)).toBe("Sun 11:12");
  expect(moment("2025-01-11T11:12:00", now)).toBe("11 Jan 2025 11:12");
  expect(moment("once", now)).toBe("once");
});

test("names and counts", () => {
  expect(initials("Mina Okafor")).toBe("MO");
  expect(initials("alex")).toBe("A");
  expect(counted(1, "row")).toBe("1 row");
  expect(counted(1200, "row")).toBe("1,200 rows");
});

const fields = [
  { name: "number", type: "natural" },
  { name: "label", type: "text" },
  { name: "up", type: "duration" },
];

test("words are looked for in the texts, a condition is taken as it is", () => {
  expect(condition("", fields)).toBeNull();
  expect(condition('the "moon"', fields)).toBe(
    'number LIKE "%the \\"moon\\"%" OR label LIKE "%the \\"moon\\"%"',
  );
  expect(condition("number > 10", fields)).toBe("number > 10");
  expect(condition("EXISTS up", fields)).toBe("EXISTS up");
});

test("a date reads with its weekday, a text with lines in one", () => {
  expect(readable("2026-11-24", "date")).toBe("Tue 24 Nov 2026");
  expect(readable("2026-11-24 18:00[Europe/Berlin]", "datetime")).toBe(
    "Tue 24 Nov 2026 18:00[Europe/Berlin]",
  );
  expect(readable("soon", "date")).toBe("soon");
  expect(readable("one\ntwo", "text")).toBe("one ↵ two");
});
