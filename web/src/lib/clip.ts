/** Cells on the clipboard: tab-separated text as spreadsheets write it, and a table for what reads HTML. */
import { type Block, readTsv, writeTsv } from "./tsv.ts";

const HTML = "text/html";
const PLAIN = "text/plain";

/** What is needed of a clipboard. */
export interface Clipboard {
  getData(type: string): string;
  setData(type: string, data: string): void;
}

/**
 * Returns the cells on a clipboard. The plain text counts, which keeps spaces as they are; only where the table beside it
 * has fewer rows, because line breaks inside of cells were not quoted in the text, the table counts.
 */
export const fromClipboard = (clipboard: Clipboard): Block => {
  const block = readTsv(clipboard.getData(PLAIN));
  const table = readHtml(clipboard.getData(HTML));
  return table !== null && (table.length < block.length || isEmpty(block)) ? table : block;
};

/** Puts cells on a clipboard. */
export const toClipboard = (clipboard: Clipboard, block: Block): void => {
  clipboard.setData(PLAIN, writeTsv(block));
  clipboard.setData(HTML, writeHtml(block));
};

const isEmpty = (block: Block): boolean => block.every((line) => line.every((cell) => cell === ""));

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", "<br>");

/** Writes a block of cells as a table. */
export const writeHtml = (block: Block): string =>
  `<table>${block.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("")}</table>`;

/** Reads the first table in a piece of HTML, its text only, null where there is none. No part of it becomes a page. */
export const readHtml = (html: string): Block | null => {
  const start = html.search(/<table[\s>]/i);
  if (start < 0) return null;
  const end = html.indexOf("</table", start);
  const table = new TableReader();
  const parts = html
    .slice(start, end < 0 ? undefined : end)
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .matchAll(/<(\/?)([a-z0-9:]+)([^>]*)>|([^<]+)/gi);
  for (const [, slash, tag, attributes, words] of parts) {
    if (words !== undefined) table.say(words);
    else table.tag(slash === "/", (tag ?? "").toLowerCase(), attributes ?? "");
  }
  return table.block();
};

/** Builds a block of cells out of a table's tags; a cell that spans several is the first of them, the others are empty. */
class TableReader {
  readonly #rows: string[][] = [];
  #row = -1;
  #cell: { words: string; readonly down: number; readonly right: number } | null = null;

  tag(isEnd: boolean, name: string, attributes: string): void {
    if (name === "tr" && !isEnd) {
      this.#finish();
      this.#line(++this.#row);
    } else if (name === "td" || name === "th") {
      this.#finish();
      if (!isEnd)
        this.#cell = { words: "", down: span("rowspan", attributes), right: span("colspan", attributes) };
    } else if (this.#cell !== null && (name === "br" || (isEnd && /^(p|div|li)$/.test(name))))
      this.#cell.words += "\n";
  }

  /** White space is one space, as a browser shows it. */
  say(words: string): void {
    if (this.#cell !== null)
      this.#cell.words += decoded(words.replaceAll(/\s+/g, " ")).replaceAll("\u00a0", " ");
  }

  block(): Block | null {
    this.#finish();
    return this.#rows.length === 0 ? null : this.#rows.map((line) => Array.from(line, (cell) => cell ?? ""));
  }

  #line(row: number): string[] {
    const line = this.#rows[row] ?? [];
    this.#rows[row] = line;
    return line;
  }

  #finish(): void {
    const cell = this.#cell;
    this.#cell = null;
    if (cell === null || this.#row < 0) return;
    const line = this.#line(this.#row);
    let from = 0;
    while (from in line) from++;
    for (let down = 0; down < cell.down; down++)
      for (let right = 0; right < cell.right; right++)
        this.#line(this.#row + down)[from + right] = down + right === 0 ? trimmed(cell.words) : "";
  }
}

const SPAN_MAX = 200;

const span = (name: string, attributes: string): number => {
  const found = new RegExp(`${name}\\s*=\\s*["']?([0-9]+)`, "i").exec(attributes)?.[1];
  return Math.max(1, Math.min(SPAN_MAX, Number(found ?? 1)));
};

const trimmed = (words: string): string =>
  words
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();

const ENTITIES: { readonly [name: string]: string } = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

const decoded = (words: string): string =>
  words.replaceAll(/&(?:#([0-9]+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, digits, hex, name) => {
    if (typeof name === "string") return ENTITIES[name.toLowerCase()] ?? whole;
    const code = typeof digits === "string" ? Number(digits) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
