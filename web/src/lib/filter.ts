/** Filters in words: what a part of a condition says, and the condition that a choice of field, verb and value means. */
import { literal } from "./question.ts";

/** What is needed of a field to filter by it. */
export interface Filtered {
  readonly name: string;
  readonly title: string;
  readonly type: string;
  readonly choices: readonly string[];
  /** For what points to records: the path whose text is looked at. */
  readonly path: string | null;
}

export interface Verb {
  readonly id: string;
  readonly words: string;
  readonly takesValue: boolean;
}

const HAS: Verb = { id: "has", words: "has", takesValue: true };
const IS: Verb = { id: "is", words: "is", takesValue: true };
const NOT: Verb = { id: "not", words: "is not", takesValue: true };
const EMPTY: readonly Verb[] = [
  { id: "none", words: "is empty", takesValue: false },
  { id: "some", words: "is not empty", takesValue: false },
];
const COMPARED: readonly Verb[] = [
  IS,
  NOT,
  { id: "less", words: "is under", takesValue: true },
  { id: "least", words: "is at least", takesValue: true },
];
const DATED: readonly Verb[] = [
  IS,
  { id: "less", words: "is before", takesValue: true },
  { id: "least", words: "is from", takesValue: true },
];
const SIGNS: { readonly [verb: string]: string } = { is: "==", not: "!=", less: "<", least: ">=" };
const NUMBERS = new Set(["int", "float", "decimal"]);
const NUMBERED = new Set([...NUMBERS, "duration", "natural", "outline"]);
const MOMENTS = new Set(["date", "time", "datetime"]);
const PLAIN_NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

/** Returns what can be asked of a field. */
export const verbsFor = ({ type, path }: Filtered): readonly Verb[] => {
  if (type === "bool") return [{ ...IS, takesValue: true }];
  if (type === "choice") return [IS, NOT, ...EMPTY];
  if (NUMBERED.has(type)) return [...COMPARED, ...EMPTY];
  if (MOMENTS.has(type)) return [...DATED, ...EMPTY];
  if (type === "text") return [HAS, IS, NOT, ...EMPTY];
  return path === null ? EMPTY : [HAS, ...EMPTY];
};

const written = (value: string, type: string): string => {
  if (type === "bool") return /^(y|t|on|1|x)/i.test(value) ? "true" : "false";
  return NUMBERED.has(type) && PLAIN_NUMBER.test(value) ? value : literal(value);
};

/** Returns the condition that a field, a verb and a value mean. */
export const filterOf = (field: Filtered, verb: string, value: string): string => {
  if (verb === "none") return `NOT EXISTS ${field.name}`;
  if (verb === "some") return `EXISTS ${field.name}`;
  if (verb === "has") return `${field.path ?? field.name} LIKE ${literal(`%${value}%`)}`;
  // "Is not" holds where nothing stands, too.
  if (verb === "not") return `NOT ${field.name} == ${written(value, field.type)}`;
  return `${field.name} ${SIGNS[verb] ?? "=="} ${written(value, field.type)}`;
};

const PART =
  /^(NOT )?(EXISTS )?((?:->|<-)?[\w.]+)(?: (==|!=|<=|>=|<|>|LIKE) ("(?:[^"\\]|\\.)*"|[^"'\s]+))?$/i;
const WORDS: { readonly [sign: string]: string } = {
  "==": "is",
  "!=": "is not",
  "<": "is under",
  "<=": "is at most",
  ">": "is over",
  ">=": "is at least",
};

const read = (value: string): string =>
  value === "true"
    ? "yes"
    : value === "false"
      ? "no"
      : value.replace(/^(["'])(.*)\1$/s, "$2").replaceAll('\\"', '"');

/** Returns what a part of a condition says, by the titles of fields; the condition itself where it is of another form. */
export const inWords = (part: string, fields: readonly Filtered[]): string => {
  const found = PART.exec(part);
  const [, not, exists, name, sign, value] = found ?? [];
  const field = fields.find((one) => one.name === name || one.path === name);
  if (field === undefined) return part;
  if (exists !== undefined) return `${field.title} is ${not === undefined ? "not " : ""}empty`;
  if (sign === undefined || value === undefined) return part;
  if (sign.toUpperCase() === "LIKE")
    return `${field.title} ${not === undefined ? "has" : "has not"} ${read(value).replace(/^%|%$/g, "")}`;
  if (not !== undefined) return sign === "==" ? `${field.title} is not ${read(value)}` : part;
  return `${field.title} ${WORDS[sign]} ${read(value)}`;
};
