import type { FieldShape } from "../sdk/index.ts";
import { useAsked, useShow } from "./hooks.ts";

/** A field with the table it was found in; another module's field may stand in a table too. */
export interface TableField extends FieldShape {
  readonly table: string;
}

/** The fields of several tables, in one list; an unknown table adds none. */
export const useFields = (tables: readonly string[]): readonly TableField[] => {
  const { show } = useShow();
  const key = tables.join(" ");
  const { value } = useAsked(
    async () => {
      const found = await Promise.all(tables.map((table) => show.call("table.fields", { table })));
      const value = found.flatMap((one, at) =>
        one.ok ? one.value.map((field): TableField => ({ ...field, table: tables[at] ?? "" })) : [],
      );
      return { ok: true as const, value };
    },
    key,
    show.line.state,
  );
  return value ?? [];
};
