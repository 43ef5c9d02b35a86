import { moment } from "../lib/format.ts";

/** Returns a moment as people read it: a time as a time, a name as it is. */
export const momentWords = (text: string): string =>
  /^\d{4}-\d\d-\d\dT/.test(text) ? moment(text, new Date()) : text;
