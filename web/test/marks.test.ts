import { expect, test } from "vitest";
import { given, lettersOf, markOf, propertiesOf } from "../src/lib/marks.ts";

const cover = { key: "cover", title: "Cover", type: "bool", choices: [] };
const kind = { key: "kind", title: "Kind", type: "choice", choices: ["swing", "standby"] };
const note = { key: "note", title: "Note", type: "text", choices: [] };

test("each yes or no and each choice has a letter of its own", () => {
  const letters = lettersOf([cover, kind, note]);
  expect(letters.map((one) => [one.letter, one.words])).toEqual([
    ["C", "Cover"],
    ["S", "swing"],
    ["T", "standby"],
  ]);
});

test("a mark reads back as what was typed", () => {
  const letters = lettersOf([cover, kind]);
  expect(markOf({}, letters)).toBe("X");
  expect(markOf({ cover: true, kind: "standby" }, letters)).toBe("CT");
  expect(propertiesOf("ct", letters)).toEqual({ cover: true, kind: "standby" });
  expect(propertiesOf("x", letters)).toEqual({ cover: null, kind: null });
  expect(given(propertiesOf("c", letters) ?? {})).toEqual({ cover: true });
  expect(propertiesOf(" ", letters)).toBeNull();
});
