import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import type { Fault } from "../lib/result.ts";
import { lineState, type Show } from "../sdk/index.ts";
import { Commands } from "./Commands.tsx";
import { DecidePage } from "./DecidePage.tsx";
import { HistoryPage } from "./HistoryPage.tsx";
import { HomePage } from "./HomePage.tsx";
import { ShowContext, type Undoable, useShow, useStore } from "./hooks.ts";
import { KeysDialog } from "./KeysDialog.tsx";
import { PeoplePage } from "./PeoplePage.tsx";
import { Rail } from "./Rail.tsx";
import { StagingPage } from "./StagingPage.tsx";
import { TablePage } from "./TablePage.tsx";
import { texts } from "./texts.ts";
import { nextTheme, SIZE_NAMES, stepSize, useLook } from "./theme.ts";
import { Undoing, useTakeBack } from "./undo.ts";

const SAY_MS = 9000;

type Said = Fault | Undoable | string | null;

export const App = ({ show }: { readonly show: Show }) => {
  const [said, setSaid] = useState<Said>(null);
  const [isFinding, setIsFinding] = useState(false);
  const say = useCallback((what: Said) => setSaid(what), []);
  const surroundings = useMemo(
    () => ({ show, say, undoing: new Undoing(show), find: () => setIsFinding(true) }),
    [show, say],
  );
  const state = useStore(useMemo(() => lineState(show.line), [show]));

  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAY_MS);
    return () => clearTimeout(timer);
  }, [said]);

  useEffect(() => {
    show.standing.onLost = (name) => say(texts.staging.lost(name));
  }, [show, say]);

  if (state === "refused") return <NotLetIn />;
  return (
    <ShowContext value={surroundings}>
      <div className="app">
        <Rail />
        <Screens />
        <Voice said={said} dismiss={() => setSaid(null)} />
      </div>
      <Shortcuts isFinding={isFinding} find={setIsFinding} />
    </ShowContext>
  );
};

const Screens = () => (
  <Switch>
    <Route path="/table/:name">{({ name }) => <TablePage key={name} name={name} />}</Route>
    <Route path="/decide">
      <DecidePage />
    </Route>
    <Route path="/decide/:id">{({ id }) => <DecidePage chosen={decodeURIComponent(id)} />}</Route>
    <Route path="/people">
      <PeoplePage />
    </Route>
    <Route path="/history">
      <HistoryPage />
    </Route>
    <Route path="/staging">
      <StagingPage />
    </Route>
    <Route>
      <HomePage />
    </Route>
  </Switch>
);

const NotLetIn = () => (
  <main className="alone">
    <h1>This window is not connected to the show</h1>
    <p>
      A window is let in once, when Openprod opens it. Start <code>openprod serve</code> again, or go to the
      window that it opened last. Nothing is lost: everything you saved is on this laptop.
    </p>
  </main>
);

const Voice = ({ said, dismiss }: { readonly said: Said; readonly dismiss: () => void }) => {
  const isFault = said !== null && typeof said !== "string" && "code" in said;
  const undo = said !== null && typeof said !== "string" && "undo" in said ? said.undo : null;
  const words = said === null ? "" : typeof said === "string" ? said : said.message;
  return (
    <div
      className="voice"
      role={isFault ? "alert" : "status"}
      aria-live={isFault ? "assertive" : "polite"}
      hidden={said === null}
    >
      <span className={isFault ? "voice-fault" : ""}>{words}</span>
      {undo !== null && (
        <button
          type="button"
          className="btn line"
          onClick={() => {
            undo();
            dismiss();
          }}
        >
          Undo
        </button>
      )}
      <button type="button" className="btn" onClick={dismiss}>
        Close
      </button>
    </div>
  );
};

/** The keys that work everywhere. */
const Shortcuts = ({
  isFinding,
  find,
}: {
  readonly isFinding: boolean;
  readonly find: (is: boolean) => void;
}) => {
  const { say } = useShow();
  const { theme, size, choose, resize } = useLook();
  const [, go] = useLocation();
  const leader = useRef(NEVER);
  const takeBack = useTakeBack();
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      const ctrl = event.ctrlKey || event.metaKey;
      const isPlain = !ctrl && !event.altKey && event.key.length === 1 && !isTyping(event.target);
      const isLed = isPlain && event.timeStamp - leader.current < LEADER_MS;
      leader.current = NEVER;
      const place = isLed ? PLACES[event.key.toLowerCase()] : undefined;
      if (place !== undefined) {
        event.preventDefault();
        event.stopPropagation();
        go(place);
      } else if (isPlain && event.key.toLowerCase() === "g" && !isInGrid(event.target)) {
        leader.current = event.timeStamp;
      } else if (ctrl && /^[-+=]$/.test(event.key)) {
        event.preventDefault();
        const chosen = stepSize(size, event.key === "-" ? -1 : 1);
        resize(chosen);
        say(texts.size.label(SIZE_NAMES[chosen]));
      } else if (ctrl && event.shiftKey && event.key.toLowerCase() === "l") {
        event.preventDefault();
        const next = nextTheme(theme);
        choose(next);
        say(`Screen: ${next}`);
      } else if (ctrl && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        find(!isFinding);
      } else if (ctrl && /^[zy]$/i.test(event.key) && !isTyping(event.target)) {
        event.preventDefault();
        takeBack(event.shiftKey || event.key.toLowerCase() === "y" ? "redo" : "undo");
      } else if (event.key === "F6") {
        event.preventDefault();
        nextRegion(event.shiftKey ? -1 : 1);
      } else if (ctrl && !event.shiftKey && event.key.toLowerCase() === "f") {
        const find = document.querySelector<HTMLInputElement>("[data-find]");
        if (find === null) return;
        event.preventDefault();
        find.focus();
        find.select();
      } else if (event.key === "F1" || (event.key === "?" && !isTyping(event.target))) {
        event.preventDefault();
        setIsShown(true);
      }
    };
    // Before the screens: the second key of "G then D" is not theirs.
    addEventListener("keydown", hear, true);
    return () => removeEventListener("keydown", hear, true);
  }, [say, takeBack, theme, size, choose, resize, isFinding, find, go]);
  return (
    <>
      <KeysDialog isOpen={isShown} close={() => setIsShown(false)} />
      <Commands isOpen={isFinding} close={() => find(false)} showKeys={() => setIsShown(true)} />
    </>
  );
};

const LEADER_MS = 1500;
// No G was pressed: a key soon after the page opened follows on nothing.
const NEVER = Number.NEGATIVE_INFINITY;

/** Where "G, then this letter" goes. */
const PLACES: { readonly [key: string]: string } = { h: "/", d: "/decide", s: "/staging", t: "/history" };

/** In the grid a letter is the beginning of what is written into a cell. */
const isInGrid = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest("[role=grid]") !== null;

/** Whether keys belong to a text being edited. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const nextRegion = (by: number): void => {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter(
    (one) => one.offsetParent !== null,
  );
  const here = regions.findIndex((one) => one.contains(document.activeElement));
  const next = regions[(here + by + regions.length) % regions.length];
  const inside = next?.querySelector<HTMLElement>("[tabindex='0'],a[href],button:not([disabled]),input");
  (inside ?? next)?.focus();
};
