import { ShieldCheck, UserPlus } from "lucide-react";
import { useState } from "react";
import { moment } from "../lib/format.ts";
import type { Fault } from "../lib/result.ts";
import type { Soundness } from "../sdk/index.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { Avatar, Card, Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { texts } from "./texts.ts";

const LATELY = 200;

/** Who has this production, who may still come in, and whether everything is sound. */
export const PeoplePage = () => (
  <main className="main page">
    <TopBar title={texts.people.title} />
    <div className="page-body home">
      <Invitations />
      <div className="home-side">
        <Writers />
        <Health />
      </div>
    </div>
    <StatusBar keys={[["Ctrl K", "find or do"]]}>{null}</StatusBar>
  </main>
);

const Writers = () => {
  const { show } = useShow();
  const overview = useOverview();
  const { value: page, fault } = useAsked(
    () => show.call("history.page", { limit: LATELY }),
    "writers",
    overview,
  );
  const last = new Map<string, { readonly name: string; readonly at: string }>();
  for (const one of page?.entries ?? [])
    if (!last.has(one.actor)) last.set(one.actor, { name: one.actor_name, at: one.at });
  return (
    <Card title={texts.people.wrote}>
      {fault !== null && <Trouble fault={fault} />}
      {page === null && fault === null && <Skeleton lines={3} />}
      <ul className="named">
        {[...last].map(([actor, one]) => (
          <li key={actor}>
            <div className="who">
              <Avatar name={one.name} />
              <div>
                <b>{one.name}</b>
                <small>{moment(one.at, new Date())}</small>
              </div>
            </div>
            {actor === overview?.status.actor && <span className="muted">{texts.people.you}</span>}
          </li>
        ))}
      </ul>
      <p className="muted">{overview === null ? "" : texts.people.devices(overview.status.logs)}</p>
    </Card>
  );
};

const Invitations = () => {
  const { show, say } = useShow();
  const overview = useOverview();
  const [label, setLabel] = useState("");
  const [line, setLine] = useState<string | null>(null);
  const { value: open, fault } = useAsked(() => show.call("invitation.list", {}), "invitations", overview);
  const invite = async (): Promise<void> => {
    const answer = await show.call("invitation.open", { label: label.trim(), uses: 1 });
    if (!answer.ok) {
      say(answer.error);
      return;
    }
    setLine(answer.value.text);
    setLabel("");
  };
  const revoke = async (key: string): Promise<void> => {
    const answer = await show.call("invitation.revoke", { key });
    say(answer.ok ? texts.people.closed : answer.error);
  };
  return (
    <Card title={texts.people.invitations}>
      <p className="is-warning">{texts.people.about}</p>
      {fault !== null && <Trouble fault={fault} />}
      {open === null && fault === null && <Skeleton lines={3} />}
      {open?.length === 0 && <Nothing title={texts.people.noneOpen} />}
      <ul className="named">
        {(open ?? []).map((one) => (
          <li key={one.key}>
            <div>
              <b>{one.label || texts.people.anybody}</b>
              <small>
                {texts.people.used(one.used, one.uses)}
                {one.expires !== "" && `, ${texts.people.until(moment(one.expires, new Date()))}`}
                {!one.is_good && `, ${texts.people.over}`}
              </small>
            </div>
            <button
              type="button"
              className="btn line"
              aria-label={texts.people.closeOf(one.label || texts.people.anybody)}
              onClick={() => void revoke(one.key)}
            >
              {texts.people.close}
            </button>
          </li>
        ))}
      </ul>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void invite();
        }}
      >
        <label>
          {texts.people.whom}
          <input
            className="bar-input"
            type="text"
            value={label}
            onChange={(event) => setLabel(event.target.value)}
          />
        </label>
        <div className="stack-acts">
          <button type="submit" className="btn line" disabled={label.trim() === ""}>
            <UserPlus className="i" aria-hidden="true" />
            {texts.people.invite}
          </button>
        </div>
      </form>
      {line !== null && (
        <div className="stack line-once">
          <label>
            {texts.people.line}
            <textarea className="bar-input" readOnly value={line} rows={3} />
          </label>
          <p className="muted">{texts.people.lineNote}</p>
          <div className="stack-acts">
            <button
              type="button"
              className="btn line"
              onClick={() => void navigator.clipboard.writeText(line).then(() => say(texts.people.copied))}
            >
              {texts.people.copy}
            </button>
          </div>
        </div>
      )}
    </Card>
  );
};

const Health = () => {
  const { show } = useShow();
  const [isBusy, setIsBusy] = useState(false);
  const [found, setFound] = useState<Soundness | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const verify = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await show.call("workspace.verify", {});
    setIsBusy(false);
    setFound(answer.ok ? answer.value : null);
    setFault(answer.ok ? null : answer.error);
  };
  return (
    <Card title={texts.people.health}>
      <div className="stack">
        <div role="status">
          {isBusy && texts.people.verifying}
          {!isBusy && found?.damaged.length === 0 && texts.people.sound(found.bundles)}
        </div>
        {fault !== null && <Trouble fault={fault} />}
        {found !== null && found.damaged.length > 0 && (
          <Nothing title={texts.people.damaged}>{found.damaged.join(" ")}</Nothing>
        )}
        {(found?.notes ?? []).map((one) => (
          <p key={one} className="muted">
            {one}
          </p>
        ))}
        <div className="stack-acts">
          <button type="button" className="btn line" disabled={isBusy} onClick={() => void verify()}>
            <ShieldCheck className="i" aria-hidden="true" />
            {texts.people.verify}
          </button>
        </div>
      </div>
    </Card>
  );
};
