import { Pencil, Table2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { counted, initials, moment } from "../lib/format.ts";
import type { ConflictShape, FieldShape, Show } from "../sdk/index.ts";
import { isTyping } from "./App.tsx";
import { type Side, sides, useWords } from "./ConflictChoices.tsx";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { useFields } from "./useFields.ts";

const COLUMNS_MAX = 4;

/** The table whose field a question is about. */
const tableOf = (conflict: ConflictShape): string => conflict.field.split(".").slice(0, -1).join(".");

/** Where a question can be seen: the table of its field, else one of its record's tables. */
const placeOf = async (show: Show, conflict: ConflictShape): Promise<string> => {
  const table = tableOf(conflict);
  if (table !== "") return table;
  const record = await show.call("record.get", { record: conflict.record });
  return record.ok ? (record.value.tables[0] ?? "") : "";
};

export const DecidePage = ({ chosen = null }: { readonly chosen?: string | null }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const [, go] = useLocation();
  const { value: open } = useAsked(() => show.call("conflict.list", {}), "open", overview);
  const fields = useFields(
    [...new Set((open?.conflicts ?? []).map(tableOf))].filter((table) => table !== ""),
  );
  const conflicts = open?.conflicts ?? [];
  const index = Math.max(
    0,
    conflicts.findIndex((one) => one.id === chosen),
  );
  const current = conflicts[index];
  const [isTypingOther, setIsTypingOther] = useState(false);

  const look = (by: number): void => {
    const next = conflicts[Math.max(0, Math.min(conflicts.length - 1, index + by))];
    if (next !== undefined) go(`/decide/${encodeURIComponent(next.id)}`, { replace: true });
    setIsTypingOther(false);
  };
  const settle = async (
    conflict: ConflictShape,
    how: { readonly choose: string } | { readonly value: string | null },
  ): Promise<void> => {
    const after = conflicts[index + 1] ?? conflicts[index - 1];
    const answer = await show.call("conflict.resolve", { conflict: conflict.id, ...how });
    setIsTypingOther(false);
    if (!answer.ok) {
      say(answer.error);
      return;
    }
    say("Decided. It can be changed again.");
    go(after === undefined ? "/decide" : `/decide/${encodeURIComponent(after.id)}`, { replace: true });
  };
  const see = async (conflict: ConflictShape): Promise<void> =>
    go(`/table/${await placeOf(show, conflict)}?record=${conflict.record}`);

  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || current === undefined)
        return;
      const side = /^[1-9]$/.test(event.key) ? sides(current)[Number(event.key) - 1] : undefined;
      if (side !== undefined) void settle(current, { choose: side.op });
      else if (event.key === "j" || event.key === "ArrowDown") look(1);
      else if (event.key === "k" || event.key === "ArrowUp") look(-1);
      else if (event.key === "s") look(1);
      else if (event.key === "o") void see(current);
      else if (event.key === "e") setIsTypingOther(true);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  });

  return (
    <main className="main decide">
      <TopBar title="To decide">
        <span className="muted">{open === null ? "" : `${conflicts.length} open`}</span>
      </TopBar>
      <section className="list" data-region="list" aria-label="Open questions">
        {conflicts.map((conflict, place) => (
          <Item
            key={conflict.id}
            conflict={conflict}
            field={fields.find((field) => field.key === conflict.field)}
            isCurrent={place === index}
            choose={() => go(`/decide/${encodeURIComponent(conflict.id)}`, { replace: true })}
          />
        ))}
      </section>
      <section className="work" data-region="work" aria-label="Compare values">
        {current === undefined && open !== null && (
          <div className="empty">
            <p>Nothing to decide. When people apart set the same thing differently, it appears here.</p>
          </div>
        )}
        {current !== undefined && (
          <Compare
            conflict={current}
            field={fields.find((field) => field.key === current.field)}
            isTypingOther={isTypingOther}
            typeOther={setIsTypingOther}
            settle={(how) => void settle(current, how)}
            see={() => void see(current)}
            leave={() => look(1)}
          />
        )}
      </section>
      <StatusBar
        keys={[
          ["J K", "next, previous"],
          ["1 to 9", "take a value"],
        ]}
      >
        <span>Every choice is kept with your name and can be changed again</span>
      </StatusBar>
    </main>
  );
};

interface ItemProps {
  readonly conflict: ConflictShape;
  readonly field: FieldShape | undefined;
  readonly isCurrent: boolean;
  readonly choose: () => void;
}

const Item = ({ conflict, field, isCurrent, choose }: ItemProps) => {
  const { show } = useShow();
  const words = useWords();
  const all = sides(conflict);
  return (
    <button type="button" className="it" aria-current={isCurrent ? "true" : undefined} onClick={choose}>
      <span className="d" aria-hidden="true" />
      <b>{show.titles.of(conflict.record)}</b>
      <span className="it-n">
        {conflict.kind === "delete" ? "deleted / changed" : counted(all.length, "value")}
      </span>
      <span className="vals">
        {conflict.kind === "delete" ? "" : `${field?.title ?? conflict.field.split(".").at(-1)}: `}
        {all.map((side, place) => (
          <span key={side.op}>
            {place > 0 && " or "}
            <i>{words(side, field)}</i>
          </span>
        ))}
      </span>
    </button>
  );
};

interface CompareProps {
  readonly conflict: ConflictShape;
  readonly field: FieldShape | undefined;
  readonly isTypingOther: boolean;
  readonly typeOther: (is: boolean) => void;
  readonly settle: (how: { readonly choose: string } | { readonly value: string | null }) => void;
  readonly see: () => void;
  readonly leave: () => void;
}

const Compare = ({ conflict, field, isTypingOther, typeOther, settle, see, leave }: CompareProps) => {
  const all = sides(conflict);
  const words = useWords();
  const current = all.find((side) => side.isShown);
  return (
    <>
      <div className="say">
        <h2>{conflict.text}</h2>
        {current !== undefined && !current.isLife && (
          <p>Until someone chooses, tables and paperwork show {words(current, field)} with a mark.</p>
        )}
      </div>
      <fieldset className={all.length <= COLUMNS_MAX ? "cmp" : "cmp is-rows"} aria-label="Values">
        {all.map((side, index) => (
          <SideCard
            key={side.op}
            side={side}
            field={field}
            number={index + 1}
            take={() => settle({ choose: side.op })}
          />
        ))}
      </fieldset>
      {isTypingOther && (
        <Other
          settle={(text) => settle({ value: text === "" ? null : text })}
          cancel={() => typeOther(false)}
        />
      )}
      <div className="acts">
        <button type="button" className="btn" onClick={() => typeOther(true)}>
          <Pencil className="i" aria-hidden="true" />
          Another value <kbd>E</kbd>
        </button>
        <button type="button" className="btn" onClick={see}>
          <Table2 className="i" aria-hidden="true" />
          See it in its table <kbd>O</kbd>
        </button>
        <span className="sp" />
        <button type="button" className="btn line" onClick={leave}>
          Leave open <kbd>S</kbd>
        </button>
      </div>
    </>
  );
};

interface SideProps {
  readonly side: Side;
  readonly field: FieldShape | undefined;
  readonly number: number;
  readonly take: () => void;
}

const SideCard = ({ side, field, number, take }: SideProps) => {
  const words = useWords();
  const now = new Date();
  const value = words(side, field);
  return (
    <div className="side">
      {side.setters.map((one) => (
        <div key={one.op} className="who">
          <span className="av" aria-hidden="true">
            {initials(one.actor_name)}
          </span>
          <div>
            <b>{one.actor_name}</b>
            <small>
              {one.decision ? "decided " : ""}
              {moment(one.at, now)}
            </small>
          </div>
        </div>
      ))}
      <div className={value.length > 24 ? "val is-long num" : "val num"}>{value}</div>
      <div className="side-note">{side.isShown && <span className="shown">shown now</span>}</div>
      <button type="button" className="btn line take" onClick={take} aria-label={`Take ${value}`}>
        Take {value.length > 24 ? "this" : value} {number <= 9 && <kbd>{number}</kbd>}
      </button>
    </div>
  );
};

const Other = ({
  settle,
  cancel,
}: {
  readonly settle: (text: string) => void;
  readonly cancel: () => void;
}) => {
  const [text, setText] = useState("");
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <form
      className="other"
      onSubmit={(event) => {
        event.preventDefault();
        settle(text);
      }}
    >
      <label>
        Another value
        <input
          ref={box}
          type="text"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && cancel()}
        />
      </label>
      <button type="submit" className="btn line">
        Set it
      </button>
    </form>
  );
};
