import { Diamond, Table2 } from "lucide-react";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { counted } from "../lib/format.ts";
import { lineState, type TableShape } from "../sdk/index.ts";
import { useOverview, useShow, useStore } from "./hooks.ts";

export const Rail = () => {
  const { show } = useShow();
  const overview = useOverview();
  const [path] = useLocation();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const open = overview?.status.conflicts ?? 0;
  const name = overview?.status.name ?? "";
  const tables = overview?.tables ?? [];
  return (
    <nav className="rail" aria-label="Workspace" data-region="rail">
      <div className="ws">
        <span className="mk" aria-hidden="true">
          {name.at(0)?.toUpperCase() ?? ""}
        </span>
        <b>{name}</b>
      </div>
      {open > 0 && (
        <div className="nav">
          <Link href="/decide" aria-current={path.startsWith("/decide") ? "page" : undefined}>
            <Diamond className="i" aria-hidden="true" />
            To decide
            <span className="pill c" title={`${open} open`}>
              {open}
            </span>
          </Link>
        </div>
      )}
      <div className="rail-tables">
        <h2>Tables</h2>
        <TableLinks tables={tables.filter((table) => table.module !== "core")} path={path} />
        <details className="set-up">
          <summary>Set up</summary>
          <TableLinks tables={tables.filter((table) => table.module === "core")} path={path} />
        </details>
      </div>
      <div className="sess">
        <div className="l">
          <span className="dot off" />
          <b>{state === "open" ? "On your own" : "Reconnecting"}</b>
        </div>
        <small>
          {state === "open"
            ? "Everything is on this laptop. Meet the others by a stick or a shared folder."
            : "Openprod is not answering. What you typed is kept."}
        </small>
      </div>
    </nav>
  );
};

const TableLinks = ({ tables, path }: { readonly tables: readonly TableShape[]; readonly path: string }) => (
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
