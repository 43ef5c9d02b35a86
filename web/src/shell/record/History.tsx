import { X } from "lucide-react";
import { moment } from "../../lib/format.ts";
import type { FieldShape, LogEntry, RecordShape } from "../../sdk/index.ts";
import { useAsked, useShow } from "../hooks.ts";

interface HistoryProps {
  readonly record: RecordShape;
  /** The one field whose history is wanted, null for all of the record. */
  readonly field: FieldShape | null;
  readonly version: unknown;
  readonly showAll: () => void;
}

/** Who changed a record, or one field of it, and when. */
export const History = ({ record, field, version, showAll }: HistoryProps) => {
  const { show } = useShow();
  const { value: entries } = useAsked(
    () => show.call("record.history", { record: record.id, field: field?.key ?? null }),
    `${record.id} ${field?.key ?? ""}`,
    version,
  );
  const now = new Date();
  return (
    <div className="hist" role="tabpanel" aria-label="History">
      {field !== null && (
        <p className="hist-field">
          <b>{field.title}</b>
          <button type="button" className="btn" onClick={showAll}>
            <X className="i" aria-hidden="true" />
            Every field
          </button>
        </p>
      )}
      <ol>
        {entries?.map((entry) => (
          <Entry key={entry.bundle} entry={entry} now={now} />
        ))}
      </ol>
      {entries?.length === 0 && <p className="muted">Nothing has changed yet.</p>}
    </div>
  );
};

const Entry = ({ entry, now }: { readonly entry: LogEntry; readonly now: Date }) => (
  <li>
    <time dateTime={entry.at}>{moment(entry.at, now)}</time>
    <span>
      <b>{entry.actor_name}</b>{" "}
      {entry.ops.length === 0 ? entry.label : entry.ops.map((op) => op.text).join("; ")}
    </span>
  </li>
);
