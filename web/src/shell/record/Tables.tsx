import { Plus, X } from "lucide-react";
import { Link } from "wouter";
import { Choice } from "../../parts/Choice.tsx";
import type { AnyIntent, RecordShape } from "../../sdk/index.ts";
import { useOverview, useShow } from "../hooks.ts";

/** The tables a record is in: each to go to or to take it out of, and others to put it into. */
export const Tables = ({ record, table }: { readonly record: RecordShape; readonly table: string }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const titleOf = (name: string): string => overview?.tables.find((one) => one.name === name)?.title ?? name;
  const others =
    overview?.tables.filter((one) => one.module !== "core" && !record.tables.includes(one.name)) ?? [];
  const edit = async (intent: AnyIntent, label: string): Promise<void> => {
    const answer = await show.edit([intent], label);
    if (!answer.ok) say(answer.error);
  };
  return (
    <div className="f-row">
      <span className="f-label">In tables</span>
      <ul className="f-value chips">
        {record.tables.map((name) => (
          <li key={name} className="chip is-end">
            <Link
              href={`/table/${name}?record=${record.id}`}
              className="end-open"
              aria-current={name === table ? "true" : undefined}
            >
              {titleOf(name)}
            </Link>
            {record.tables.length > 1 && (
              <button
                type="button"
                className="end-gone"
                aria-label={`Take it out of ${titleOf(name)}`}
                onClick={() =>
                  void edit(
                    { do: "remove", record: record.id, from: name },
                    `Out of ${titleOf(name)}: ${record.title}`,
                  )
                }
              >
                <X className="i" aria-hidden="true" />
              </button>
            )}
          </li>
        ))}
        {others.length > 0 && (
          <li>
            <Choice
              label={
                <>
                  <Plus className="i" aria-hidden="true" />
                  Put into
                </>
              }
              value=""
              options={others.map((one) => ({ value: one.name, label: one.title }))}
              choose={(into) =>
                void edit({ do: "put", record: record.id, into }, `Into ${titleOf(into)}: ${record.title}`)
              }
            />
          </li>
        )}
      </ul>
    </div>
  );
};
