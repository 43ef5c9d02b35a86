import type { ReactNode } from "react";
import { Link } from "wouter";
import { initials, moment } from "../lib/format.ts";
import type { Fault } from "../lib/result.ts";
import { type Change, type Entry, tableOfChange } from "../lib/since.ts";
import { texts } from "./texts.ts";

/** Small pieces that several screens are made of. */

/** A person's letters in a ring. */
export const Avatar = ({ name }: { readonly name: string }) => (
  <span className="av" aria-hidden="true">
    {initials(name)}
  </span>
);

/** A titled part of a screen. */
export const Card = ({
  title,
  note,
  action,
  children,
}: {
  readonly title: string;
  readonly note?: string;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}) => (
  <section className="card" aria-label={title}>
    <header>
      <h2>{title}</h2>
      {note !== undefined && note !== "" && <span className="muted">{note}</span>}
      <span className="sp" />
      {action}
    </header>
    {children}
  </section>
);

/** What stands where there is nothing yet. */
export const Nothing = ({ title, children }: { readonly title: string; readonly children?: ReactNode }) => (
  <div className="nothing">
    <b>{title}</b>
    {children !== undefined && <p>{children}</p>}
  </div>
);

/** What stands where something could not be read: what happened, and the way to try again. */
export const Trouble = ({ fault, retry }: { readonly fault: Fault; readonly retry?: () => void }) => (
  <div className="nothing is-fault" role="alert">
    <b>{texts.faultTitle}</b>
    <p>{fault.message}</p>
    {retry !== undefined && (
      <button type="button" className="btn line" onClick={retry}>
        {texts.again}
      </button>
    )}
  </div>
);

/** Lines of grey where text will stand; shown only once waiting is noticeable. */
export const Skeleton = ({ lines = 5 }: { readonly lines?: number }) => (
  <div className="skeleton" role="status" aria-label={texts.loading}>
    {Array.from({ length: lines }, (_, at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: nothing here ever changes places
      <i key={at} style={{ width: `${82 - ((at * 23) % 40)}%` }} />
    ))}
  </div>
);

/** One change in words; leads to its record where there is one to see. */
export const ChangeLine = ({ change }: { readonly change: Change }) => {
  const table = tableOfChange(change);
  if (table === "" || change.record === "") return <span>{change.text}</span>;
  return <Link href={`/table/${table}?record=${change.record}`}>{change.text}</Link>;
};

const CHANGES_SHOWN = 3;

/** One entry of the history: when, what it was called, and its first changes. */
export const EntryLine = ({
  entry,
  now,
  who = false,
  action,
}: {
  readonly entry: Entry;
  readonly now: Date;
  readonly who?: boolean;
  readonly action?: ReactNode;
}) => {
  const shown = entry.ops.slice(0, CHANGES_SHOWN);
  const isSaid = entry.ops.length === 1 && shown[0]?.text === entry.label;
  return (
    <li className="entry">
      <time dateTime={entry.at}>{moment(entry.at, now)}</time>
      <div>
        {entry.label !== "" && !isSaid && <b>{entry.label}</b>}
        {who && <small>{entry.actor_name}</small>}
        {shown.map((change, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an entry of the history never changes
          <ChangeLine key={at} change={change} />
        ))}
        {entry.ops.length > shown.length && (
          <small>{texts.home.andMore(entry.ops.length - shown.length)}</small>
        )}
      </div>
      {action}
    </li>
  );
};
