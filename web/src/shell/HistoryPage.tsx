import { Eye, Flag, GitCompareArrows, Undo2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { dayOf } from "../lib/format.ts";
import type { Entry } from "../lib/since.ts";
import { Choice } from "../parts/Choice.tsx";
import type { LogEntry, SinceShape } from "../sdk/index.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { momentWords } from "./moments.ts";
import { Card, EntryLine, Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { texts } from "./texts.ts";

const PAGE = 50;
const WORDS_MS = 200;
const LINES_SHOWN = 500;

/** Everything that was done, by whom and when; the show as of any moment; what changed since, and bringing it back. */
export const HistoryPage = () => {
  const [params, setParams] = useSearchParams();
  const since = params.get("since");
  return (
    <main className="main page">
      <TopBar title={texts.past.title} />
      <div className="page-body home">
        {since === null ? <Timeline /> : <Comparison since={since} back={() => setParams({})} />}
        <div className="home-side">
          <Machine compare={(moment) => setParams({ since: moment })} />
        </div>
      </div>
      <StatusBar keys={[["Ctrl K", "find or do"]]}>{null}</StatusBar>
    </main>
  );
};

/** What narrows the timeline down lives in the address. */
const useFilters = () => {
  const [params, setParams] = useSearchParams();
  const set = (name: string, value: string): void =>
    setParams(
      (before) => {
        const made = new URLSearchParams(before);
        value === "" ? made.delete(name) : made.set(name, value);
        return made;
      },
      { replace: true },
    );
  return {
    actor: params.get("by") ?? "",
    table: params.get("table") ?? "",
    words: params.get("words") ?? "",
    set,
  };
};

const Timeline = () => {
  const { show } = useShow();
  const overview = useOverview();
  const { actor, table, words, set } = useFilters();
  const [typed, setTyped] = useState(words);
  const [older, setOlder] = useState<readonly LogEntry[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [people, setPeople] = useState<ReadonlyMap<string, string>>(new Map());
  const filter = `${actor} ${table} ${words}`;
  const { value: page, fault } = useAsked(
    () => show.call("history.page", { limit: PAGE, actor, table, words }),
    filter,
    overview,
  );
  useEffect(() => {
    const timer = setTimeout(() => typed !== words && set("words", typed), WORDS_MS);
    return () => clearTimeout(timer);
  });
  useEffect(() => {
    if (page === null) return;
    setOlder([]);
    setNext(page.next);
    setPeople(
      (known) => new Map([...known, ...page.entries.map((one) => [one.actor, one.actor_name] as const)]),
    );
  }, [page]);
  const more = async (): Promise<void> => {
    const answer = await show.call("history.page", { limit: PAGE, before: next, actor, table, words });
    if (!answer.ok) return;
    setOlder([...older, ...answer.value.entries]);
    setNext(answer.value.next);
  };
  const entries = page === null ? [] : [...page.entries, ...older];
  const tables = overview?.tables ?? [];
  return (
    <Card title={texts.past.timeline}>
      <div className="filters" role="toolbar" aria-label={texts.past.timeline}>
        <Choice
          isOn={actor !== ""}
          label={people.get(actor) ?? texts.past.everybody}
          value={actor}
          options={[
            { value: "", label: texts.past.everybody },
            ...[...people].map(([value, label]) => ({ value, label })),
          ]}
          choose={(value) => set("by", value)}
        />
        <Choice
          isOn={table !== ""}
          label={tables.find((one) => one.name === table)?.title ?? texts.past.allTables}
          value={table}
          options={[
            { value: "", label: texts.past.allTables },
            ...tables.map((one) => ({ value: one.name, label: one.title })),
          ]}
          choose={(value) => set("table", value)}
        />
        <input
          data-find
          className="bar-input"
          type="text"
          value={typed}
          placeholder={texts.past.words}
          aria-label={texts.past.words}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      {fault !== null && <Trouble fault={fault} />}
      {page === null && fault === null && <Skeleton lines={9} />}
      {page !== null && entries.length === 0 && (
        <Nothing title={filter.trim() === "" ? texts.past.first : texts.past.none}>
          {filter.trim() === "" ? texts.past.firstNote : texts.past.noneNote}
        </Nothing>
      )}
      <Days entries={entries} />
      {next !== null && (
        <button type="button" className="btn line" onClick={() => void more()}>
          {texts.past.older}
        </button>
      )}
    </Card>
  );
};

/** Entries say when they were made to the second; looking back is to include them. */
const endOfSecond = (at: string): string => at.replace(/(:\d\d)Z$/, "$1.999Z");

const Days = ({ entries }: { readonly entries: readonly LogEntry[] }) => {
  const see = useSee();
  const now = new Date();
  const days: { readonly day: string; readonly entries: LogEntry[] }[] = [];
  for (const entry of entries) {
    const day = dayOf(entry.at, now);
    const last = days.at(-1);
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days.map((one) => (
    <section key={`${one.day} ${one.entries[0]?.bundle}`} className="day" aria-label={one.day}>
      <h3>{one.day}</h3>
      <ul>
        {one.entries.map((entry: LogEntry & Entry) => (
          <EntryLine
            key={entry.bundle}
            entry={entry}
            now={now}
            who
            action={
              <button
                type="button"
                className="btn icon"
                title={texts.past.seeHere}
                aria-label={`${texts.past.seeHere}: ${entry.label}`}
                onClick={() => void see(endOfSecond(entry.at))}
              >
                <Eye className="i" aria-hidden="true" />
              </button>
            }
          />
        ))}
      </ul>
    </section>
  ));
};

/** Returns what lets this window look at a moment, and says why not. */
const useSee = () => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  return async (moment: string): Promise<void> => {
    const answer = await show.standing.see(moment);
    if (answer.ok) go("/");
    else say(answer.error);
  };
};

const Machine = ({ compare }: { readonly compare: (moment: string) => void }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const see = useSee();
  const [moment, setMoment] = useState("");
  const [name, setName] = useState("");
  const { value: named } = useAsked(() => show.call("past.milestones", {}), "named", overview);
  const chosen = moment.trim();
  const keep = async (): Promise<void> => {
    const answer = await show.call("past.milestone", { name: name.trim() });
    say(answer.ok ? texts.past.nameDone(name.trim()) : answer.error);
    if (answer.ok) setName("");
  };
  return (
    <>
      <Card title={texts.past.machine}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (chosen !== "") void see(chosen);
          }}
        >
          <label>
            {texts.past.moment}
            <input
              className="bar-input"
              type="text"
              value={moment}
              placeholder={texts.past.momentHint}
              onChange={(event) => setMoment(event.target.value)}
            />
          </label>
          <div className="stack-acts">
            <button type="submit" className="btn line" disabled={chosen === ""}>
              <Eye className="i" aria-hidden="true" />
              {texts.past.see}
            </button>
            <button
              type="button"
              className="btn line"
              disabled={chosen === ""}
              onClick={() => compare(chosen)}
            >
              <GitCompareArrows className="i" aria-hidden="true" />
              {texts.past.since}
            </button>
          </div>
        </form>
      </Card>
      <Card title={texts.past.named}>
        {named?.length === 0 && <p className="muted">{texts.past.noneNamed}</p>}
        <ul className="named">
          {(named ?? []).map((one) => (
            <li key={one.name}>
              <div>
                <b>{one.name}</b>
                <small>
                  {momentWords(one.at)}, {one.actor_name}
                </small>
              </div>
              <button
                type="button"
                className="btn line"
                aria-label={`${texts.past.see}: ${one.name}`}
                onClick={() => void see(one.name)}
              >
                {texts.past.seeShort}
              </button>
              <button
                type="button"
                className="btn line"
                aria-label={`${texts.past.since}: ${one.name}`}
                onClick={() => compare(one.name)}
              >
                {texts.past.sinceShort}
              </button>
            </li>
          ))}
        </ul>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void keep();
          }}
        >
          <label>
            {texts.past.nameBox}
            <input
              className="bar-input"
              type="text"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <div className="stack-acts">
            <button type="submit" className="btn line" disabled={name.trim() === ""}>
              <Flag className="i" aria-hidden="true" />
              {texts.past.name}
            </button>
          </div>
        </form>
      </Card>
    </>
  );
};

const Comparison = ({ since, back }: { readonly since: string; readonly back: () => void }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const { value: compared, fault } = useAsked(
    () => show.call("past.compare", { since, limit: LINES_SHOWN }),
    since,
    overview,
  );
  const lines = compared?.lines ?? [];
  const titleOf = (table: string): string =>
    overview?.tables.find((one) => one.name === table)?.title ?? (table || texts.home.elsewhere);
  const tables = [...new Set(lines.map((one) => one.table))];
  const bring = async (line: SinceShape): Promise<void> => {
    const answer = await show.standing.bringBack(since, line.record, [line.field]);
    say(answer.ok ? texts.past.bringing(momentWords(since)) : answer.error);
  };
  return (
    <Card
      title={texts.past.compared(momentWords(since))}
      note={compared === null ? "" : texts.past.comparedCount(compared.count)}
      action={
        <button type="button" className="btn line" onClick={back}>
          {texts.past.back}
        </button>
      }
    >
      {fault !== null && <Trouble fault={fault} />}
      {compared === null && fault === null && <Skeleton lines={8} />}
      {compared !== null && lines.length === 0 && <Nothing title={texts.past.same} />}
      {tables.map((table) => (
        <section key={table} className="day" aria-label={titleOf(table)}>
          <h3>{titleOf(table)}</h3>
          <ul>
            {lines
              .filter((one) => one.table === table)
              .map((line) => (
                <li key={`${line.record} ${line.field}`} className="compared">
                  <span>{line.text}</span>
                  <small>
                    {line.actor_name}, {momentWords(line.at)}
                  </small>
                  {line.kind === "set" ? (
                    <button
                      type="button"
                      className="btn line"
                      aria-label={`${texts.past.bring}: ${line.text}`}
                      onClick={() => void bring(line)}
                    >
                      <Undo2 className="i" aria-hidden="true" />
                      {texts.past.bring}
                    </button>
                  ) : (
                    <span />
                  )}
                </li>
              ))}
          </ul>
        </section>
      ))}
    </Card>
  );
};
