import type { Plain } from "../lib/check.ts";
import { moment, shown } from "../lib/format.ts";
import type { ConflictShape, ConflictValue, FieldShape } from "../sdk/index.ts";
import { useShow, useStore } from "./hooks.ts";

/** One value of a question, with everybody who set it. */
export interface Side {
  readonly op: string;
  readonly value: Plain;
  readonly setters: readonly ConflictValue[];
  /** Whether the value is what becomes of the record, "keep" or "delete", and no field's. */
  readonly isLife: boolean;
  readonly isShown: boolean;
}

/** Returns the values of a question with equal ones joined; the order says nothing about which is right. */
export const sides = (conflict: ConflictShape): readonly Side[] => {
  const found = new Map<string, ConflictValue[]>();
  for (const value of conflict.values) {
    const key = JSON.stringify(value.value);
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return [...found.values()].flatMap((setters) => {
    const [first] = setters;
    return first === undefined
      ? []
      : [
          {
            op: first.op,
            value: first.value,
            setters,
            isLife: conflict.kind === "delete",
            isShown: setters.some((one) => one.op === conflict.shown),
          },
        ];
  });
};

/** Returns how a value of a question reads; nothing there is said in words. */
export const useWords = (): ((side: Side, field: FieldShape | undefined) => string) => {
  const { show } = useShow();
  useStore(show.titles);
  return (side, field) => {
    if (side.isLife) return side.value === "delete" ? "Delete it" : "Keep it";
    return shown(side.value, field ?? { type: "text", unit: "" }, show.titles.of) || "(empty)";
  };
};

const who = (side: Side, now: Date): string =>
  side.setters.length > 2
    ? `${side.setters.length} people`
    : side.setters.map((one) => `${one.actor_name}, ${moment(one.at, now)}`).join("; ");

interface ChoicesProps {
  readonly conflict: ConflictShape;
  readonly field: FieldShape | undefined;
  readonly take: (conflict: ConflictShape, side: Side) => void;
}

/** The values of a question as buttons of equal weight; numbers take them while the focus is in the panel. */
export const ConflictChoices = ({ conflict, field, take }: ChoicesProps) => {
  const words = useWords();
  const all = sides(conflict);
  const now = new Date();
  const current = all.find((side) => side.isShown);
  return (
    <fieldset className="cf" aria-label={conflict.text}>
      <span className="mkc">
        {all.length === 2 ? "Two values, set apart" : `${all.length} values, set apart`}
      </span>
      {all.map((side, index) => (
        <button
          key={side.op}
          type="button"
          className="opt"
          data-take={index + 1}
          onClick={() => take(conflict, side)}
        >
          <b className="num">{words(side, field)}</b>
          <span>{who(side, now)}</span>
          {index < 9 && <kbd>{index + 1}</kbd>}
        </button>
      ))}
      {current !== undefined && (
        <div className="cf-note">Showing {words(current, field)} until someone chooses.</div>
      )}
    </fieldset>
  );
};
