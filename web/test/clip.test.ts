import { expect, test } from "vitest";
import { fromClipboard, readHtml, toClipboard, writeHtml } from "../src/lib/clip.ts";

const board = (kept: { [type: string]: string } = {}) => ({
  getData: (type: string) => kept[type] ?? "",
  setData: (type: string, data: string) => {
    kept[type] = data;
  },
});

test("what was copied is pasted: line breaks, quotes, tabs and signs of HTML", () => {
  const block = [
    ['line 1\nline 2 "q"', "a < b & c"],
    ["tab\there", ""],
  ];
  const one = board();
  toClipboard(one, block);
  expect(fromClipboard(one)).toEqual(block);
  expect(readHtml(writeHtml([["a < b & c", "x\ny"]]))).toEqual([["a < b & c", "x\ny"]]);
});

test("the table counts where the text has broken cells with line breaks into rows", () => {
  const html = "<html><body><table><tr><td>Bell<br>twice</td><td>4</td></tr></table></body></html>";
  expect(fromClipboard(board({ "text/plain": "Bell\ntwice\t4", "text/html": html }))).toEqual([
    ["Bell\ntwice", "4"],
  ]);
  expect(fromClipboard(board({ "text/plain": "Bell\t 4 ", "text/html": html }))).toEqual([["Bell", " 4 "]]);
});

test("a table as Excel and Word write it: white space, comments, entities, spans", () => {
  const html = `<!--StartFragment--><table border=0>
    <col width=64>
    <tr height=20><td colspan=2 style='x'>LX&nbsp;1
      and</td><td>&quot;A&#233;&quot;</td></tr>
    <tr><td rowspan="2"><p>one</p><p>two</p></td><td>b</td><td>c</td></tr>
    <tr><td>d</td><td>e</td></tr></table>`;
  expect(readHtml(html)).toEqual([
    ["LX 1 and", "", '"Aé"'],
    ["one\ntwo", "b", "c"],
    ["", "d", "e"],
  ]);
});

test("text without a table is no table", () => {
  expect(readHtml("<p>no</p>")).toBeNull();
});
