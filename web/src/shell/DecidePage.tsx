import { Pencil, Table2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { counted, initials, moment } from "../lib/format.ts";
import { Choice } from "../parts/Choice.tsx";
import type { ConflictShape, FieldShape, Show } from "../sdk/index.ts";
import { isTyping } from "./App.tsx";
import { type Side, sides, useWords } from "./ConflictChoices.tsx";
import { Decided } from "./Decided.tsx";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { SettleMany } from "./Settling.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { texts } from "./texts.ts";
import { useFields } from "./useFields.ts";
import { Waiting } from "./Waiting.tsx";

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

const TABS = ["open", "decided", "waiting"] as const;
const GROUPINGS = ["none", "table", "record", "bundle"] as const;

type Grouping = (typeof GROUPINGS)[number];

interface Group {
  readonly key: string;
  readonly title: string;
  readonly conflicts: readonly ConflictShape[];
}

/** Returns the questions under headings: by table, by record, or by the newest thing written among the values. */
const grouped = (
  conflicts: readonly ConflictShape[],
  grouping: Grouping,
  title: { readonly table: (name: string) => string; readonly record: (id: string) => string },
): readonly Group[] => {
  if (grouping === "none") return [{ key: "", title: "", conflicts }];
  const found = new Map<string, { readonly title: string; readonly conflicts: ConflictShape[] }>();
  for (const one of conflicts) {
    const last = [...one.values].sort((a, b) => a.at.localeCompare(b.at)).at(-1);
    const [key, words] =
      grouping === "table"
        ? [tableOf(one), title.table(tableOf(one))]
        : grouping === "record"
          ? [one.record, title.record(one.record)]
          : [
              last?.op.split(":")[0] ?? "",
              last === undefined ? "" : texts.decide.bundleOf(last.actor_name, moment(last.at, new Date())),
            ];
    const group = found.get(key) ?? { title: words || texts.home.elsewhere, conflicts: [] };
    group.conflicts.push(one);
    found.set(key, group);
  }
  return [...found].map(([key, group]) => ({ key, ...group }));
};

export const DecidePage = ({ chosen = null }: { readonly chosen?: string | null }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const [, go] = useLocation();
  const { value: open } = useAsked(() => show.call("conflict.list", {}), "open", overview);
  const fields = useFields(
    [...new Set((open?.conflicts ?? []).map(tableOf))].filter((table) => table !== ""),
  );
  const [params, setParams] = useSearchParams();
  const tab = TABS.find((one) => one === params.get("tab")) ?? "open";
  const [grouping, setGrouping] = useState<Grouping>("none");
  const tables = overview?.tables ?? [];
  const groups = grouped(open?.conflicts ?? [], grouping, {
    table: (name) => tables.find((one) => one.name === name)?.title ?? name,
    record: show.titles.of,
  });
  // In the order in which they are listed: the next one is the one below.
  const conflicts = groups.flatMap((group) => group.conflicts);
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
      if (
        tab !== "open" ||
        isTyping(event.target) ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        current === undefined
      )
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
      <TopBar title={texts.rail.decide} />
      <section className="list" data-region="list" aria-label={texts.rail.decide}>
        <div className="list-tools">
          <div className="pick" role="toolbar" aria-label={texts.decide.tabs}>
            {TABS.map((one) => (
              <button
                key={one}
                type="button"
                className="pick-one"
                data-active={one === tab ? "" : undefined}
                aria-pressed={one === tab}
                onClick={() => setParams(one === "open" ? {} : { tab: one })}
              >
                {one === "open"
                  ? texts.decide.openTab(open?.conflicts.length ?? 0)
                  : one === "decided"
                    ? texts.decide.decidedTab
                    : texts.decide.waitingTab(open?.notices.length ?? 0)}
              </button>
            ))}
          </div>
          {tab === "open" && conflicts.length > 1 && (
            <div className="list-verbs">
              <Choice
                isOn={grouping !== "none"}
                label={grouping === "none" ? texts.decide.group : texts.decide.groups[grouping]}
                value={grouping}
                options={GROUPINGS.map((value) => ({ value, label: texts.decide.groups[value] }))}
                choose={(value) => setGrouping(GROUPINGS.find((one) => one === value) ?? "none")}
              />
              <SettleMany conflicts={conflicts} />
            </div>
          )}
        </div>
        {tab === "open" &&
          groups.map((group) => (
            <section key={group.key} aria-label={group.title || texts.rail.decide}>
              {group.title !== "" && (
                <header className="list-group">
                  <h3>{group.title}</h3>
                  <SettleMany conflicts={group.conflicts} />
                </header>
              )}
              {group.conflicts.map((conflict) => (
                <Item
                  key={conflict.id}
                  conflict={conflict}
                  field={fields.find((field) => field.key === conflict.field)}
                  isCurrent={conflict === current}
                  choose={() => go(`/decide/${encodeURIComponent(conflict.id)}`, { replace: true })}
                />
              ))}
            </section>
          ))}
      </section>
      {tab === "decided" && <Decided />}
      {tab === "waiting" && <Waiting />}
      {tab === "open" && (
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
      )}
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
      <button
        type="button"
        className="btn line take"
        onClick={take}
        aria-label={value.length > 24 ? `Take this ${number}: ${value}` : undefined}
      >
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
