import { useSearchParams } from "wouter";

const KEYS = ["filter", "where", "sort", "group", "view", "record", "add", "tab"] as const;

/** What of a table's screen lives in its address, so that Back and a bookmark work; null where nothing is said. */
export type Address = { readonly [K in (typeof KEYS)[number]]: string | null } & {
  readonly set: (
    changes: { readonly [K in (typeof KEYS)[number]]?: string | null },
    replace?: boolean,
  ) => void;
};

export const useAddress = (): Address => {
  const [params, setParams] = useSearchParams();
  const set: Address["set"] = (changes, replace = false) =>
    setParams(
      (before) => {
        const made = new URLSearchParams(before);
        for (const [key, value] of Object.entries(changes))
          value === null || value === undefined ? made.delete(key) : made.set(key, value);
        return made;
      },
      { replace },
    );
  return {
    filter: params.get("filter"),
    where: params.get("where"),
    sort: params.get("sort"),
    group: params.get("group"),
    view: params.get("view"),
    record: params.get("record"),
    add: params.get("add"),
    tab: params.get("tab"),
    set,
  };
};
