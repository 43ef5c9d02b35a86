import { useState } from "react";
import { useLocation } from "wouter";
import type { Plain } from "../../lib/check.ts";
import { counted, shown } from "../../lib/format.ts";
import { Choice } from "../../parts/Choice.tsx";
import { Modal } from "../../parts/Modal.tsx";
import { TypeAhead } from "../../parts/TypeAhead.tsx";
import type { FieldShape, RecordShape } from "../../sdk/index.ts";
import { useSuggest } from "../Ends.tsx";
import { useAsked, useOverview, useShow } from "../hooks.ts";
import { useFields } from "../useFields.ts";

interface SameProps {
  readonly record: RecordShape;
  readonly table: string;
}

/** What can be said of a whole record: that another one is the same, or that it is two after all. */
export const Same = ({ record, table }: SameProps) => {
  const [what, setWhat] = useState<"" | "merge" | "split">("");
  return (
    <>
      <Choice
        label="More"
        value=""
        options={[
          { value: "merge", label: "The same as another record" },
          { value: "split", label: "Two records after all" },
        ]}
        choose={(value) => setWhat(value === "merge" ? "merge" : "split")}
      />
      <Modal title="The same as another record" isOpen={what === "merge"} close={() => setWhat("")}>
        <Merge record={record} table={table} close={() => setWhat("")} />
      </Modal>
      <Modal title="Two records after all" isOpen={what === "split"} close={() => setWhat("")}>
        <Split record={record} table={table} close={() => setWhat("")} />
      </Modal>
    </>
  );
};

type PartProps = SameProps & { readonly close: () => void };

const Merge = ({ record, table, close }: PartProps) => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  const suggest = useSuggest([]);
  const [other, setOther] = useState<{ readonly id: string; readonly title: string } | null>(null);
  const { value: differences } = useAsked(
    () =>
      other === null
        ? Promise.resolve({ ok: true as const, value: [] })
        : show.call("record.differences", { one: record.id, other: other.id }),
    other?.id ?? "",
    null,
  );
  const fields = useFields(record.tables);
  const fieldOf = (key: string): FieldShape | undefined => fields.find((one) => one.key === key);
  const words = (key: string, value: Plain): string =>
    shown(value, fieldOf(key) ?? { type: "text", unit: "" }, show.titles.of);
  const merge = async (): Promise<void> => {
    if (other === null) return;
    const answer = await show.call("record.merge", { one: record.id, other: other.id });
    close();
    if (!answer.ok) {
      say(answer.error);
      return;
    }
    say(`${record.title} and ${other.title} are one record now.`);
    go(`/table/${table}?record=${answer.value.record}`);
  };
  return (
    <div className="same">
      <p>Everything of both stays. Where they differ you will be asked which value holds.</p>
      <TypeAhead
        label="The other record"
        placeholder="Type a name"
        text={other?.title ?? ""}
        suggest={async (text) => (await suggest(text)).filter((one) => one.id !== record.id)}
        choose={setOther}
        leave={() => undefined}
      />
      {other !== null && differences !== null && (
        <table>
          <caption>
            {differences.length === 0
              ? "They do not differ in any field."
              : `${counted(differences.length, "field")} differ:`}
          </caption>
          <tbody>
            {differences.map((one) => (
              <tr key={one.field}>
                <th scope="row">{fieldOf(one.field)?.title ?? one.field}</th>
                <td>{words(one.field, one.one)}</td>
                <td>{words(one.field, one.other)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="same-verbs">
        <button type="button" className="btn pri" disabled={other === null} onClick={() => void merge()}>
          They are one
        </button>
        <button type="button" className="btn line" onClick={close}>
          Leave them two
        </button>
      </div>
    </div>
  );
};

const Split = ({ record, close }: PartProps) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const [tables, setTables] = useState<readonly string[]>([]);
  const split = async (): Promise<void> => {
    const answer = await show.call("record.split", { record: record.id, tables: [...tables] });
    close();
    say(answer.ok ? `${record.title} is two records again.` : answer.error);
  };
  return (
    <div className="same">
      <p>
        One part goes, with the tables chosen here; with none chosen, those it was in before the two became
        one.
      </p>
      <ul>
        {record.tables.map((name) => (
          <li key={name}>
            <label>
              <input
                type="checkbox"
                checked={tables.includes(name)}
                onChange={() =>
                  setTables(tables.includes(name) ? tables.filter((one) => one !== name) : [...tables, name])
                }
              />{" "}
              {overview?.tables.find((one) => one.name === name)?.title ?? name}
            </label>
          </li>
        ))}
      </ul>
      <div className="same-verbs">
        <button type="button" className="btn pri" onClick={() => void split()}>
          Split
        </button>
        <button type="button" className="btn line" onClick={close}>
          Leave it one
        </button>
      </div>
    </div>
  );
};
