import { expect, test } from "vitest";
import { endsChange, endsNamed, endsText, namesIn, relating } from "../src/sdk/ends.ts";

const titles = ["Scene 1.2", "Scene 1.3", "Hall; upstairs"];
const shown = endsText(
  titles.map((title) => ({ relation: `r-${title}`, record: `x-${title}`, title, properties: {} })),
);
const relations = titles.map((title) => ({
  id: `r-${title}`,
  relation: "lighting.in_scene",
  name: "In scene",
  other: `x-${title}`,
  title,
  is_source: true,
  properties: {},
}));

test("a cell that was not changed changes nothing, whatever stands in the titles", () => {
  expect(endsChange(shown, shown)).toEqual({ gone: [], added: [] });
});

test("names that are gone and new ones are told apart", () => {
  expect(endsChange("scene 1.3; 1.4", shown)).toEqual({
    gone: ["Scene 1.2", "Hall, upstairs"],
    added: ["1.4"],
  });
  expect(endsChange("", shown).gone).toHaveLength(3);
});

test("a name twice is a second relation", () => {
  expect(endsChange("A; A", "A")).toEqual({ gone: [], added: ["A"] });
});

test("names stand for the relations of their own column only, each for one", () => {
  const named = (column: string, ...names: string[]) =>
    endsNamed(column, names, relations).map((one) => one.id);
  expect(named("->lighting.in_scene", "hall, upstairs", "Scene 1.2")).toEqual([
    "r-Hall; upstairs",
    "r-Scene 1.2",
  ]);
  expect(named("->lighting.in_scene", "Scene 1.2", "Scene 1.2")).toEqual(["r-Scene 1.2"]);
  expect(named("<-lighting.in_scene", "Scene 1.2")).toEqual([]);
});

test("line breaks part names as semicolons do", () => {
  expect(namesIn(" 1.2;1.3\n1.4; ")).toEqual(["1.2", "1.3", "1.4"]);
});

test("a column that points here makes the other record the source", () => {
  expect(relating("<-casting.plays", "me", "you")).toMatchObject({
    source: "you",
    target: "me",
    relation: "casting.plays",
  });
  expect(relating("->casting.plays", "me", "you")).toMatchObject({ source: "me", target: "you" });
});
