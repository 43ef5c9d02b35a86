import { ArrowDownUp, Columns3, Download, Group, ListFilter, Plus, Printer } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { orderOf } from "../../lib/question.ts";
import { Choice } from "../../parts/Choice.tsx";
import { Drop } from "../../parts/Drop.tsx";
import { type FieldShape, lineState } from "../../sdk/index.ts";
import { download } from "../download.ts";
import { useShow, useStore } from "../hooks.ts";
import type { Address } from "./address.ts";
import { reordered } from "./columns.ts";
import { Filters } from "./Filters.tsx";
import type { View } from "./view.ts";

const FILTER_MS = 200;

interface ToolsProps {
  readonly table: string;
  /** Every field that can stand in the table. */
  readonly fields: readonly FieldShape[];
  readonly visible: readonly FieldShape[];
  readonly address: Address;
  readonly view: View;
  readonly add: () => void;
  readonly print: () => void;
}

/** The line of tools above a table: what is looked for, its order, its groups, its columns. */
export const Tools = ({ table, fields, visible, address, view, add, print }: ToolsProps) => {
  const { show, say } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const standing = useStore(show.standing);
  const first = view.order[0];
  const order = first === undefined ? null : orderOf(first);
  const titleOf = (name: string): string => fields.find((field) => field.name === name)?.title ?? name;
  return (
    <div className="tools" data-region="tools" role="toolbar" aria-label="Table tools">
      <FilterBox
        filter={address.filter ?? ""}
        setFilter={(words) => address.set({ filter: words === "" ? null : words }, true)}
      />
      <Filters fields={fields} view={view} />
      <Choice
        isOn={order !== null}
        label={
          <>
            <ArrowDownUp className="i" aria-hidden="true" />
            Sort{order === null ? "" : `: ${titleOf(order.field)}${order.isDown ? ", down" : ""}`}
          </>
        }
        value={order === null ? "" : `${order.isDown ? "-" : ""}${order.field}`}
        options={sortOptions(fields)}
        choose={(value) => {
          const isDown = value.startsWith("-") && !value.startsWith("->");
          view.setOrder(value === "" ? null : isDown ? value.slice(1) : value, isDown);
        }}
      />
      <Choice
        isOn={view.group !== null}
        label={
          <>
            <Group className="i" aria-hidden="true" />
            Group{view.group === null ? "" : `: ${titleOf(view.group)}`}
          </>
        }
        value={view.group ?? ""}
        options={[
          { value: "", label: "No groups" },
          ...fields
            .filter((field) => !["blob", "list"].includes(field.type))
            .map((field) => ({ value: field.name, label: field.title })),
        ]}
        choose={(value) => view.setGroup(value === "" ? null : value)}
      />
      <FieldsMenu fields={fields} visible={visible} view={view} />
      <span className="sp" />
      <button type="button" className="btn" onClick={print} aria-keyshortcuts="Control+P">
        <Printer className="i" aria-hidden="true" />
        Print
      </button>
      <button type="button" className="btn" onClick={() => void download(show, table, say)}>
        <Download className="i" aria-hidden="true" />
        Export
      </button>
      <button
        type="button"
        className="btn pri"
        onClick={add}
        disabled={state !== "open" || standing.kind === "past"}
      >
        <Plus className="i" aria-hidden="true" />
        Add
      </button>
    </div>
  );
};

const sortOptions = (fields: readonly FieldShape[]) => [
  { value: "", label: "In their own order" },
  ...fields.flatMap((field) => [
    { value: field.name, label: field.title },
    { value: `-${field.name}`, label: `${field.title}, down` },
  ]),
];

/** Which columns are in sight, and their order: each can be hidden and moved, by mouse and by key. */
const FieldsMenu = ({
  fields,
  visible,
  view,
}: {
  readonly fields: readonly FieldShape[];
  readonly visible: readonly FieldShape[];
  readonly view: View;
}) => {
  const [isOpen, setOpen] = useState(false);
  const keys = visible.map((field) => field.key);
  const hidden = fields.filter((field) => !keys.includes(field.key));
  const isArranged = hidden.length > 0;
  const turn = (field: FieldShape): void => {
    const isOut = keys.includes(field.key);
    if (isOut && keys.length === 1) return;
    view.arrange({ fields: isOut ? keys.filter((key) => key !== field.key) : [...keys, field.key] });
  };
  const move = (at: number, by: number): void => {
    const to = at + by;
    if (to < 0 || to >= keys.length) return;
    view.arrange({ fields: reordered(keys, at, by < 0 ? to : to + 1) });
  };
  return (
    <Drop
      title="Columns"
      isOpen={isOpen}
      setOpen={setOpen}
      isOn={isArranged}
      label={
        <>
          <Columns3 className="i" aria-hidden="true" />
          Fields{isArranged ? `: ${visible.length} of ${fields.length}` : ""}
        </>
      }
    >
      <ul className="columns">
        {[...visible, ...hidden].map((field, at) => (
          <li key={field.key}>
            <label>
              <input
                type="checkbox"
                checked={keys.includes(field.key)}
                onChange={() => turn(field)}
                onKeyDown={(event) => {
                  const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
                  if (!event.altKey || by === 0) return;
                  event.preventDefault();
                  move(at, by);
                }}
              />
              {field.title}
            </label>
            {at < visible.length && (
              <>
                <button
                  type="button"
                  className="btn icon"
                  aria-label={`Move ${field.title} to the left`}
                  title="Alt ↑"
                  disabled={at === 0}
                  onClick={() => move(at, -1)}
                >
                  ↑
                </button>
                <button
                  type="button"
                  className="btn icon"
                  aria-label={`Move ${field.title} to the right`}
                  title="Alt ↓"
                  disabled={at === visible.length - 1}
                  onClick={() => move(at, 1)}
                >
                  ↓
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      <button
        type="button"
        className="btn"
        onClick={() => view.arrange({ fields: fields.map((field) => field.key) })}
      >
        Show all
      </button>
    </Drop>
  );
};

const FilterBox = ({
  filter,
  setFilter,
}: {
  readonly filter: string;
  readonly setFilter: (words: string) => void;
}) => {
  const [words, setWords] = useState(filter);
  const sent = useRef(filter);
  useEffect(() => {
    if (filter !== sent.current) setWords(filter);
    sent.current = filter;
  }, [filter]);
  useEffect(() => {
    if (words === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = words;
      setFilter(words);
    }, FILTER_MS);
    return () => clearTimeout(timer);
  });
  return (
    <label className={words === "" ? "search" : "search is-on"}>
      <ListFilter className="i" aria-hidden="true" />
      <input
        data-find
        type="text"
        value={words}
        placeholder="Find, or number > 10"
        aria-label="Find in this table: words, or a condition"
        spellCheck={false}
        onChange={(event) => setWords(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          setWords("");
          event.currentTarget.blur();
        }}
      />
      <kbd>Ctrl F</kbd>
    </label>
  );
};
