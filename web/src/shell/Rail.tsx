import { Clock3, Diamond, House, Layers, type LucideIcon, Table2, Users } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { counted } from "../lib/format.ts";
import { lineState, type TableShape } from "../sdk/index.ts";
import { useOverview, useShow, useStore } from "./hooks.ts";
import { texts } from "./texts.ts";

/** The navigation: home, what waits, the tables of the show, and what is set up once. */
export const Rail = () => {
  const overview = useOverview();
  const name = overview?.status.name ?? "";
  const tables = overview?.tables ?? [];
  return (
    <nav className="rail" aria-label={texts.rail.label} data-region="rail">
      <div className="ws">
        <span className="mk" aria-hidden="true">
          {name.at(0)?.toUpperCase() ?? ""}
        </span>
        <b>{name}</b>
      </div>
      <Places />
      <div className="rail-tables">
        <h2>{texts.rail.tables}</h2>
        <TableLinks tables={tables.filter((table) => table.module !== "core")} />
        <h2 className="rail-more">{texts.rail.show}</h2>
        <div className="nav">
          <Place to="/history" icon={Clock3} title={texts.rail.history} />
        </div>
        <details className="set-up">
          <summary>{texts.rail.setUp}</summary>
          <div className="nav">
            <Place to="/people" icon={Users} title={texts.rail.people} />
          </div>
          <TableLinks tables={tables.filter((table) => table.module === "core")} />
        </details>
      </div>
      <Company />
    </nav>
  );
};

const Places = () => {
  const overview = useOverview();
  const open = overview?.status.conflicts ?? 0;
  const status = overview?.status;
  const waiting = (status?.pending ?? 0) + (status?.unread ?? 0) + (status?.quarantined ?? 0);
  const standing = overview?.standing;
  const kept = standing?.kept ?? 0;
  return (
    <div className="nav">
      <Place to="/" icon={House} title={texts.rail.home} />
      {(open > 0 || waiting > 0) && (
        <Place
          to={open > 0 ? "/decide" : "/decide?tab=waiting"}
          icon={Diamond}
          title={open > 0 ? texts.rail.decide : texts.rail.waiting}
        >
          {open > 0 && (
            <span className="pill c" title={texts.rail.open(open)}>
              {open}
            </span>
          )}
        </Place>
      )}
      {kept > 0 && (
        <Place to="/staging" icon={Layers} title={texts.rail.staging}>
          <span className="n">
            {standing?.kind === "staging" ? texts.rail.active : texts.rail.kept(kept)}
          </span>
        </Place>
      )}
    </div>
  );
};

interface PlaceProps {
  readonly to: string;
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
}

const Place = ({ to, icon: Icon, title, children }: PlaceProps) => {
  const [path] = useLocation();
  const isHere = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
  return (
    <Link href={to} aria-current={isHere ? "page" : undefined}>
      <Icon className="i" aria-hidden="true" />
      <span className="nav-name">{title}</span>
      {children}
    </Link>
  );
};

/** Who else is here. */
const Company = () => {
  const { show } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const isHere = state === "open";
  return (
    <div className="sess">
      <div className="l">
        <span className="dot off" />
        <b>{isHere ? texts.rail.alone : state === "connecting" ? texts.rail.loading : texts.rail.away}</b>
      </div>
      <small>{isHere || state === "connecting" ? texts.rail.aloneNote : texts.rail.awayNote}</small>
    </div>
  );
};

const TableLinks = ({ tables }: { readonly tables: readonly TableShape[] }) => {
  const [path] = useLocation();
  return (
    <div className="nav">
      {tables.map((table) => (
        <Link
          key={table.name}
          href={`/table/${table.name}`}
          aria-current={path === `/table/${table.name}` ? "page" : undefined}
          title={table.name}
        >
          <Table2 className="i" aria-hidden="true" />
          <span className="nav-name">{table.title}</span>
          <span className="n num" title={counted(table.count, "record")}>
            {table.count.toLocaleString("en-GB")}
          </span>
        </Link>
      ))}
    </div>
  );
};
