import { bad, good, type Result } from "./result.ts";

/** Any JSON value. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Turns something unknown into a T, or throws a Mismatch that says where it is something else. */
export type Check<T> = (value: unknown, at: string) => T;

/** What a Check throws; only `checked` catches it. */
class Mismatch extends Error {}

const wrong = (at: string, wanted: string): never => {
  throw new Mismatch(`${at || "the whole"} should be ${wanted}`);
};

export const text: Check<string> = (value, at) => (typeof value === "string" ? value : wrong(at, "text"));

export const number: Check<number> = (value, at) =>
  typeof value === "number" ? value : wrong(at, "a number");

export const whole: Check<number> = (value, at) =>
  typeof value === "number" && Number.isInteger(value) ? value : wrong(at, "a whole number");

export const flag: Check<boolean> = (value, at) =>
  typeof value === "boolean" ? value : wrong(at, "true or false");

export const nothing: Check<null> = (value, at) => (value === null ? null : wrong(at, "nothing"));

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const listOf =
  <T>(item: Check<T>): Check<readonly T[]> =>
  (value, at) =>
    Array.isArray(value)
      ? value.map((one: unknown, index) => item(one, `${at}[${index}]`))
      : wrong(at, "a list");

export const mapOf =
  <T>(item: Check<T>): Check<{ readonly [key: string]: T }> =>
  (value, at) => {
    if (!isObject(value)) return wrong(at, "an object");
    const made: { [key: string]: T } = Object.create(null);
    for (const key of Object.keys(value)) made[key] = item(value[key], `${at}.${key}`);
    return made;
  };

export const plain: Check<Plain> = (value, at) => {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  return Array.isArray(value) ? listOf(plain)(value, at) : mapOf(plain)(value, at);
};

export const oneOf =
  <const T extends string>(...words: readonly T[]): Check<T> =>
  (value, at) =>
    words.find((word) => word === value) ?? wrong(at, `one of ${words.join(", ")}`);

export const either =
  <T extends readonly unknown[]>(...checks: { readonly [K in keyof T]: Check<T[K]> }): Check<T[number]> =>
  (value, at) => {
    for (const one of checks) {
      try {
        return one(value, at);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
      }
    }
    return wrong(at, "of another kind");
  };

/** Marks a member that may be left out. */
export const optional =
  <T>(inner: Check<T>): Check<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : inner(value, at);

/** Checks the known members of an object; members it does not know are left out of what it returns. */
export const shape =
  <T extends object>(inside: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> =>
  (value, at) => {
    if (!isObject(value)) return wrong(at, "an object");
    const made: Partial<T> = {};
    for (const key in inside) {
      const found = inside[key](value[key], at ? `${at}.${key}` : key);
      if (found !== undefined) made[key] = found;
    }
    return isWhole(made, inside) ? made : wrong(at, "whole");
  };

/** Holds by construction: every member was checked above, and one that may be left out may be missing. */
const isWhole = <T extends object>(
  made: Partial<T>,
  inside: { readonly [K in keyof T]-?: Check<T[K]> },
): made is T => Object.keys(made).every((key) => key in inside);

/** Runs a check; a mismatch becomes an error value. */
export const checked = <T>(check: Check<T>, value: unknown): Result<T, string> => {
  try {
    return good(check(value, ""));
  } catch (error) {
    if (error instanceof Mismatch) return bad(error.message);
    throw error;
  }
};

/** Reads JSON text; text that is not JSON gives undefined, which no check accepts. */
export const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};
