import type { Fault, Result } from "../lib/result.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { Nothing, Skeleton, Trouble } from "./Parts.tsx";
import { texts } from "./texts.ts";

/** Everything that waits or is damaged, with the reason, and what can be done about it. */
export const Waiting = () => {
  const { show, say } = useShow();
  const overview = useOverview();
  const { value: waiting, fault } = useAsked(() => show.call("waiting.list", {}), "waiting", overview);
  const held = waiting?.held.filter((one) => one.reason === "held") ?? [];
  const isQuiet = waiting !== null && waiting.notices.length + held.length + waiting.joiners.length === 0;
  const done = (answer: Result<unknown, Fault>): void => say(answer.ok ? texts.decide.done : answer.error);
  const accept = async (): Promise<void> => {
    for (const { bundle } of held) {
      const answer = await show.call("waiting.accept", { bundle });
      done(answer);
      if (!answer.ok) return;
    }
  };
  return (
    <section className="work" data-region="work" aria-label={texts.rail.waiting}>
      {fault !== null && <Trouble fault={fault} />}
      {waiting === null && fault === null && <Skeleton lines={4} />}
      {isQuiet && <Nothing title={texts.decide.nothingWaits}>{texts.decide.nothingWaitsNote}</Nothing>}
      {waiting?.joiners.map((one) => (
        <div key={one.log} className="card waits">
          <h3>
            {texts.decide.joiners}: {one.name || texts.decide.unnamed}
          </h3>
          <p>{texts.decide.joinerNote(one.changes)}</p>
          <button
            type="button"
            className="btn line"
            onClick={() => void show.call("waiting.admit", { log: one.log }).then(done)}
          >
            {texts.decide.admit(one.name || texts.decide.unnamed)}
          </button>
        </div>
      ))}
      {held.length > 0 && (
        <div className="card waits">
          <h3>{texts.decide.held}</h3>
          <p>{texts.decide.heldNote(held.length)}</p>
          <button type="button" className="btn line" onClick={() => void accept()}>
            {texts.decide.accept(held.length)}
          </button>
        </div>
      )}
      {(waiting?.notices.length ?? 0) > 0 && (
        <ul className="card waits">
          {waiting?.notices.map((one) => (
            <li key={one.text}>{one.text}</li>
          ))}
        </ul>
      )}
    </section>
  );
};
