/** What of a change in the history is needed to list it. */
export interface Change {
  readonly kind: string;
  readonly record: string;
  readonly title: string;
  readonly field: string;
  readonly text: string;
}

/** What of an entry of the history is needed to list it. */
export interface Entry {
  readonly bundle: string;
  readonly actor: string;
  readonly actor_name: string;
  readonly at: string;
  readonly label: string;
  readonly ops: readonly Change[];
}

/** Entries under one heading: a person's, or a table's. */
export interface Group<T extends Entry> {
  readonly key: string;
  readonly title: string;
  readonly entries: readonly T[];
}

/** Returns the table that a change is about, empty where it is about none: a record as a whole, a relation. */
export const tableOfChange = (change: Change): string => {
  const field = change.field.replace(/^@in\//, "");
  if (field.startsWith("@") || !field.includes(".")) return "";
  return change.kind === "create" || field !== change.field ? field : field.split(".").slice(0, -1).join(".");
};

const grouped = <T extends Entry>(
  entries: readonly T[],
  headings: (entry: T) => readonly { readonly key: string; readonly title: string; readonly entry: T }[],
): readonly Group<T>[] => {
  const found = new Map<string, { readonly title: string; readonly entries: T[] }>();
  for (const entry of entries)
    for (const { key, title, entry: part } of headings(entry)) {
      const group = found.get(key) ?? { title, entries: [] };
      group.entries.push(part);
      found.set(key, group);
    }
  return [...found].map(([key, group]) => ({ key, ...group }));
};

/** Returns the entries by who wrote them, whoever wrote last first. */
export const byPerson = <T extends Entry>(entries: readonly T[]): readonly Group<T>[] =>
  grouped(entries, (entry) => [{ key: entry.actor, title: entry.actor_name, entry }]);

/** Returns the entries by the tables they changed, each with only its changes there. */
export const byTable = <T extends Entry>(
  entries: readonly T[],
  titleOf: (table: string) => string,
): readonly Group<T>[] =>
  grouped(entries, (entry) => {
    const tables = [...new Set(entry.ops.map(tableOfChange))];
    return tables.map((table) => ({
      key: table,
      title: titleOf(table),
      entry: { ...entry, ops: entry.ops.filter((op) => tableOfChange(op) === table) },
    }));
  });
