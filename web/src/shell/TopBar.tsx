import { Contrast, Moon, Search, Sun } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useShow } from "./hooks.ts";
import { nextTheme, THEME_NAMES, type Theme, useLook } from "./theme.ts";

/** The line above every screen: its one heading and how the screen looks. */
export const TopBar = ({ title, children }: { readonly title: string; readonly children?: ReactNode }) => {
  const { find } = useShow();
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
      <button type="button" className="find-button" onClick={find} aria-keyshortcuts="Control+K">
        <Search className="i" aria-hidden="true" />
        Find or do
        <kbd>Ctrl K</kbd>
      </button>
      <ThemeButton />
    </header>
  );
};

const ICONS: { readonly [K in Theme]: typeof Sun } = { light: Sun, dark: Moon, blackout: Contrast };

const ThemeButton = () => {
  const { theme, choose } = useLook();
  const Icon = ICONS[theme];
  return (
    <button
      type="button"
      className="btn line"
      title="Ctrl Shift L"
      aria-label={`Screen: ${THEME_NAMES[theme]}`}
      onClick={() => choose(nextTheme(theme))}
    >
      <Icon className="i" aria-hidden="true" />
      {THEME_NAMES[theme]}
    </button>
  );
};
