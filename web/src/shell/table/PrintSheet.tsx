import { useEffect } from "react";
import { createPortal } from "react-dom";
import { counted, readable } from "../../lib/format.ts";
import type { Block } from "../../lib/tsv.ts";
import type { FieldShape } from "../../sdk/index.ts";

/** A whole view as it goes on paper. */
export interface Sheet {
  readonly title: string;
  readonly about: string;
  readonly fields: readonly FieldShape[];
  readonly block: Block;
}

/** Puts a sheet beside the page, prints it, and takes it away again; on screen nothing of it is seen. */
export const PrintSheet = ({ sheet, done }: { readonly sheet: Sheet; readonly done: () => void }) => {
  useEffect(() => {
    addEventListener("afterprint", done);
    print();
    return () => removeEventListener("afterprint", done);
  }, [done]);
  const made = new Date().toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return createPortal(
    <article className="sheet" aria-hidden="true">
      <header>
        <h1>{sheet.title}</h1>
        <p>
          {sheet.about} {counted(sheet.block.length, "row")}, {made}
        </p>
      </header>
      <table>
        <thead>
          <tr>
            {sheet.fields.map((field) => (
              <th key={field.key}>{field.title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sheet.block.map((line, row) => (
            // A printed row has no other name than its place.
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are printed once and never move
            <tr key={row}>
              {sheet.fields.map((field, col) => (
                <td key={field.key}>{readable(line[col] ?? "", field.type)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </article>,
    document.body,
  );
};
