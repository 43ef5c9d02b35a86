import { ArrowUpRight } from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { Drop } from "../../parts/Drop.tsx";
import type { FieldShape, RecordShape } from "../../sdk/index.ts";
import { useShow } from "../hooks.ts";

/** Where a field's value is taken from, and the way back to typing it here. */
export const Taken = ({ record, field }: { readonly record: RecordShape; readonly field: FieldShape }) => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const taken = record.taken[field.key];
  if (taken === undefined) return null;
  const typeHere = async (): Promise<void> => {
    setOpen(false);
    const intent = { do: "type_here", record: record.id, field: field.key } as const;
    const answer = await show.edit([intent], `${field.title}: typed here`);
    if (!answer.ok) say(answer.error);
  };
  const open = async (): Promise<void> => {
    const found = await show.call("record.get", { record: taken.record });
    const table = found.ok ? found.value.tables[0] : undefined;
    if (table !== undefined) go(`/table/${table}?record=${taken.record}`);
  };
  return (
    <Drop
      title="Where it is taken from"
      isOpen={isOpen}
      setOpen={setOpen}
      label={
        <>
          <ArrowUpRight className="i" aria-hidden="true" />
          {taken.state === "ok" ? `from ${taken.title}` : "cannot be taken"}
        </>
      }
    >
      <div className="save-view">
        <p>{taken.text}</p>
        <button type="button" className="btn line" onClick={() => void open()}>
          Open {taken.title}
        </button>
        <button type="button" className="btn line" onClick={() => void typeHere()}>
          Type it here instead
        </button>
      </div>
    </Drop>
  );
};
