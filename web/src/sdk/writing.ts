/** What typed texts do to the show: the names they mention, and the things to be done. */
import type { Plain } from "../lib/check.ts";
import type { AnyIntent, FieldShape, RelationShape } from "../wire/calls.ts";
import { ENDS, endsChange, endsNamed, type Named, namesIn, relating } from "./ends.ts";

/** A cell by record and field, whatever row it is in at the moment. */
export interface Address {
  readonly record: string;
  readonly key: string;
}

/** A text a person typed that is not in the show yet. */
export interface Typed extends Address {
  readonly text: string;
  /** The writes the person was looking at when they began. */
  readonly heads: readonly string[];
  /** The text the person was looking at. */
  readonly was: string;
}

/** What the history calls a change of one relation; other changes are told by their writes. */
export const labelOf = ([one, ...more]: readonly Typed[], fields: Fields): string => {
  const column = one === undefined ? undefined : fields.get(one.key);
  if (one === undefined || more.length > 0 || column?.type !== ENDS) return "";
  return `${column.title}: ${one.text.trim() === "" ? "none" : one.text}`;
};

/** Whether what is typed into a column names records. */
export const isNaming = (field: FieldShape): boolean => field.type === ENDS || field.type === "record";

export const namesFor = (field: FieldShape, words: string): readonly string[] => {
  if (field.type === ENDS) return namesIn(words);
  return words.trim() === "" ? [] : [words.trim()];
};

export type Fields = ReadonlyMap<string, FieldShape>;
export type Related = ReadonlyMap<string, readonly RelationShape[]>;

/** The names among what was typed that somebody has to look up. */
export const namesTyped = (
  typed: readonly Typed[],
  fields: Fields,
): readonly { readonly field: FieldShape; readonly name: string }[] =>
  typed.flatMap((one) => {
    const field = fields.get(one.key);
    if (field === undefined || !isNaming(field)) return [];
    const names = field.type === ENDS ? endsChange(one.text, one.was).added : namesFor(field, one.text);
    return names.map((name) => ({ field, name }));
  });

/** Returns what the typed texts do: one setting per record, with the heads of every field, and relations made and ended. */
export const changing = (
  typed: readonly Typed[],
  fields: Fields,
  named: Named,
  related: Related,
): readonly AnyIntent[] => {
  const byRecord = new Map<
    string,
    { fields: { [key: string]: Plain }; heads: { [key: string]: readonly string[] } }
  >();
  const relations: AnyIntent[] = [];
  for (const one of typed) {
    const field = fields.get(one.key);
    if (field?.type === ENDS) {
      const { gone, added } = endsChange(one.text, one.was);
      for (const end of endsNamed(one.key, gone, related.get(one.record) ?? []))
        relations.push({ do: "unrelate", relation: end.id });
      for (const name of added) {
        const other = named(field, name);
        if (other !== null) relations.push(relating(one.key, one.record, other));
      }
      continue;
    }
    const made = byRecord.get(one.record) ?? { fields: {}, heads: {} };
    const words = one.text.trim();
    made.fields[one.key] = one.text === "" ? null : field?.type === "record" ? named(field, words) : one.text;
    made.heads[one.key] = one.heads;
    byRecord.set(one.record, made);
  }
  const settings = [...byRecord].map(
    ([record, { fields: values, heads }]): AnyIntent => ({ do: "set", record, fields: values, heads }),
  );
  return [...settings, ...relations];
};
