import { expect, test } from "vitest";
import { filterOf, inWords } from "../src/lib/filter.ts";
import { allOf, groupQuestion, joined, orderOf, partsOf, question } from "../src/lib/question.ts";

const field = (name: string, type: string, path: string | null = null) => ({
  name,
  type,
  title: name.toUpperCase(),
  choices: [],
  path,
});

test("a condition is parted at its ANDs, not inside of quotes and parentheses", () => {
  expect(partsOf('a == "x AND y" AND (b == 1 OR c == 2) AND EXISTS d')).toEqual([
    'a == "x AND y"',
    "(b == 1 OR c == 2)",
    "EXISTS d",
  ]);
  expect(partsOf("a == 1 OR b == 2 AND c == 3")).toHaveLength(1);
  expect(joined(["a == 1", "b == 2 OR c == 3"])).toBe("a == 1 AND (b == 2 OR c == 3)");
  expect(allOf([null, "a OR b", "", "c"])).toBe("(a OR b) AND (c)");
});

test("what is chosen becomes a condition that reads back in words", () => {
  const up = field("up", "duration");
  expect(filterOf(up, "least", "8")).toBe("up >= 8");
  expect(inWords("up >= 8", [up])).toBe("UP is at least 8");
  const status = field("cue_status", "choice");
  expect(filterOf(status, "not", "cut")).toBe('NOT cue_status == "cut"');
  expect(inWords('NOT cue_status == "cut"', [status])).toBe("CUE_STATUS is not cut");
  expect(filterOf(field("is_called", "bool"), "is", "yes")).toBe("is_called == true");
  const scene = field("->in_scene", "ends", "->in_scene.number");
  expect(filterOf(scene, "has", '1"2')).toBe('->in_scene.number LIKE "%1\\"2%"');
  expect(inWords('->in_scene.number LIKE "%1.2%"', [scene])).toBe("->IN_SCENE has 1.2");
  expect(inWords("NOT EXISTS ->in_scene", [scene])).toBe("->IN_SCENE is empty");
  expect(inWords("up > 3 OR up < 1", [up])).toBe("up > 3 OR up < 1");
});

test("an order is named once, whichever came first", () => {
  expect(question({ table: "t", where: null, order: ["up desc", "number", "-up"] })).toEqual({
    from: "t",
    sort: { order: ["up desc", "number"] },
  });
  expect(orderOf("->in_scene")).toEqual({ field: "->in_scene", isDown: false });
  expect(orderOf("-up")).toEqual({ field: "up", isDown: true });
});

test("groups are asked for in the order of their records", () => {
  expect(groupQuestion("t", "a == 1", "->x.in_scene")).toEqual({
    from: "t",
    where: "a == 1",
    group: { by: ["->x.in_scene"], records_in_group: "count()" },
    sort: { order: ["in_scene"] },
  });
});
