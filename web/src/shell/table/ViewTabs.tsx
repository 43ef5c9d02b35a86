import { Save } from "lucide-react";
import { useState } from "react";
import { allOf } from "../../lib/question.ts";
import { Drop } from "../../parts/Drop.tsx";
import type { AnyIntent } from "../../sdk/index.ts";
import { useOverview, useShow } from "../hooks.ts";
import type { View, ViewSpec } from "./view.ts";

interface ViewTabsProps {
  readonly table: string;
  readonly view: View;
  /** What the words being looked for ask. */
  readonly filter: string | null;
}

const VIEWS = "core.views";

/** The views of a table, one beside the other, and what becomes of changes that a person made to one. */
export const ViewTabs = ({ table, view, filter }: ViewTabsProps) => {
  const isChanged = view.isChanged || filter !== null;
  return (
    <>
      <div className="views" role="tablist" aria-label="Views">
        {[null, ...view.all].map((one) => (
          <button
            key={one?.id ?? ""}
            type="button"
            role="tab"
            aria-selected={view.open?.id === one?.id}
            className="tab"
            title={
              one === null
                ? "The table as it is"
                : one.person === ""
                  ? "For everybody"
                  : "Only you see this view"
            }
            onClick={() => view.go(one?.id ?? null)}
          >
            {one === null ? "All" : one.title}
          </button>
        ))}
      </div>
      {(isChanged || (view.open !== null && view.open.module === "")) && (
        <SaveView table={table} view={view} filter={filter} isChanged={isChanged} />
      )}
    </>
  );
};

const SaveView = ({ table, view, filter, isChanged }: ViewTabsProps & { readonly isChanged: boolean }) => {
  const { show, say } = useShow();
  const me = useOverview()?.status.actor ?? "";
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [isMine, setMine] = useState(true);
  const own = view.open !== null && view.open.module === "" ? view.open : null;
  const spec: ViewSpec = {
    ...view.arrangement,
    where: allOf([view.where, filter]) ?? undefined,
    order: view.order.length === 0 ? undefined : view.order,
    group: view.group ?? undefined,
  };
  const edit = async (intent: AnyIntent, label: string): Promise<string | null | undefined> => {
    const answer = await show.edit([intent], label);
    if (!answer.ok) say(answer.error);
    setOpen(false);
    return answer.ok ? answer.value.made[0] : undefined;
  };
  const field = (short: string): string => `${VIEWS}.${short}`;
  const saveNew = async (): Promise<void> => {
    const fields = {
      [field("name")]: name.trim(),
      [field("table")]: table,
      [field("spec")]: JSON.stringify(spec),
      ...(isMine ? { [field("person")]: me } : {}),
    };
    const made = await edit({ do: "add", table: VIEWS, fields, ends: [] }, `New view: ${name.trim()}`);
    if (typeof made !== "string") return;
    view.reset();
    view.go(made);
    setName("");
  };
  const saveHere = async (): Promise<void> => {
    if (own === null) return;
    const fields = { [field("spec")]: JSON.stringify(spec) };
    const made = await edit({ do: "set", record: own.id, fields }, `View: ${own.title}`);
    if (made !== undefined) view.reset();
  };
  const remove = async (): Promise<void> => {
    if (own === null) return;
    const made = await edit({ do: "delete", record: own.id }, `Delete the view ${own.title}`);
    if (made === undefined) return;
    view.go(null);
    say({
      message: `Deleted the view ${own.title}.`,
      undo: () => void show.edit([{ do: "restore", record: own.id }], `Restore the view ${own.title}`),
    });
  };
  return (
    <Drop
      title="Save this view"
      isOpen={isOpen}
      setOpen={setOpen}
      isOn={isChanged}
      label={
        <>
          <Save className="i" aria-hidden="true" />
          {isChanged ? "Save view" : "View"}
        </>
      }
    >
      <form
        className="save-view"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "") void saveNew();
        }}
      >
        {own !== null && isChanged && (
          <button type="button" className="btn pri" onClick={() => void saveHere()}>
            Save in {own.title}
          </button>
        )}
        {isChanged && (
          <button
            type="button"
            className="btn line"
            onClick={() => {
              view.reset();
              setOpen(false);
            }}
          >
            Give up the changes
          </button>
        )}
        <label>
          New view
          <input
            type="text"
            value={name}
            placeholder="Act 1, called"
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <fieldset>
          <label>
            <input type="radio" checked={isMine} onChange={() => setMine(true)} /> Only for me
          </label>
          <label>
            <input type="radio" checked={!isMine} onChange={() => setMine(false)} /> For everybody
          </label>
        </fieldset>
        <button type="submit" className="btn line" disabled={name.trim() === ""}>
          Save as new
        </button>
        {own !== null && (
          <button type="button" className="btn line" onClick={() => void remove()}>
            Delete {own.title}
          </button>
        )}
      </form>
    </Drop>
  );
};
