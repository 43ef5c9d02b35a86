import { expect, test } from "vitest";
import { between } from "../src/lib/between.ts";

test.each([
  ["47", "48", "47.5"],
  ["47", "47.5", "47.3"],
  ["47.1", "47.2", "47.15"],
  ["47", "50", "49"],
  ["9", null, "10"],
  ["9.5", null, "10"],
  ["11A", "12", null],
  ["5", "5", null],
])("between %s and %s comes %s", (before, after, found) => {
  expect(between(before, after)).toBe(found);
});
