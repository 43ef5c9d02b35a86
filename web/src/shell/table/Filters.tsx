import { Funnel, X } from "lucide-react";
import { useState } from "react";
import { type Filtered, filterOf, inWords, verbsFor } from "../../lib/filter.ts";
import { joined, partsOf } from "../../lib/question.ts";
import { Drop } from "../../parts/Drop.tsx";
import type { FieldShape, Show } from "../../sdk/index.ts";
import { useAsked, useShow } from "../hooks.ts";
import type { View } from "./view.ts";

/** The path by which text can be looked for at the other end of a field or relation that leads into one table. */
const pathOf = async (show: Show, field: FieldShape): Promise<string | null> => {
  const [target] = field.target;
  if (target === undefined) return null;
  const answer = await show.call("table.fields", { table: target });
  if (!answer.ok) return null;
  const naming = answer.value.find((one) => one.required) ?? answer.value[0];
  return naming === undefined ? null : `${field.name}.${naming.name}`;
};

/** Returns fields as they can be filtered by. */
const useFiltered = (fields: readonly FieldShape[], isWanted: boolean): readonly Filtered[] => {
  const { show } = useShow();
  const naming = fields.filter((field) => field.target.length > 0);
  const key = isWanted ? naming.map((field) => field.key).join(" ") : "";
  const { value } = useAsked(
    async () => ({
      ok: true as const,
      value: isWanted ? await Promise.all(naming.map((field) => pathOf(show, field))) : [],
    }),
    key,
    show.line.state,
  );
  return fields.map(({ key: own, name, title, type, choices }) => {
    const at = naming.findIndex((field) => field.key === own);
    return { name, title, type, choices, path: at < 0 ? null : (value?.[at] ?? null) };
  });
};

/** What the table is filtered by, part by part, each to be taken away; and a way to say one more. */
export const Filters = ({
  fields,
  view,
}: {
  readonly fields: readonly FieldShape[];
  readonly view: View;
}) => {
  const [isOpen, setOpen] = useState(false);
  const parts = partsOf(view.where);
  const filtered = useFiltered(fields, isOpen || parts.some((part) => /->|<-|\./.test(part)));
  return (
    <>
      <Drop
        title="Add a filter"
        isOpen={isOpen}
        setOpen={setOpen}
        isOn={parts.length > 0}
        label={
          <>
            <Funnel className="i" aria-hidden="true" />
            Filter
          </>
        }
      >
        <NewFilter
          fields={filtered}
          add={(part) => {
            view.setWhere(joined([...parts, part]));
            setOpen(false);
          }}
        />
      </Drop>
      {parts.length > 0 && (
        <ul className="filters" aria-label="Filters">
          {parts.map((part, at) => (
            <li key={part} className="chip is-end">
              <span title={part}>{inWords(part, filtered)}</span>
              <button
                type="button"
                className="end-gone"
                aria-label={`Take the filter away: ${inWords(part, filtered)}`}
                onClick={() => view.setWhere(joined(parts.filter((_, one) => one !== at)))}
              >
                <X className="i" aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
};

const NewFilter = ({
  fields,
  add,
}: {
  readonly fields: readonly Filtered[];
  readonly add: (part: string) => void;
}) => {
  const [name, setName] = useState(fields[0]?.name ?? "");
  const field = fields.find((one) => one.name === name) ?? fields[0];
  const verbs = field === undefined ? [] : verbsFor(field);
  const [wanted, setVerb] = useState("");
  const verb = verbs.find((one) => one.id === wanted) ?? verbs[0];
  const [typed, setValue] = useState("");
  const choices = field?.type === "bool" ? ["yes", "no"] : (field?.choices ?? []);
  const value = choices.length > 0 && !choices.includes(typed) ? (choices[0] ?? "") : typed;
  if (field === undefined || verb === undefined) return null;
  const isReady = !verb.takesValue || value.trim() !== "";
  return (
    <form
      className="new-filter"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) add(filterOf(field, verb.id, value.trim()));
      }}
    >
      <select aria-label="Field" value={field.name} onChange={(event) => setName(event.target.value)}>
        {fields.map((one) => (
          <option key={one.name} value={one.name}>
            {one.title}
          </option>
        ))}
      </select>
      <select aria-label="How" value={verb.id} onChange={(event) => setVerb(event.target.value)}>
        {verbs.map((one) => (
          <option key={one.id} value={one.id}>
            {one.words}
          </option>
        ))}
      </select>
      {verb.takesValue &&
        (choices.length > 0 ? (
          <select aria-label="What" value={value} onChange={(event) => setValue(event.target.value)}>
            {choices.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        ) : (
          <input
            aria-label="What"
            type={field.type === "date" ? "date" : field.type === "time" ? "time" : "text"}
            value={typed}
            spellCheck={false}
            onChange={(event) => setValue(event.target.value)}
          />
        ))}
      <button type="submit" className="btn pri" disabled={!isReady}>
        Filter
      </button>
    </form>
  );
};
