import { expect, test } from "vitest";
import { hasWords } from "../src/lib/words.ts";

test("words match from their beginning, whatever the case, order and accents", () => {
  expect(hasWords("Lighting cues", "cue light")).toBe(true);
  expect(hasWords("Crème brûlée", "CREME bru")).toBe(true);
  expect(hasWords("Moonlight", "light")).toBe(false);
});

test("nothing typed matches everything", () => {
  expect(hasWords("Anything", "  ")).toBe(true);
});
