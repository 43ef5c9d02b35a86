import type { Plain } from "./check.ts";

/** What is needed of a field to ask about it. */
export interface Asking {
  readonly name: string;
  readonly type: string;
}

const CONDITION = /(==|!=|<=|>=|<|>|\b(AND|OR|NOT|IN|LIKE|MATCHES|CONTAINS|EXISTS)\b|->|<-)/;
const TEXTUAL = new Set(["text", "choice", "natural", "outline"]);
const ORDERS_MAX = 16;

/** Whether a filter is written as a condition; anything else is words to look for. */
export const isCondition = (filter: string): boolean => CONDITION.test(filter);

export const literal = (words: string): string =>
  `"${words.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** Returns the condition a filter means: itself, or "one of the texts has these words in it". */
export const condition = (filter: string, fields: readonly Asking[]): string | null => {
  const words = filter.trim();
  if (words === "") return null;
  if (isCondition(words)) return words;
  const found = fields
    .filter((field) => TEXTUAL.has(field.type))
    .map((field) => `${field.name} LIKE ${literal(`%${words}%`)}`);
  return found.length === 0 ? null : found.join(" OR ");
};

/** Returns conditions that all must hold as one. */
export const allOf = (conditions: readonly (string | null)[]): string | null => {
  const found = conditions.filter((one) => one !== null && one.trim() !== "");
  return found.length < 2 ? (found[0] ?? null) : found.map((one) => `(${one})`).join(" AND ");
};

/** Splits a condition at the ANDs between its parts; one with an OR outside of parentheses is one part. */
export const partsOf = (condition: string): readonly string[] => {
  const words = condition.trim();
  if (words === "") return [];
  const parts: string[] = [];
  let [depth, from, quote] = [0, 0, ""];
  for (let at = 0; at < words.length; at++) {
    const sign = words[at] ?? "";
    if (quote !== "") {
      if (sign === "\\") at++;
      else if (sign === quote) quote = "";
    } else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === "(" || sign === "[") depth++;
    else if (sign === ")" || sign === "]") depth--;
    else if (depth === 0 && /^\sOR\s/i.test(words.slice(at, at + 4))) return [words];
    else if (depth === 0 && /^\sAND\s/i.test(words.slice(at, at + 5))) {
      parts.push(words.slice(from, at).trim());
      from = at + 5;
      at += 4;
    }
  }
  return [...parts, words.slice(from).trim()].filter((part) => part !== "");
};

/** Puts parts together again. */
export const joined = (parts: readonly string[]): string =>
  parts.length < 2
    ? (parts[0] ?? "")
    : parts.map((part) => (/\sOR\s/i.test(part) ? `(${part})` : part)).join(" AND ");

/** The name and direction of one order: "up desc" is up, from the last to the first. */
export const orderOf = (term: string): { readonly field: string; readonly isDown: boolean } => {
  const down = /^(.+) desc$/i.exec(term);
  if (down?.[1] !== undefined) return { field: down[1], isDown: true };
  return term.startsWith("-") && !term.startsWith("->")
    ? { field: term.slice(1), isDown: true }
    : { field: term, isDown: false };
};

export const orderTerm = (field: string, isDown: boolean): string => (isDown ? `${field} desc` : field);

/** What a table on screen asks: which records, and in which order, each thing once. */
export interface Asked {
  readonly table: string;
  readonly where: string | null;
  readonly order: readonly string[];
}

type Query = { readonly [key: string]: Plain };

/** Returns the full form of a question. */
export const question = ({ table, where, order }: Asked): Query => {
  const terms = order.filter(
    (term, at) => order.findIndex((one) => orderOf(one).field === orderOf(term).field) === at,
  );
  return {
    from: table,
    ...(where === null ? {} : { where }),
    ...(terms.length === 0 ? {} : { sort: { order: terms.slice(0, ORDERS_MAX) } }),
  };
};

/** The name that a grouped value has in the rows of the groups: the last part of a full one. */
export const groupName = (field: string): string =>
  field
    .replace(/^(->|<-)/, "")
    .split(".")
    .at(-1) ?? field;

export const GROUP_COUNT = "records_in_group";

/** Returns the question for the groups of a table's records, in their order, each with its count. */
export const groupQuestion = (table: string, where: string | null, group: string): Query => ({
  from: table,
  ...(where === null ? {} : { where }),
  group: { by: [group], [GROUP_COUNT]: "count()" },
  sort: { order: [groupName(group)] },
});
