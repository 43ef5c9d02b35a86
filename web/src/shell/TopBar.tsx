import { Contrast, Moon, Sun } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useShow } from "./hooks.ts";
import { applyTheme, currentTheme, nextTheme, THEME_NAMES, type Theme } from "./theme.ts";

/** The line above every screen: its one heading and how the screen looks. */
export const TopBar = ({ title, children }: { readonly title: string; readonly children?: ReactNode }) => {
  useEffect(() => {
    document.title = `${title} – Openprod`;
  }, [title]);
  return (
    <header className="top" data-region="header">
      <h1 tabIndex={-1} data-heading>
        {title}
      </h1>
      {children}
      <span className="sp" />
      <ThemeButton />
    </header>
  );
};

const ICONS: { readonly [K in Theme]: typeof Sun } = { light: Sun, dark: Moon, blackout: Contrast };

const ThemeButton = () => {
  const { show } = useShow();
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const watcher = new MutationObserver(() => setTheme(currentTheme()));
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watcher.disconnect();
  }, []);
  const Icon = ICONS[theme];
  return (
    <button
      type="button"
      className="btn line"
      title="Ctrl Shift L"
      aria-label={`Screen: ${THEME_NAMES[theme]}`}
      onClick={() => {
        const next = nextTheme(theme);
        applyTheme(next);
        void show.call("screen.prefer", { theme: next });
      }}
    >
      <Icon className="i" aria-hidden="true" />
      {THEME_NAMES[theme]}
    </button>
  );
};
