/** Relations as columns: how the records at the other end read in one cell, and what a changed text means. */
import type { Line } from "../client/line.ts";
import { bad, good, type Result } from "../lib/result.ts";
import type { AnyIntent, EndShape, FieldShape, RelationColumn, RelationShape } from "../wire/calls.ts";

/** The type of a column that is a relation and no field. */
export const ENDS = "ends";
export const SEPARATOR = "; ";
const NAMES_MAX = 500;

/** A relation as a column among fields. */
export const endsColumn = (column: RelationColumn): FieldShape => ({
  key: column.key,
  name: column.key,
  title: column.title,
  type: ENDS,
  help: "",
  required: false,
  choices: [],
  open: false,
  unit: "",
  hidden: false,
  target: column.tables,
});

/** A title as it stands in a cell of several: the sign between them never stands in one. */
const inCell = (title: string): string => title.replaceAll(";", ",").trim();

export const endsText = (ends: readonly EndShape[]): string =>
  ends.map((end) => inCell(end.title)).join(SEPARATOR);

/** The names typed into a cell of several. */
export const namesIn = (text: string): readonly string[] =>
  text
    .split(/[;\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== "");

export interface EndsChange {
  readonly gone: readonly string[];
  readonly added: readonly string[];
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** What a text changes against the one its author was looking at, name by name; what others added meanwhile stays. */
export const endsChange = (text: string, was: string): EndsChange => {
  const gone = [...namesIn(was)];
  const added: string[] = [];
  for (const name of namesIn(text)) {
    const at = gone.findIndex((one) => isSame(one, name));
    if (at < 0) added.push(name);
    else gone.splice(at, 1);
  }
  return { gone, added };
};

/** Returns the relations of a column that the names stand for, each name one. */
export const endsNamed = (
  column: string,
  names: readonly string[],
  relations: readonly RelationShape[],
): readonly RelationShape[] => {
  const left = relations.filter(
    (one) => one.relation === column.slice(2) && one.is_source === column.startsWith("->"),
  );
  return names.flatMap((name) => {
    const at = left.findIndex((one) => isSame(inCell(one.title), name));
    return at < 0 ? [] : left.splice(at, 1);
  });
};

export const relating = (column: string, record: string, other: string): AnyIntent => {
  const isSource = column.startsWith("->");
  return {
    do: "relate",
    source: isSource ? record : other,
    relation: column.slice(2),
    target: isSource ? other : record,
    properties: {},
  };
};

/** Which record each name means: by table and name. */
export type Named = (field: FieldShape, name: string) => string | null;

/** Asks which records the names mean; the first that means none is the refusal. */
export const nameAll = async (
  line: Line,
  wanted: readonly { readonly field: FieldShape; readonly name: string }[],
): Promise<Result<Named>> => {
  const byTables = new Map<string, { readonly tables: readonly string[]; readonly texts: Set<string> }>();
  for (const { field, name } of wanted) {
    const key = field.target.join(" ");
    const group = byTables.get(key) ?? { tables: field.target, texts: new Set<string>() };
    group.texts.add(name);
    byTables.set(key, group);
  }
  const found = new Map<string, string>();
  for (const [key, { tables, texts }] of byTables) {
    const all = [...texts];
    for (let from = 0; from < all.length; from += NAMES_MAX) {
      const answer = await line.call("record.named", { texts: all.slice(from, from + NAMES_MAX), tables });
      if (!answer.ok) return answer;
      for (const one of answer.value) {
        if (one.record === null) return bad({ code: "client.not_named", message: one.why });
        found.set(`${key}/${one.text}`, one.record);
      }
    }
  }
  return good((field, name) => found.get(`${field.target.join(" ")}/${name}`) ?? null);
};
