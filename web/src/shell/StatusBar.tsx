import { Undo2, X } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { lineState } from "../sdk/index.ts";
import { useOverview, useShow, useStore } from "./hooks.ts";
import { StagingBar } from "./StagingBar.tsx";
import { useTakeBack } from "./undo.ts";

/** The line below every screen: what is selected, what undo would do, that everything is saved, keys that help here. */
export const StatusBar = ({
  children,
  keys,
}: {
  readonly children: ReactNode;
  readonly keys: readonly (readonly [string, string])[];
}) => {
  const { show } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  return (
    <div className="foot">
      <StagingBar />
      <footer className="status" data-region="status">
        {children}
        <UndoLabel />
        <span className="sp" />
        <span role="status" className={state === "open" ? "" : "is-away"}>
          {state === "open" ? "Saved on this laptop" : state === "connecting" ? "Opening" : "Reconnecting"}
        </span>
        {keys.map(([key, does]) => (
          <span key={key} className="status-key">
            <kbd>{key}</kbd> {does}
          </span>
        ))}
      </footer>
    </div>
  );
};

const UndoLabel = () => {
  const { undoing } = useShow();
  const overview = useOverview();
  const takeBack = useTakeBack();
  const refusal = useStore(undoing);
  const label = overview?.undo ?? null;
  return (
    <>
      {label !== null && (
        <button
          type="button"
          className="status-undo"
          title={`Undo: ${label} (Ctrl Z)`}
          onClick={() => takeBack("undo")}
        >
          <Undo2 className="i" aria-hidden="true" />
          Undo: <b>{label}</b>
        </button>
      )}
      {refusal !== null && (
        <div className="undo-refusal" role="alert">
          <span>{refusal.message}</span>
          <button
            type="button"
            className="btn icon"
            aria-label="Close this note"
            onClick={() => undoing.dismiss()}
          >
            <X className="i" aria-hidden="true" />
          </button>
        </div>
      )}
    </>
  );
};
