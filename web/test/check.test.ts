import { expect, test } from "vitest";
import {
  checked,
  either,
  flag,
  listOf,
  mapOf,
  nothing,
  oneOf,
  optional,
  parsed,
  plain,
  shape,
  text,
  whole,
} from "../src/lib/check.ts";

const person = shape<{ readonly name: string; readonly age?: number }>({ name: text, age: optional(whole) });

test("an object of the wanted shape passes and loses what is not known", () => {
  expect(checked(person, { name: "Jane", age: 30, secret: 1 })).toEqual({
    ok: true,
    value: { name: "Jane", age: 30 },
  });
  expect(checked(person, { name: "Jane" })).toEqual({ ok: true, value: { name: "Jane" } });
});

test("a mismatch says where it is", () => {
  expect(checked(listOf(person), [{ name: "Jane" }, { name: 3 }])).toEqual({
    ok: false,
    error: "[1].name should be text",
  });
  expect(checked(person, { name: "Jane", age: 1.5 })).toEqual({
    ok: false,
    error: "age should be a whole number",
  });
  expect(checked(person, null).ok).toBe(false);
});

test("either takes the first that fits, oneOf only its words", () => {
  const check = either(nothing, text, flag);
  expect(checked(check, null)).toEqual({ ok: true, value: null });
  expect(checked(check, true)).toEqual({ ok: true, value: true });
  expect(checked(check, 3).ok).toBe(false);
  expect(checked(oneOf("value", "text"), "delete").ok).toBe(false);
});

test("a key named __proto__ is only a key", () => {
  const found = checked(mapOf(plain), parsed('{"__proto__": {"polluted": true}}'));
  expect(found.ok && Object.keys(found.value)).toEqual(["__proto__"]);
  expect({}).not.toHaveProperty("polluted");
});

test("text that is not JSON is undefined, which nothing accepts", () => {
  expect(parsed("{oops")).toBeUndefined();
  expect(checked(plain, parsed("{oops")).ok).toBe(false);
});
