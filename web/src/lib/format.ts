import type { Plain } from "./check.ts";

/** What is needed of a field to show its values. */
export interface Showing {
  readonly type: string;
  readonly unit: string;
}

const UNIT_SECONDS: { readonly [unit: string]: number } = { s: 1, min: 60, h: 3600, d: 86_400 };

/** Returns a duration in its field's unit as people write it, so that it reads back as the same. */
const duration = (seconds: number, unit: string): string => {
  const size = UNIT_SECONDS[unit];
  return size === undefined ? `${plainNumber(seconds)} s` : plainNumber(seconds / size);
};

const plainNumber = (value: number): string => String(Number(value.toFixed(6)));

/** Returns a value as a person reads and types it; a record is shown by `title`. */
export const shown = (value: Plain | undefined, field: Showing, title: (id: string) => string): string => {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number")
    return field.type === "duration" ? duration(value, field.unit) : String(value);
  if (typeof value === "string") return shownText(value, field, title);
  if (Array.isArray(value)) return value.map((item: Plain) => shown(item, field, title)).join(", ");
  return shownObject(value);
};

const shownText = (value: string, field: Showing, title: (id: string) => string): string => {
  if (field.type === "record") return title(value);
  if (field.type === "datetime") return value.replace("T", " ").replace(/\[\]$/, "");
  return value;
};

const shownObject = (value: Plain): string => {
  const named = typeof value === "object" && value !== null && "name" in value ? value["name"] : undefined;
  return typeof named === "string" ? named : JSON.stringify(value);
};

const LONG_DAY = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const DAY = /^(-?\d{4,})-(\d{2})-(\d{2})/;

/** Returns a day as people say it: "Tue 24 Nov 2026"; what is no day stays as it is. */
export const longDay = (iso: string): string => {
  const [, year, month, day] = DAY.exec(iso) ?? [];
  if (year === undefined) return iso;
  return LONG_DAY.format(new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))).replace(",", "");
};

/** Returns how a text that is typed and copied reads in a cell of its type: a date with its weekday, lines behind each other. */
export const readable = (text: string, type: string): string => {
  if (type === "date") return longDay(text);
  if (type === "datetime" && DAY.test(text)) return `${longDay(text)}${text.replace(DAY, "")}`;
  return text.includes("\n") ? text.replace(/\s*\n\s*/g, " ↵ ") : text;
};

/** Whether values of a type stand at the right edge of their column. */
export const isNumeric = (type: string): boolean =>
  ["int", "float", "decimal", "duration", "time"].includes(type);

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Returns a moment as people say it: "just now", "9:05", "Sun 11:12", "12 Jan 2026 11:12". */
export const moment = (iso: string, now: Date): string => {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const age = now.getTime() - at.getTime();
  if (age >= 0 && age < MINUTE_MS) return "just now";
  const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === now.toDateString()) return clock;
  if (age >= 0 && age < 6 * DAY_MS) return `${at.toLocaleDateString("en-GB", { weekday: "short" })} ${clock}`;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${clock}`;
};

/** Returns the day of a moment as a heading: "Today", "Yesterday", "Mon 12 Jan 2026". */
export const dayOf = (iso: string, now: Date): string => {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  if (at.toDateString() === now.toDateString()) return "Today";
  if (at.toDateString() === new Date(now.getTime() - DAY_MS).toDateString()) return "Yesterday";
  return at.toLocaleDateString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
  });
};

/** Returns the letters of a name's first and last word. */
export const initials = (name: string): string => {
  const words = name.split(/\s+/).filter(Boolean);
  const first = words.at(0)?.at(0) ?? "?";
  const last = words.length > 1 ? (words.at(-1)?.at(0) ?? "") : "";
  return (first + last).toUpperCase();
};

/** Returns "1 cue", "2 cues": the count with its word in the right number. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
