import { useState } from "react";
import { moment } from "../lib/format.ts";
import { Choice } from "../parts/Choice.tsx";
import { Modal } from "../parts/Modal.tsx";
import type { ConflictShape, ConflictValue } from "../sdk/index.ts";
import { useShow } from "./hooks.ts";
import { texts } from "./texts.ts";
import { useFieldTitles, useValueWords } from "./values.ts";

/** One question and the value that would settle it. */
interface Pick {
  readonly conflict: ConflictShape;
  readonly value: ConflictValue;
}

const newestOf = (values: readonly ConflictValue[]): ConflictValue | undefined =>
  values.reduce<ConflictValue | undefined>(
    (best, one) => (best === undefined || one.at > best.at ? one : best),
    undefined,
  );

const picks = (
  conflicts: readonly ConflictShape[],
  of: (conflict: ConflictShape) => ConflictValue | undefined,
): readonly Pick[] =>
  conflicts.flatMap((conflict) => {
    const value = conflict.kind === "delete" ? undefined : of(conflict);
    return value === undefined ? [] : [{ conflict, value }];
  });

/** Settles many questions in one step, after showing what each would become. */
export const SettleMany = ({ conflicts }: { readonly conflicts: readonly ConflictShape[] }) => {
  const { show, say } = useShow();
  const [chosen, setChosen] = useState<readonly Pick[]>([]);
  const { fieldOf, labelOf } = useFieldTitles(conflicts.map((one) => one.field));
  const words = useValueWords();
  const people = new Map(
    conflicts.flatMap((one) => one.values.map((value) => [value.actor, value.actor_name])),
  );
  const byPerson = (actor: string) =>
    picks(conflicts, (one) => newestOf(one.values.filter((value) => value.actor === actor)));
  const newest = picks(conflicts, (one) => newestOf(one.values));
  const options = [
    ...[...people].map(([actor, name]) => ({
      value: actor,
      label: texts.decide.takeOf(name, byPerson(actor).length),
    })),
    { value: "", label: texts.decide.takeNewest(newest.length) },
  ];
  const settle = async (): Promise<void> => {
    const choices = chosen.map(({ conflict, value }) => ({ conflict: conflict.id, choose: value.op }));
    const answer = await show.call("conflict.settle", {
      choices,
      label: `Settle ${choices.length} questions`,
    });
    say(answer.ok ? texts.decide.settled(choices.length) : answer.error);
    setChosen([]);
  };
  if (newest.length < 2) return null;
  return (
    <>
      <Choice
        label={texts.decide.settleAll(newest.length)}
        value="none"
        options={options}
        choose={(actor) => setChosen(actor === "" ? newest : byPerson(actor))}
      />
      <Modal
        title={texts.decide.preview(chosen.length)}
        isOpen={chosen.length > 0}
        close={() => setChosen([])}
      >
        <p className="muted">{texts.decide.previewNote}</p>
        <ul className="preview">
          {chosen.map(({ conflict, value }) => (
            <li key={conflict.id}>
              <b>{show.titles.of(conflict.record)}</b>
              <span className="muted">{labelOf(conflict.field)}</span>
              <span className="num">
                {words(value.value, fieldOf(conflict.field)) || texts.staging.empty_value}
              </span>
              <small>{texts.decide.bundleOf(value.actor_name, moment(value.at, new Date()))}</small>
            </li>
          ))}
        </ul>
        <div className="modal-acts">
          <button type="button" className="btn line" onClick={() => setChosen([])}>
            {texts.close}
          </button>
          <button type="button" className="btn pri" onClick={() => void settle()}>
            {texts.decide.take(chosen.length)}
          </button>
        </div>
      </Modal>
    </>
  );
};
