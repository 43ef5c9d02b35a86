import {
  AArrowUp,
  Clock3,
  Contrast,
  Diamond,
  Download,
  FileText,
  House,
  Keyboard,
  Layers,
  Moon,
  Plus,
  Redo2,
  Sun,
  Table2,
  Undo2,
  Users,
} from "lucide-react";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { hasWords } from "../lib/words.ts";
import { Palette, type PaletteItem } from "../parts/Palette.tsx";
import type { FoundShape, Overview } from "../sdk/index.ts";
import { download } from "./download.ts";
import { useAsked, useOverview, useShow } from "./hooks.ts";
import { texts } from "./texts.ts";
import { SIZE_NAMES, SIZES, THEME_NAMES, THEMES, type Theme, useLook } from "./theme.ts";
import { useTakeBack } from "./undo.ts";

const FIND_MS = 90;
const RECORDS_MAX = 24;
const COMMANDS_MAX = 8;
const THEME_ICONS: { readonly [K in Theme]: typeof Sun } = { light: Sun, dark: Moon, blackout: Contrast };

interface CommandsProps {
  readonly isOpen: boolean;
  readonly close: () => void;
  readonly showKeys: () => void;
}

/** The command palette: go to a table, find a record by its words, do things. */
export const Commands = ({ isOpen, close, showKeys }: CommandsProps) => {
  const { show } = useShow();
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState("");
  useEffect(() => {
    if (!isOpen) setWords("");
  }, [isOpen]);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(words.trim()), FIND_MS);
    return () => clearTimeout(timer);
  }, [words]);
  const { value: found } = useAsked(
    async () =>
      asked === ""
        ? { ok: true as const, value: [] }
        : show.call("record.find", { text: asked, limit: RECORDS_MAX }),
    asked,
    isOpen,
  );
  const commands = useCommands(showKeys).filter((one) => hasWords(`${one.title} ${one.note}`, words));
  const records = useRecords(words.trim() === "" ? [] : (found ?? []));
  const isSearching = words.trim() !== asked || found === null;
  return (
    <Palette
      isOpen={isOpen}
      close={close}
      words={words}
      setWords={setWords}
      items={[...(words.trim() === "" ? commands : commands.slice(0, COMMANDS_MAX)), ...records]}
      nothing={isSearching ? "" : "Nothing here goes by that. Try the beginning of another word."}
    />
  );
};

const titleOf = (overview: Overview | null, table: string): string =>
  overview?.tables.find((one) => one.name === table)?.title ?? table;

const useRecords = (found: readonly FoundShape[]): readonly PaletteItem[] => {
  const overview = useOverview();
  const [, go] = useLocation();
  return found.map((one) => ({
    id: one.record,
    title: one.title,
    note: one.why,
    group: "Records",
    hint: titleOf(overview, one.table),
    icon: FileText,
    run: () => go(`/table/${one.table}?record=${one.record}`),
  }));
};

const useCommands = (showKeys: () => void): readonly PaletteItem[] => {
  const { show, say } = useShow();
  const overview = useOverview();
  const takeBack = useTakeBack();
  const { choose, resize } = useLook();
  const [path, go] = useLocation();
  const here = /^\/table\/(.+)$/.exec(path)?.[1] ?? null;
  const tables = overview?.tables ?? [];
  const own = tables.filter((table) => table.module !== "core");
  const item = (parts: Omit<PaletteItem, "note" | "hint" | "group"> & Partial<PaletteItem>): PaletteItem => ({
    note: "",
    hint: "",
    group: "Do",
    ...parts,
  });
  const undo = overview?.undo ?? null;
  const redo = overview?.redo ?? null;
  return [
    ...(undo === null
      ? []
      : [
          item({
            id: "undo",
            title: `Undo: ${undo}`,
            hint: "Ctrl Z",
            icon: Undo2,
            run: () => takeBack("undo"),
          }),
        ]),
    ...(redo === null
      ? []
      : [
          item({
            id: "redo",
            title: `Redo: ${redo}`,
            hint: "Ctrl Shift Z",
            icon: Redo2,
            run: () => takeBack("redo"),
          }),
        ]),
    ...(here === null
      ? []
      : [
          item({
            id: "add",
            title: `Add to ${titleOf(overview, here)}`,
            icon: Plus,
            run: () => go(`/table/${here}?add=1`),
          }),
          item({
            id: "export",
            title: `Export ${titleOf(overview, here)}`,
            icon: Download,
            run: () => void download(show, here, say),
          }),
        ]),
    item({
      id: "stage",
      title: texts.staging.start,
      icon: Layers,
      run: () => go("/staging?new=1"),
    }),
    ...THEMES.map((theme) =>
      item({
        id: `theme-${theme}`,
        title: `Screen: ${THEME_NAMES[theme]}`,
        hint: "Ctrl Shift L",
        icon: THEME_ICONS[theme],
        run: () => choose(theme),
      }),
    ),
    ...SIZES.map((size) =>
      item({
        id: `size-${size}`,
        title: SIZE_NAMES[size],
        hint: "Ctrl + Ctrl -",
        icon: AArrowUp,
        run: () => resize(size),
      }),
    ),
    item({ id: "keys", title: "Keys", hint: "F1", icon: Keyboard, run: showKeys }),
    item({
      id: "home",
      title: texts.rail.home,
      hint: "G H",
      group: "Go to",
      icon: House,
      run: () => go("/"),
    }),
    item({
      id: "staging",
      title: texts.staging.title,
      hint: "G S",
      group: "Go to",
      icon: Layers,
      run: () => go("/staging"),
    }),
    item({
      id: "history",
      title: texts.past.title,
      hint: "G T",
      group: "Go to",
      icon: Clock3,
      run: () => go("/history"),
    }),
    item({
      id: "decide",
      title: texts.rail.decide,
      hint: "G D",
      group: "Go to",
      icon: Diamond,
      run: () => go("/decide"),
    }),
    ...[...own, ...tables.filter((table) => table.module === "core")].map((table) =>
      item({
        id: table.name,
        title: table.title,
        hint: table.count.toLocaleString("en-GB"),
        group: "Go to",
        icon: Table2,
        run: () => go(`/table/${table.name}`),
      }),
    ),
    item({
      id: "people",
      title: texts.people.title,
      group: "Go to",
      icon: Users,
      run: () => go("/people"),
    }),
    ...own
      .filter((table) => table.name !== here)
      .map((table) =>
        item({
          id: `add-${table.name}`,
          title: `Add to ${table.title}`,
          group: "Add",
          icon: Plus,
          run: () => go(`/table/${table.name}?add=1`),
        }),
      ),
  ];
};
