/** What of a table is shown and how: a view's own wishes, and what the person changed for now. */
import { useMemo, useState } from "react";
import {
  type Check,
  checked,
  listOf,
  mapOf,
  number,
  optional,
  parsed,
  shape,
  text,
} from "../../lib/check.ts";
import { orderTerm } from "../../lib/question.ts";
import type { ViewShape } from "../../sdk/index.ts";
import { useAsked, useOverview, useShow } from "../hooks.ts";
import type { Address } from "./address.ts";
import type { Arrangement } from "./columns.ts";

/** How a view shows a table; what is not said is as the table has it. */
export interface ViewSpec extends Arrangement {
  readonly where?: string | undefined;
  readonly order?: readonly string[] | undefined;
  readonly group?: string | undefined;
}

export const checkSpec: Check<ViewSpec> = shape<ViewSpec>({
  where: optional(text),
  order: optional(listOf(text)),
  group: optional(text),
  fields: optional(listOf(text)),
  widths: optional(mapOf(number)),
  frozen: optional(number),
});

export interface View {
  /** The view that is open, null for the table as it is. */
  readonly open: ViewShape | null;
  readonly all: readonly ViewShape[];
  readonly where: string;
  readonly order: readonly string[];
  readonly group: string | null;
  readonly arrangement: Arrangement;
  /** Whether the person changed something against the view. */
  readonly isChanged: boolean;
  readonly setWhere: (where: string) => void;
  readonly setOrder: (field: string | null, isDown: boolean) => void;
  readonly setGroup: (group: string | null) => void;
  readonly arrange: (changes: Arrangement) => void;
  readonly reset: () => void;
  /** Goes to a view by its id, null for the table as it is. */
  readonly go: (id: string | null) => void;
  /** Goes to the view beside this one. */
  readonly step: (by: 1 | -1) => void;
}

const NO_VIEW: ViewSpec = {};

const kept = (key: string): Arrangement | null => {
  const text = sessionStorage.getItem(key);
  const found = text === null ? null : checked(checkSpec, parsed(text));
  return found?.ok ? found.value : null;
};

/** The views of a table, asked for again when something changed; null until they are known. */
const useViews = (table: string): readonly ViewShape[] | null => {
  const { show } = useShow();
  const overview = useOverview();
  return useAsked(() => show.call("table.views", { table }), table, overview).value;
};

const specOf = (words: string): ViewSpec => {
  const found = checked(checkSpec, parsed(words));
  return found.ok ? found.value : NO_VIEW;
};

export const useView = (table: string, address: Address): View => {
  const all = useViews(table);
  const open = all?.find((one) => one.id === address.view) ?? null;
  // The same words make the same view: a list that was asked for again changes nothing.
  const words = JSON.stringify(open?.spec ?? null);
  const spec = useMemo(() => specOf(words), [words]);
  const key = `openprod.columns.${table}.${address.view ?? ""}`;
  const [mine, setMine] = useState<{ readonly key: string; readonly arrangement: Arrangement | null }>(
    () => ({
      key,
      arrangement: kept(key),
    }),
  );
  const own = mine.key === key ? mine.arrangement : kept(key);
  const keep = (arrangement: Arrangement | null): void => {
    if (arrangement === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(arrangement));
    setMine({ key, arrangement });
  };
  const arrangement = useMemo(
    () => (own === null ? spec : { ...spec, ...own, widths: { ...spec.widths, ...own.widths } }),
    [own, spec],
  );
  const order = useMemo(
    () => (address.sort === null ? (spec.order ?? []) : address.sort === "" ? [] : [address.sort]),
    [address.sort, spec],
  );
  const group = address.group === null ? (spec.group ?? null) : address.group === "" ? null : address.group;
  /** A choice that is the view's own needs no word in the address. */
  const said = (value: string, usual: string | undefined): string | null =>
    value === (usual ?? "") ? null : value;
  const go = (id: string | null): void =>
    address.set({ view: id, filter: null, where: null, sort: null, group: null });
  return {
    open,
    all: all ?? [],
    go,
    step: (by) => {
      const ids = [null, ...(all ?? []).map((one) => one.id)];
      const at = ids.indexOf(open?.id ?? null);
      go(ids[(at + by + ids.length) % ids.length] ?? null);
    },
    where: address.where ?? spec.where ?? "",
    order,
    group,
    arrangement,
    isChanged: own !== null || [address.where, address.sort, address.group].some((one) => one !== null),
    setWhere: (where) => address.set({ where: said(where, spec.where) }),
    setOrder: (field, isDown) =>
      address.set({ sort: said(field === null ? "" : orderTerm(field, isDown), spec.order?.join()) }),
    setGroup: (wanted) => address.set({ group: said(wanted ?? "", spec.group) }),
    arrange: (changes) => keep({ ...own, ...changes, widths: { ...own?.widths, ...changes.widths } }),
    reset: () => {
      keep(null);
      address.set({ where: null, sort: null, group: null });
    },
  };
};
