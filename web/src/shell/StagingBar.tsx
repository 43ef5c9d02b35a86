import { ArrowLeftRight, History, Layers } from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useShow, useStore } from "./hooks.ts";
import { momentWords } from "./moments.ts";
import { texts } from "./texts.ts";

/** What ends a staged set, and what is said when it has ended. */
export const useStaging = () => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  return {
    stash: async (name: string): Promise<void> => {
      const answer = await show.standing.use(null);
      say(answer.ok ? texts.staging.stashed(name) : answer.error);
    },
    discard: async (name: string): Promise<void> => {
      const answer = await show.standing.discard(name);
      say(answer.ok ? texts.staging.discarded(name) : answer.error);
    },
    commit: async (name: string, label = ""): Promise<boolean> => {
      const answer = await show.standing.commit(label);
      if (!answer.ok) {
        say(answer.error);
        // What waits for a choice is listed there.
        if (answer.error.code === "overlay.undecided_drift") go("/staging");
        return false;
      }
      say(
        answer.value.bundle === null ? texts.staging.committedNothing(name) : texts.staging.committed(name),
      );
      return true;
    },
  };
};

/** Says on every screen that this window is in a staged set, how it stands, and how it ends. */
export const StagingBar = () => {
  const { show } = useShow();
  const standing = useStore(show.standing);
  const [path, go] = useLocation();
  // The page itself says it all, at the same place.
  const isOnPage = path.startsWith("/staging");
  const { stash, commit } = useStaging();
  const [isBusy, setIsBusy] = useState(false);
  if (standing.kind === "past") return <PastBar moment={standing.name} />;
  if (standing.kind !== "staging" || isOnPage) return null;
  const { name, records, drift } = standing;
  const end = async (): Promise<void> => {
    setIsBusy(true);
    await commit(name);
    setIsBusy(false);
  };
  return (
    <section className="stagebar" aria-label={texts.staging.bar(name)} data-region="staging">
      <Layers className="i is-staged" aria-hidden="true" />
      <div className="stagebar-name">
        <b>{texts.staging.bar(name)}</b>
        <span>
          {records === 0
            ? texts.staging.nothingStaged
            : `${texts.staging.staged(records)} ${texts.staging.barNobody}`}
        </span>
      </div>
      {drift > 0 && (
        <span className="pill s">
          <ArrowLeftRight className="i" aria-hidden="true" />
          {texts.staging.drift(drift)}
        </span>
      )}
      <span className="sp" />
      <button type="button" className="btn line" onClick={() => void stash(name)}>
        {texts.staging.stash}
      </button>
      <button type="button" className="btn line" onClick={() => go("/staging")}>
        {texts.staging.review}
      </button>
      <button
        type="button"
        className="btn staged"
        disabled={records === 0 || isBusy}
        onClick={() => (drift > 0 ? go("/staging") : void end())}
      >
        {drift > 0 ? texts.staging.commitAfter(drift) : texts.staging.commit}
      </button>
    </section>
  );
};

/** Says on every screen that what it shows is past. */
const PastBar = ({ moment }: { readonly moment: string }) => {
  const { show, say } = useShow();
  const [, go] = useLocation();
  const leave = async (): Promise<void> => {
    const answer = await show.standing.see(null);
    if (!answer.ok) say(answer.error);
  };
  return (
    <section className="stagebar is-past" aria-label={texts.past.bar(moment)} data-region="staging">
      <History className="i" aria-hidden="true" />
      <div className="stagebar-name">
        <b>{texts.past.bar(momentWords(moment))}</b>
        <span>{texts.past.barNote}</span>
      </div>
      <span className="sp" />
      <button
        type="button"
        className="btn line"
        onClick={() => go(`/history?since=${encodeURIComponent(moment)}`)}
      >
        {texts.past.since}
      </button>
      <button type="button" className="btn pri" onClick={() => void leave()}>
        {texts.past.now}
      </button>
    </section>
  );
};
