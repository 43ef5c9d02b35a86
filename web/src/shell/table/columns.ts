/** A table's fields as columns: which, in which order, how wide, how they look and what they offer. */
import { isNumeric, longDay } from "../../lib/format.ts";
import { orderOf } from "../../lib/question.ts";
import type { Column, Kind, Offer } from "../../parts/grid/source.ts";
import { ENDS, type FieldShape, SEPARATOR } from "../../sdk/index.ts";

/** How a person or a view arranged the columns; what is not said is as the table has it. */
export interface Arrangement {
  /** Keys of the columns in sight, in order. */
  readonly fields?: readonly string[] | undefined;
  readonly widths?: { readonly [key: string]: number } | undefined;
  readonly frozen?: number | undefined;
}

const WIDTHS: { readonly [type: string]: number } = {
  bool: 84,
  int: 84,
  float: 92,
  decimal: 96,
  natural: 92,
  outline: 92,
  date: 132,
  time: 84,
  datetime: 168,
  duration: 88,
  choice: 128,
  record: 190,
  ends: 220,
  text: 224,
};
const WIDTH_MAX = 240;
const NAMING_COLUMNS = 4;
const DEPARTMENTS = ["LX", "SND", "SQ", "VID", "FLY", "DECK", "SM", "AUTO", "SPOT"];
const DAYS_OFFERED = 8;

/** Returns the fields in the order a table has them, the one that names a record first: it stays in sight while the rest scrolls. */
const ownOrder = (fields: readonly FieldShape[], keys: readonly string[]): readonly FieldShape[] => {
  const names = fields.filter((field) => keys.includes(field.name));
  const first = names.find((field) => field.required) ?? names[0] ?? fields[0];
  const own = fields.filter((field) => field !== first && field.type !== ENDS);
  const relations = fields.filter((field) => field.type === ENDS);
  const outward = relations.filter((field) => field.key.startsWith("->"));
  // What a record is related to stands behind the text that says what it is, where that is near.
  const at = own.slice(0, NAMING_COLUMNS).findIndex((field) => field.type === "text") + 1;
  return [
    ...(first === undefined ? [] : [first]),
    ...own.slice(0, at),
    ...outward,
    ...own.slice(at),
    ...relations.filter((field) => !outward.includes(field)),
  ];
};

/** Returns the fields that can stand in a table, in its own order. */
export const choosable = (fields: readonly FieldShape[], keys: readonly string[]): readonly FieldShape[] =>
  ownOrder(
    fields.filter((field) => !field.hidden),
    keys,
  );

/** Returns the fields in sight, in order; names are taken as well as keys. */
export const arranged = (all: readonly FieldShape[], wanted: Arrangement): readonly FieldShape[] => {
  if (wanted.fields === undefined) return all;
  const found = wanted.fields.flatMap((name) => {
    const one = all.find((field) => field.key === name || field.name === name);
    return one === undefined ? [] : [one];
  });
  return found.length === 0 ? all : found;
};

export const kindOf = (field: FieldShape): Kind => {
  if (field.type === "bool") return "tick";
  if (field.type === "choice") {
    if (field.choices.filter((one) => DEPARTMENTS.includes(one)).length > 1) return "department";
    if (/status|state/i.test(`${field.name} ${field.title}`)) return "state";
  }
  return isNumeric(field.type) ? "number" : "text";
};

const offersOf = (field: FieldShape): readonly Offer[] => {
  if (field.type === "bool")
    return [
      { text: "Yes", hint: "" },
      { text: "No", hint: "" },
    ];
  if (field.type === "date") return nextDays(new Date());
  return field.choices.map((text) => ({ text, hint: "" }));
};

const two = (value: number): string => String(value).padStart(2, "0");

export const isoDay = (day: Date): string =>
  `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;

const nextDays = (today: Date): readonly Offer[] =>
  Array.from({ length: DAYS_OFFERED }, (_, by) => {
    const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() + by);
    const text = isoDay(day);
    return { text, hint: by === 0 ? "Today" : by === 1 ? "Tomorrow" : longDay(text) };
  });

export const widthOf = (field: FieldShape): number =>
  Math.max(WIDTHS[field.type] ?? 160, Math.min(WIDTH_MAX, field.title.length * 8 + 30));

/** Returns a field as a column. */
export const columnOf = (field: FieldShape, wanted: Arrangement, sort: string | null): Column => {
  const order = sort === null ? null : orderOf(sort);
  return {
    key: field.key,
    title: field.title,
    width: wanted.widths?.[field.key] ?? widthOf(field),
    kind: kindOf(field),
    isEditable: field.type !== "blob",
    isSuggesting: field.type === "record" || field.type === ENDS,
    separator: field.type === ENDS ? SEPARATOR : null,
    offers: offersOf(field),
    sorted: order?.field === field.name ? (order.isDown ? "descending" : "ascending") : null,
  };
};

/** Returns the keys after a column was put in front of another one; `before` may be one past the last. */
export const reordered = (keys: readonly string[], from: number, before: number): readonly string[] => {
  const moved = keys[from];
  if (moved === undefined) return keys;
  const left = keys.filter((_, at) => at !== from);
  left.splice(before > from ? before - 1 : before, 0, moved);
  return left;
};
