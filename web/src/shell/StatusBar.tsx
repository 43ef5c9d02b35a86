import { type ReactNode, useMemo } from "react";
import { lineState } from "../sdk/index.ts";
import { useShow, useStore } from "./hooks.ts";

/** The line below every screen: what is selected, that everything is saved, the keys that help here. */
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
    <footer className="status" data-region="status">
      {children}
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
  );
};
