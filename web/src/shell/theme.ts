import { useCallback, useEffect, useState } from "react";
import { useShow } from "./hooks.ts";
import { texts } from "./texts.ts";

/** Light, dark, blackout: an attribute of the document, kept by the browser for reloads and by the program for next time. */
export const THEMES = ["light", "dark", "blackout"] as const;

/** Normal, big for the tech table, wall to be read across a room: kept as the theme is. */
export const SIZES = ["normal", "big", "wall"] as const;

export type Theme = (typeof THEMES)[number];
export type Size = (typeof SIZES)[number];

export const THEME_NAMES: { readonly [K in Theme]: string } = {
  light: "Light",
  dark: "Dark",
  blackout: "Blackout",
};

export const SIZE_NAMES: { readonly [K in Size]: string } = texts.size.names;

export const currentTheme = (): Theme =>
  THEMES.find((theme) => theme === document.documentElement.dataset["theme"]) ?? "dark";

export const currentSize = (): Size =>
  SIZES.find((size) => size === document.documentElement.dataset["type"]) ?? "normal";

export const nextTheme = (theme: Theme): Theme =>
  THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "dark";

/** Returns the size one step larger (1) or smaller (-1), the same at either end. */
export const stepSize = (size: Size, by: 1 | -1): Size => SIZES[SIZES.indexOf(size) + by] ?? size;

const keep = (name: string, value: string): void => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing asks the program again at the next opening.
  }
};

export const applyTheme = (theme: Theme): void => {
  document.documentElement.dataset["theme"] = theme;
  keep("openprod.theme", theme);
};

export const applySize = (size: Size): void => {
  document.documentElement.dataset["type"] = size;
  keep("openprod.size", size);
};

/** How the screen looks, and what chooses otherwise, here and for next time. */
export interface Look {
  readonly theme: Theme;
  readonly size: Size;
  readonly choose: (theme: Theme) => void;
  readonly resize: (size: Size) => void;
}

export const useLook = (): Look => {
  const { show } = useShow();
  const [theme, setTheme] = useState(currentTheme);
  const [size, setSize] = useState(currentSize);
  useEffect(() => {
    const watcher = new MutationObserver(() => {
      setTheme(currentTheme());
      setSize(currentSize());
    });
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme", "data-type"] });
    return () => watcher.disconnect();
  }, []);
  const choose = useCallback(
    (chosen: Theme): void => {
      applyTheme(chosen);
      void show.call("screen.prefer", { theme: chosen });
    },
    [show],
  );
  const resize = useCallback(
    (chosen: Size): void => {
      applySize(chosen);
      void show.call("screen.prefer", { size: chosen });
    },
    [show],
  );
  return { theme, size, choose, resize };
};
