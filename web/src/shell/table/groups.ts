import { useEffect, useMemo, useSyncExternalStore } from "react";
import { WINDOW_ROWS_MAX } from "../../client/live.ts";
import type { Plain } from "../../lib/check.ts";
import { counted, readable, shown } from "../../lib/format.ts";
import { GROUP_COUNT, groupName, groupQuestion } from "../../lib/question.ts";
import type { Group } from "../../parts/grid/lines.ts";
import { ENDS, type FieldShape } from "../../sdk/index.ts";
import { useShow, useStore } from "../hooks.ts";

/** The groups of a table's records by a field or a relation, in their order, kept up to date; null without grouping. */
export const useGroups = (
  table: string,
  where: string | null,
  group: string | null,
  fields: readonly FieldShape[],
): readonly Group[] | null => {
  const { show, say } = useShow();
  const rows = useMemo(
    () => (group === null ? null : show.rows(groupQuestion(table, where, group), null)),
    [show, table, where, group],
  );
  const view = useSyncExternalStore(
    (listener) => rows?.subscribe(listener) ?? (() => undefined),
    () => rows?.read() ?? null,
  );
  const names = useStore(show.titles);
  const field = fields.find((one) => one.name === group);
  const isTooMany = (view?.count ?? 0) > WINDOW_ROWS_MAX;
  useEffect(() => {
    if (isTooMany)
      say(`There are more than ${WINDOW_ROWS_MAX} groups: the rows are in their order, without headings.`);
  }, [isTooMany, say]);
  return useMemo(() => {
    void names;
    if (group === null || field === undefined || view === null || view.state !== "live" || isTooMany)
      return null;
    const type = field.type === ENDS ? "record" : field.type;
    return view.rows.map(({ values }): Group => {
      const count = Number(values[GROUP_COUNT] ?? 0);
      const value = shown(values[groupName(group)] as Plain, { type, unit: field.unit }, show.titles.of);
      const title = value === "" ? `No ${field.title.toLowerCase()}` : readable(value, type);
      return { title, note: counted(count, "record"), count };
    });
  }, [group, field, view, isTooMany, names, show]);
};
