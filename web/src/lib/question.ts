import type { Plain } from "./check.ts";

/** What is needed of a field to ask about it. */
export interface Asking {
  readonly name: string;
  readonly type: string;
}

export interface Sorting {
  readonly field: string;
  readonly isDown: boolean;
}

const CONDITION = /(==|!=|<=|>=|<|>|\b(AND|OR|NOT|IN|LIKE|MATCHES|CONTAINS|EXISTS)\b|->|<-)/;
const TEXTUAL = new Set(["text", "choice", "natural", "outline"]);

/** Whether a filter is written as a condition; anything else is words to look for. */
export const isCondition = (filter: string): boolean => CONDITION.test(filter);

const literal = (words: string): string => `"${words.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

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

/** Returns the full form of the question a table on screen asks. */
export const question = (
  table: string,
  fields: readonly Asking[],
  filter: string,
  order: readonly Sorting[],
): { readonly [key: string]: Plain } => {
  const where = condition(filter, fields);
  const terms = order
    .filter((one) => fields.some((field) => field.name === one.field))
    .map((one) => `${one.isDown ? "-" : ""}${one.field}`);
  return {
    from: table,
    ...(where === null ? {} : { where }),
    ...(terms.length === 0 ? {} : { sort: { order: terms } }),
  };
};
