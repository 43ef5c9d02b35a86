import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Line, Show } from "../sdk/index.ts";
import { App } from "./App.tsx";
import "./styles/index.css";

const TOKEN = "openprod.token";
const PLACE = "openprod.place";

/** Takes the one-use code out of the address at once, so that it is in no history and no screenshot. */
const takeCode = (): string | null => {
  const code = /[#&]code=([\w-]+)/.exec(location.hash)?.[1] ?? null;
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  return code;
};

const line = new Line({
  open: (hears) => {
    const socket = new WebSocket(`ws://${location.host}/api/live`);
    socket.onopen = () => hears.opened();
    socket.onmessage = (event) => hears.heard(event.data);
    socket.onclose = (event) => hears.closed(event.code);
    return socket;
  },
  keep: {
    read: () => sessionStorage.getItem(TOKEN),
    write: (token) => sessionStorage.setItem(TOKEN, token),
  },
  code: takeCode(),
  later: (run, ms) => setTimeout(run, ms),
});

const show = new Show(line, {
  read: () => sessionStorage.getItem(PLACE),
  write: (text) => (text === null ? sessionStorage.removeItem(PLACE) : sessionStorage.setItem(PLACE, text)),
});

const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <App show={show} />
    </StrictMode>,
  );
