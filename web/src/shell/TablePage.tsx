import { useMemo } from "react";
import { useSearchParams } from "wouter";
import { good, type Result } from "../lib/result.ts";
import { endsColumn, type FieldShape, lineState, type Show } from "../sdk/index.ts";
import { useAsked, useOverview, useShow, useStore } from "./hooks.ts";
import { MatrixPage } from "./matrix/MatrixPage.tsx";
import { TopBar } from "./TopBar.tsx";
import { TableScreen } from "./table/TableScreen.tsx";

/** A table, or one of its relations as a matrix where the address says so. */
export const TablePage = ({ name }: { readonly name: string }) => {
  const [params] = useSearchParams();
  const matrix = params.get("matrix");
  return matrix === null ? <PlainTable name={name} /> : <MatrixPage name={name} column={matrix} />;
};

/** A table, once its fields are known. */
const PlainTable = ({ name }: { readonly name: string }) => {
  const { show } = useShow();
  const overview = useOverview();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const { value: fields, fault } = useAsked(() => columnsOf(show, name), name, state);
  const table = overview?.tables.find((one) => one.name === name);
  const title = table?.title ?? name;
  const keys = table?.key.join(" ") ?? "";
  if (fields !== null && overview !== null)
    return <TableScreen name={name} title={title} keys={keys} fields={fields} />;
  return (
    <main className="main" aria-busy={fault === null}>
      <TopBar title={overview === null ? "" : title} />
      {fault !== null && (
        <div className="empty" role="alert">
          <p>{fault.message}</p>
        </div>
      )}
    </main>
  );
};

/** A table's fields and its relations, as the columns it can show. */
const columnsOf = async (show: Show, table: string): Promise<Result<readonly FieldShape[]>> => {
  const [fields, relations] = await Promise.all([
    show.call("table.fields", { table }),
    show.call("table.relations", { table }),
  ]);
  if (!fields.ok) return fields;
  return relations.ok ? good([...fields.value, ...relations.value.map(endsColumn)]) : relations;
};
