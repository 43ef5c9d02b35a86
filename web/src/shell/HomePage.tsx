import { Check, CircleAlert, Diamond, Layers, Table2 } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { counted, moment } from "../lib/format.ts";
import { byPerson, byTable, type Group } from "../lib/since.ts";
import { Tabs } from "../parts/Tabs.tsx";
import type { Home, LogEntry, OverlayShape } from "../sdk/index.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { Avatar, Card, EntryLine, Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { TopBar } from "./TopBar.tsx";
import { texts } from "./texts.ts";

const OPEN_SHOWN = 5;
const ENTRIES_SHOWN = 6;

/** What a person opens in the morning: what others changed, what waits, and where to go. */
export const HomePage = () => {
  const { show } = useShow();
  const overview = useOverview();
  const [tries, setTries] = useState(0);
  const { value: home, fault } = useAsked(() => show.call("home", {}), `home ${tries}`, overview);
  const { value: staged } = useAsked(() => show.call("staging.list", {}), "staged", overview);
  return (
    <main className="main page" aria-busy={home === null && fault === null}>
      <TopBar title={texts.home.title} />
      <div className="page-body home">
        {fault !== null && <Trouble fault={fault} retry={() => setTries(tries + 1)} />}
        {fault === null && (
          <>
            <Since home={home} seen={() => setTries(tries + 1)} />
            <div className="home-side">
              <Waits home={home} staged={staged ?? []} />
              <Tables />
            </div>
          </>
        )}
      </div>
      <StatusBar
        keys={[
          ["Ctrl K", "find or do"],
          ["F1", "keys"],
        ]}
      >
        {null}
      </StatusBar>
    </main>
  );
};

type Grouping = "person" | "table";

const Since = ({ home, seen }: { readonly home: Home | null; readonly seen: () => void }) => {
  const { show, say } = useShow();
  const overview = useOverview();
  const [grouping, setGrouping] = useState<Grouping>("person");
  const now = new Date();
  if (home === null)
    return (
      <Card title={texts.home.sinceFirst}>
        <Skeleton lines={9} />
      </Card>
    );
  if (home.left === "")
    return (
      <Card title={texts.home.first}>
        <Nothing title={texts.home.firstNote} />
      </Card>
    );
  const title = texts.home.since(moment(home.left, now));
  if (home.since.length === 0)
    return (
      <Card title={title}>
        <Nothing title={texts.home.nothing}>{texts.home.nothingNote}</Nothing>
      </Card>
    );
  const titleOf = (table: string): string =>
    overview?.tables.find((one) => one.name === table)?.title ??
    (table === "" ? texts.home.elsewhere : table);
  const people = byPerson(home.since);
  const groups = grouping === "person" ? people : byTable(home.since, titleOf);
  const seeAll = async (): Promise<void> => {
    const answer = await show.call("home.seen", {});
    say(answer.ok ? texts.home.seen : answer.error);
    seen();
  };
  return (
    <Card
      title={title}
      note={texts.home.byWhom(home.since.length + home.more, people.length)}
      action={
        <button type="button" className="btn line" onClick={() => void seeAll()}>
          <Check className="i" aria-hidden="true" />
          {texts.home.allSeen}
        </button>
      }
    >
      <Tabs
        label={texts.home.grouped}
        value={grouping}
        choose={setGrouping}
        tabs={[
          { value: "person", label: texts.home.byPerson },
          { value: "table", label: texts.home.byTable },
        ]}
      >
        {groups.map((group) => (
          <GroupPart key={group.key} group={group} grouping={grouping} now={now} />
        ))}
      </Tabs>
      {home.more > 0 && <p className="card-foot muted">{texts.home.more(home.more)}</p>}
    </Card>
  );
};

const GroupPart = ({
  group,
  grouping,
  now,
}: {
  readonly group: Group<LogEntry>;
  readonly grouping: Grouping;
  readonly now: Date;
}) => {
  const [isWhole, setIsWhole] = useState(false);
  const entries = isWhole ? group.entries : group.entries.slice(0, ENTRIES_SHOWN);
  const rest = group.entries.length - entries.length;
  return (
    <section className="since-group" aria-label={group.title}>
      <h3>
        {grouping === "person" ? <Avatar name={group.title} /> : <Table2 className="i" aria-hidden="true" />}
        {group.title}
        <span className="muted">{counted(group.entries.length, "change")}</span>
      </h3>
      <ul>
        {entries.map((entry) => (
          <EntryLine key={entry.bundle} entry={entry} now={now} who={grouping === "table"} />
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" className="btn" onClick={() => setIsWhole(true)}>
          {texts.home.rest(rest)}
        </button>
      )}
    </section>
  );
};

const Waits = ({
  home,
  staged,
}: {
  readonly home: Home | null;
  readonly staged: readonly OverlayShape[];
}) => {
  const conflicts = home?.conflicts ?? [];
  const notices = home?.notices ?? [];
  const isQuiet = conflicts.length + notices.length + staged.length === 0;
  return (
    <Card title={texts.home.waits}>
      {home === null ? (
        <Skeleton lines={3} />
      ) : isQuiet ? (
        <p className="quiet">
          <Check className="i" aria-hidden="true" />
          {texts.home.waitsNothing}
        </p>
      ) : (
        <>
          {conflicts.length > 0 && (
            <section className="wait">
              <h3>
                <Diamond className="i is-conflict" aria-hidden="true" />
                {texts.rail.decide}
                <span className="pill c">{conflicts.length}</span>
              </h3>
              <ul>
                {conflicts.slice(0, OPEN_SHOWN).map((one) => (
                  <li key={one.id}>
                    <Link href={`/decide/${encodeURIComponent(one.id)}`}>{one.text}</Link>
                  </li>
                ))}
              </ul>
              {conflicts.length > OPEN_SHOWN && (
                <Link href="/decide">{texts.home.allOf(conflicts.length)}</Link>
              )}
            </section>
          )}
          {staged.length > 0 && (
            <section className="wait">
              <h3>
                <Layers className="i is-staged" aria-hidden="true" />
                {texts.home.staged}
              </h3>
              <ul>
                {staged.map((one) => (
                  <li key={one.name}>
                    <Link href="/staging">{one.name}</Link>
                    <small>{texts.home.records(one.records)}</small>
                  </li>
                ))}
              </ul>
            </section>
          )}
          {notices.length > 0 && (
            <section className="wait">
              <h3>
                <CircleAlert className="i" aria-hidden="true" />
                {texts.rail.waiting}
              </h3>
              <Link href="/decide?tab=waiting">{texts.home.allOf(notices.length)}</Link>
              <ul>
                {notices.slice(0, OPEN_SHOWN).map((one) => (
                  <li key={one.text}>{one.text}</li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </Card>
  );
};

const Tables = () => {
  const overview = useOverview();
  const tables = overview?.tables.filter((table) => table.module !== "core") ?? [];
  return (
    <Card title={texts.home.tables}>
      {overview !== null && tables.length === 0 ? (
        <Nothing title={texts.home.noTables}>
          <code>openprod module adopt lighting</code>
        </Nothing>
      ) : (
        <ul className="tiles">
          {tables.map((table) => (
            <li key={table.name}>
              <Link href={`/table/${table.name}`}>
                <span>{table.title}</span>
                <span className="num muted">{table.count.toLocaleString("en-GB")}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
};
