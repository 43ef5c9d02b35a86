import { ArrowLeftRight, Layers, Pencil, Plus, Trash2, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { moment } from "../lib/format.ts";
import type { ChangeShape, DriftShape, OverlayShape, Standing } from "../sdk/index.ts";
import { isTyping } from "./App.tsx";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import { Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { useStaging } from "./StagingBar.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { texts } from "./texts.ts";
import { useFieldTitles, useValueWords } from "./values.ts";

const CHANGES_SHOWN = 500;

/** The staged sets of this device, and what the one this window is in would change. */
export const StagingPage = () => {
  const { show } = useShow();
  const overview = useOverview();
  const standing = useStore(show.standing);
  const { value: sets } = useAsked(() => show.call("staging.list", {}), "sets", overview);
  const keys = texts.staging.keys;
  return (
    <main className="main decide">
      <TopBar title={texts.staging.title}>
        <span className="muted">{texts.staging.about}</span>
      </TopBar>
      <section className="list" data-region="list" aria-label={texts.staging.label}>
        <Start />
        {(sets ?? []).map((one) => (
          <SetItem key={one.name} set={one} standing={standing} />
        ))}
      </section>
      <section className="work" data-region="work" aria-label={texts.staging.changes}>
        {standing.kind === "staging" ? (
          <Active key={standing.name} standing={standing} />
        ) : (
          <Nothing title={texts.staging.noneActive}>{texts.staging.noneActiveNote}</Nothing>
        )}
      </section>
      <StatusBar
        keys={[
          ["J K", keys.move],
          ["X", keys.out],
          ["M T", `${keys.mine}, ${keys.theirs}`],
          ["Ctrl Enter", keys.commit],
        ]}
      >
        {null}
      </StatusBar>
    </main>
  );
};

const clock = (): string => new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

const Start = () => {
  const { show, say } = useShow();
  const [params, setParams] = useSearchParams();
  const [name, setName] = useState(() => texts.staging.suggestion(clock()));
  const box = useRef<HTMLInputElement>(null);
  const isAsked = params.get("new") === "1";
  useEffect(() => {
    if (!isAsked) return;
    box.current?.focus();
    box.current?.select();
  }, [isAsked]);
  const start = async (): Promise<void> => {
    const answer = await show.standing.stage(name.trim());
    if (!answer.ok) {
      say(answer.error);
      return;
    }
    setName(texts.staging.suggestion(clock()));
    setParams({}, { replace: true });
  };
  return (
    <form
      className="start"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <label>
        {texts.staging.startName}
        <input ref={box} type="text" value={name} onChange={(event) => setName(event.target.value)} />
      </label>
      <button type="submit" className="btn line" disabled={name.trim() === ""}>
        <Plus className="i" aria-hidden="true" />
        {texts.staging.startAction}
      </button>
    </form>
  );
};

const SetItem = ({ set, standing }: { readonly set: OverlayShape; readonly standing: Standing }) => {
  const { show, say } = useShow();
  const { discard } = useStaging();
  const isHere = standing.kind === "staging" && standing.name === set.name;
  const enter = async (): Promise<void> => {
    const answer = await show.standing.use(set.name);
    if (!answer.ok) say(answer.error);
  };
  return (
    <div className="it-row">
      <button
        type="button"
        className="it is-plain"
        aria-current={isHere ? "true" : undefined}
        onClick={() => void enter()}
      >
        <Layers className="i is-staged" aria-hidden="true" />
        <b>{set.name}</b>
        <span className="it-n">{isHere ? texts.staging.here : ""}</span>
        <span className="vals">
          {texts.home.records(set.records)}, {texts.staging.made(moment(set.made, new Date()))}
          {set.source !== "" && `, ${texts.staging.from(set.source)}`}
        </span>
      </button>
      <button
        type="button"
        className="btn icon"
        aria-label={`${texts.staging.discard} ${set.name}`}
        title={texts.staging.discard}
        onClick={() => void discard(set.name)}
      >
        <Trash2 className="i" aria-hidden="true" />
      </button>
    </div>
  );
};

/** One line that can be gone to: something that changed underneath, or something staged. */
type Item =
  | { readonly kind: "drift"; readonly drift: DriftShape }
  | { readonly kind: "change"; readonly change: ChangeShape };

const Active = ({ standing }: { readonly standing: Standing }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const { commit, discard, stash } = useStaging();
  const [tries, setTries] = useState(0);
  const { value: review, fault } = useAsked(
    () => show.call("staging.review", { limit: CHANGES_SHOWN }),
    `${standing.name} ${tries}`,
    overview,
  );
  const [at, setAt] = useState(0);
  const [label, setLabel] = useState("");
  const work = useRef<HTMLDivElement>(null);
  const { name, drift: waiting } = standing;
  const drifts = review?.drift ?? [];
  const changes = review?.changes ?? [];
  const items: readonly Item[] = [
    ...drifts.map((drift) => ({ kind: "drift", drift }) as const),
    ...changes.map((change) => ({ kind: "change", change }) as const),
  ];
  const place = Math.min(at, Math.max(0, items.length - 1));
  const current = items[place];

  const leaveOut = async (record: string, field: string | null, title: string): Promise<void> => {
    const answer = await show.call("staging.leave_out", { slots: [{ record, field }] });
    say(
      answer.ok
        ? { message: texts.staging.leftOut(title), undo: () => void show.call("undo", {}) }
        : answer.error,
    );
  };
  const choose = async (drift: DriftShape, whose: "keep" | "theirs"): Promise<void> => {
    const slots = [{ record: drift.record, field: drift.field }];
    const answer = await show.call(`staging.${whose}`, { slots });
    if (!answer.ok) say(answer.error);
  };
  const go = (to: number): void => {
    const next = Math.max(0, Math.min(items.length - 1, to));
    setAt(next);
    work.current?.querySelectorAll<HTMLElement>("[data-item]")[next]?.scrollIntoView({ block: "nearest" });
  };

  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && waiting === 0 && items.length > 0) {
        event.preventDefault();
        void commit(name, label);
        return;
      }
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "j" || event.key === "ArrowDown") go(place + 1);
      else if (event.key === "k" || event.key === "ArrowUp") go(place - 1);
      else if (event.key === "x" && current?.kind === "change")
        void leaveOut(current.change.record, current.change.field, current.change.text);
      else if (event.key === "m" && current?.kind === "drift") void choose(current.drift, "keep");
      else if (event.key === "t" && current?.kind === "drift") void choose(current.drift, "theirs");
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  });

  return (
    <>
      <div className="say">
        <Name name={name} />
        <p>{review === null ? "" : `${texts.staging.staged(standing.records)} ${texts.staging.barNobody}`}</p>
      </div>
      <div ref={work} className="staged-body">
        {fault !== null && <Trouble fault={fault} retry={() => setTries(tries + 1)} />}
        {review === null && fault === null && <Skeleton lines={7} />}
        {drifts.length > 0 && (
          <section aria-label={texts.staging.underneath} className="drifts">
            <h3>
              <ArrowLeftRight className="i is-staged" aria-hidden="true" />
              {texts.staging.underneath}
            </h3>
            <p className="muted">{texts.staging.underneathNote}</p>
            <ul>
              {drifts.map((drift, index) => (
                <Drift
                  key={`${drift.record} ${drift.field}`}
                  drift={drift}
                  isCurrent={place === index}
                  choose={(whose) => void choose(drift, whose)}
                />
              ))}
            </ul>
          </section>
        )}
        {review !== null && items.length === 0 && (
          <Nothing title={texts.staging.empty}>{texts.staging.emptyNote}</Nothing>
        )}
        {changes.length > 0 && (
          <Changes
            changes={changes}
            count={review?.count ?? 0}
            current={place - drifts.length}
            leaveOut={(record, field, title) => void leaveOut(record, field, title)}
          />
        )}
      </div>
      <div className="acts">
        <button type="button" className="btn danger" onClick={() => void discard(name)}>
          {texts.staging.discard}
        </button>
        <button type="button" className="btn" onClick={() => void stash(name)}>
          {texts.staging.stash}
        </button>
        <span className="sp" />
        <input
          className="label-box"
          type="text"
          value={label}
          placeholder={name}
          aria-label={texts.staging.labelBox}
          title={texts.staging.labelBox}
          onChange={(event) => setLabel(event.target.value)}
        />
        <button
          type="button"
          className="btn staged"
          disabled={waiting > 0 || items.length === 0}
          onClick={() => void commit(name, label)}
        >
          {waiting > 0
            ? texts.staging.commitAfter(waiting)
            : `${texts.staging.commit} ${review?.count ?? ""}`}
          <kbd>Ctrl Enter</kbd>
        </button>
      </div>
    </>
  );
};

const Name = ({ name }: { readonly name: string }) => {
  const { show, say } = useShow();
  const [typed, setTyped] = useState<string | null>(null);
  const save = async (): Promise<void> => {
    if (typed === null || typed.trim() === name) {
      setTyped(null);
      return;
    }
    const answer = await show.standing.rename(typed.trim());
    if (answer.ok) setTyped(null);
    else say(answer.error);
  };
  if (typed === null)
    return (
      <h2 className="set-name">
        {name}
        <button
          type="button"
          className="btn icon"
          aria-label={texts.staging.rename}
          onClick={() => setTyped(name)}
        >
          <Pencil className="i" aria-hidden="true" />
        </button>
      </h2>
    );
  return (
    <form
      className="other"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <label>
        {texts.staging.name}
        <input
          type="text"
          // biome-ignore lint/a11y/noAutofocus: it stands where the button was that was just pressed
          autoFocus
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setTyped(null)}
        />
      </label>
      <button type="submit" className="btn line">
        {texts.staging.saveName}
      </button>
    </form>
  );
};

interface DriftProps {
  readonly drift: DriftShape;
  readonly isCurrent: boolean;
  readonly choose: (whose: "keep" | "theirs") => void;
}

const Drift = ({ drift, isCurrent, choose }: DriftProps) => (
  <li className="drift" data-item aria-current={isCurrent ? "true" : undefined}>
    <div>
      {drift.text}
      <small>{moment(drift.at, new Date())}</small>
    </div>
    <button type="button" className="btn line" onClick={() => choose("keep")}>
      {texts.staging.keep} {isCurrent && <kbd>M</kbd>}
    </button>
    <button type="button" className="btn line" onClick={() => choose("theirs")}>
      {texts.staging.theirs} {isCurrent && <kbd>T</kbd>}
    </button>
  </li>
);

interface ChangesProps {
  readonly changes: readonly ChangeShape[];
  readonly count: number;
  readonly current: number;
  readonly leaveOut: (record: string, field: string | null, title: string) => void;
}

const Changes = ({ changes, count, current, leaveOut }: ChangesProps) => {
  const { labelOf, fieldOf } = useFieldTitles(changes.map((one) => one.field));
  const words = useValueWords();
  return (
    <section aria-label={texts.staging.changes}>
      <h3 className="staged-head">
        {texts.staging.changes}
        {count > changes.length && (
          <span className="muted">{texts.staging.shownOf(changes.length, count)}</span>
        )}
      </h3>
      <ul className="staged-list">
        {changes.map((change, index) => {
          const isFirst = changes[index - 1]?.record !== change.record;
          const isValue = change.kind === "set";
          return (
            <li
              key={`${change.record} ${change.field}`}
              className={isFirst ? "staged-line is-first" : "staged-line"}
              data-item
              aria-current={index === current ? "true" : undefined}
            >
              <b>{isFirst ? change.title : ""}</b>
              {isValue ? (
                <>
                  <span className="muted">{labelOf(change.field)}</span>
                  <span className="num">
                    {change.old !== null && <s>{words(change.old, fieldOf(change.field))}</s>}{" "}
                    <ins>{words(change.new, fieldOf(change.field)) || texts.staging.empty_value}</ins>
                  </span>
                </>
              ) : (
                <span className="staged-words">{change.text}</span>
              )}
              <button
                type="button"
                className="btn icon"
                title={texts.staging.leaveOut}
                aria-label={`${texts.staging.leaveOut}: ${change.text}`}
                onClick={() => leaveOut(change.record, change.field, change.text)}
              >
                {index === current ? <kbd>X</kbd> : <X className="i" aria-hidden="true" />}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
};
