import Papa from "papaparse";

/** A block of cells as a spreadsheet's clipboard has it: rows of texts. */
export type Block = readonly (readonly string[])[];

/** Reads clipboard text; a quoted cell may hold tabs, line breaks and doubled quotes, as Excel writes them. */
export const readTsv = (text: string): Block => {
  const lines = text.replace(/\r\n?/g, "\n");
  const whole = lines.endsWith("\n") ? lines.slice(0, -1) : lines;
  if (whole === "") return [[""]];
  return Papa.parse<string[]>(whole, { delimiter: "\t", newline: "\n", skipEmptyLines: false }).data;
};

/** Writes a block of cells as clipboard text. */
export const writeTsv = (block: Block): string => block.map((row) => row.map(quoted).join("\t")).join("\n");

const quoted = (cell: string): string => (/[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
