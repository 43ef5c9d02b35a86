import { moment } from "../lib/format.ts";
import type { ConflictValue, DecisionShape, FieldShape } from "../sdk/index.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { Avatar, Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { texts } from "./texts.ts";
import { useFieldTitles, useValueWords } from "./values.ts";

/** What was decided lately, with what there was to choose from; each can be decided anew. */
export const Decided = () => {
  const { show } = useShow();
  const overview = useOverview();
  const { value: decisions, fault } = useAsked(() => show.call("conflict.decided", {}), "decided", overview);
  const { fieldOf, labelOf } = useFieldTitles((decisions ?? []).map((one) => one.field));
  return (
    <section className="work" data-region="work" aria-label={texts.decide.decidedTab}>
      {fault !== null && <Trouble fault={fault} />}
      {decisions === null && fault === null && <Skeleton lines={5} />}
      {decisions?.length === 0 && (
        <Nothing title={texts.decide.noDecisions}>{texts.decide.noDecisionsNote}</Nothing>
      )}
      <ul className="decisions">
        {decisions?.map((one) => (
          <Decision key={one.op} decision={one} label={labelOf(one.field)} field={fieldOf(one.field)} />
        ))}
      </ul>
    </section>
  );
};

interface DecisionProps {
  readonly decision: DecisionShape;
  readonly label: string;
  readonly field: FieldShape | undefined;
}

const Decision = ({ decision, label, field }: DecisionProps) => {
  const { show, say } = useShow();
  const words = useValueWords();
  const shown = (value: DecisionShape["value"]): string => words(value, field) || texts.staging.empty_value;
  const others = decision.offered.filter(
    (one) => JSON.stringify(one.value) !== JSON.stringify(decision.value),
  );
  const take = async (value: ConflictValue): Promise<void> => {
    // What stands there now is what is decided anew, whoever wrote it.
    const record = await show.call("record.get", { record: decision.record });
    if (!record.ok) {
      say(record.error);
      return;
    }
    const heads = { [decision.field]: record.value.heads[decision.field] ?? [] };
    const fields = { [decision.field]: value.value };
    const answer = await show.edit([{ do: "set", record: decision.record, fields, heads }], "Decide anew");
    say(answer.ok ? texts.decide.changed : answer.error);
  };
  return (
    <li className="card decision">
      <Avatar name={decision.actor_name} />
      <div>
        <b>
          {decision.title}: {label}
        </b>
        <small>
          {texts.decide.decidedBy(decision.actor_name, moment(decision.at, new Date()))}
          {!decision.stands && ` ${texts.decide.overtaken}`}
        </small>
      </div>
      <span className="decision-value num">{shown(decision.value)}</span>
      <div className="stack-acts">
        {others.map((one) => (
          <button key={one.op} type="button" className="btn line" onClick={() => void take(one)}>
            {texts.decide.instead(shown(one.value), one.actor_name)}
          </button>
        ))}
      </div>
    </li>
  );
};
