import type { Plain } from "../lib/check.ts";
import { shown } from "../lib/format.ts";
import type { FieldShape } from "../sdk/index.ts";
import { useShow, useStore } from "./hooks.ts";
import { useFields } from "./useFields.ts";

/** Returns the table of a full field key. */
export const tableOfKey = (key: string): string => key.split(".").slice(0, -1).join(".");

/** What the fields that some changes are about are called, and how their values read. */
export const useFieldTitles = (keys: readonly string[]) => {
  const fields = useFields(
    [...new Set(keys.filter((key) => !key.startsWith("@")).map(tableOfKey))].filter(Boolean),
  );
  const fieldOf = (key: string): FieldShape | undefined => fields.find((field) => field.key === key);
  const labelOf = (key: string): string => fieldOf(key)?.title ?? key.split(".").at(-1) ?? key;
  return { fieldOf, labelOf };
};

/** Returns what writes a value as its field shows it; nothing is the empty text. */
export const useValueWords = (): ((value: Plain, field: FieldShape | undefined) => string) => {
  const { show } = useShow();
  useStore(show.titles);
  return (value, field) => shown(value, field ?? { type: "text", unit: "" }, show.titles.of);
};
