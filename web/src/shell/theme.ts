import { useCallback, useEffect, useState } from "react";
import { useShow } from "./hooks.ts";

/** Light, dark, blackout: an attribute of the document, kept by the browser for reloads and by the program for next time. */
export const THEMES = ["light", "dark", "blackout"] as const;

export type Theme = (typeof THEMES)[number];

export const THEME_NAMES: { readonly [K in Theme]: string } = {
  light: "Light",
  dark: "Dark",
  blackout: "Blackout",
};

export const currentTheme = (): Theme =>
  THEMES.find((theme) => theme === document.documentElement.dataset["theme"]) ?? "dark";

export const nextTheme = (theme: Theme): Theme =>
  THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "dark";

export const applyTheme = (theme: Theme): void => {
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem("openprod.theme", theme);
  } catch {
    // A browser that keeps nothing asks the program again at the next opening.
  }
};

/** The theme on screen, and what chooses another one here and for next time. */
export const useTheme = (): { readonly theme: Theme; readonly choose: (theme: Theme) => void } => {
  const { show } = useShow();
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const watcher = new MutationObserver(() => setTheme(currentTheme()));
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watcher.disconnect();
  }, []);
  const choose = useCallback(
    (chosen: Theme): void => {
      applyTheme(chosen);
      void show.call("screen.prefer", { theme: chosen });
    },
    [show],
  );
  return { theme, choose };
};
