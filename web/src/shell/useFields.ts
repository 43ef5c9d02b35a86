import type { FieldShape } from "../sdk/index.ts";
import { useAsked, useShow } from "./hooks.ts";

/** The fields of several tables, in one list; an unknown table adds none. */
export const useFields = (tables: readonly string[]): readonly FieldShape[] => {
  const { show } = useShow();
  const key = tables.join(" ");
  const { value } = useAsked(
    async () => {
      const found = await Promise.all(tables.map((table) => show.call("table.fields", { table })));
      return { ok: true as const, value: found.flatMap((one) => (one.ok ? one.value : [])) };
    },
    key,
    show.line.state,
  );
  return value ?? [];
};
