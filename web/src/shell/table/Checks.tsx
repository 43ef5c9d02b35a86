import { Flag } from "lucide-react";
import { useEffect, useState } from "react";
import { joined, partsOf } from "../../lib/question.ts";
import { useAsked, useOverview, useShow } from "../hooks.ts";
import type { View } from "./view.ts";

/** Counts are asked for again this long after the last change. */
const REST_MS = 700;

/** Returns a value once it has stayed the same for a while; the first one at once. */
const useRested = <T,>(value: T): T => {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
};

/** What modules say somebody should look at in a table, each a count that shows its records. */
export const Checks = ({ table, view }: { readonly table: string; readonly view: View }) => {
  const { show } = useShow();
  const overview = useRested(useOverview());
  const { value } = useAsked(() => show.call("table.checks", { table }), table, overview);
  const found = (value ?? []).filter((one) => one.count !== 0);
  if (found.length === 0) return null;
  const parts = partsOf(view.where);
  return (
    <ul className="checks" aria-label="Checks">
      {found.map((one) => {
        const isOn = parts.includes(wrapped(one.where));
        return (
          <li key={one.name}>
            <button
              type="button"
              className={isOn ? "chip is-on" : "chip"}
              aria-pressed={isOn}
              disabled={one.where === ""}
              onClick={() => {
                const others = parts.filter((part) => part !== wrapped(one.where));
                view.setWhere(joined(isOn ? others : [...others, wrapped(one.where)]));
              }}
            >
              <Flag className="i" aria-hidden="true" />
              {one.text}
            </button>
          </li>
        );
      })}
    </ul>
  );
};

/** A check's condition as one part among others. */
const wrapped = (where: string): string => (partsOf(where).length > 1 ? `(${where})` : where);
