// Reads texts with stock Yjs: applies the updates it is given, types as a browser would, prints what it has.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const Y = createRequire(process.argv[2])("yjs");
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const asked = JSON.parse(readFileSync(0, "utf8"));

const answers = asked.map(({ updates, client, edits }) => {
  const doc = new Y.Doc();
  if (client !== undefined) doc.clientID = client;
  for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, "hex"));
  const text = doc.getText("t");
  const before = text.toString();
  const made = [];
  doc.on("update", (update) => made.push(hex(update)));
  for (const edit of edits ?? []) {
    doc.transact(() => {
      for (const [at, gone, come] of edit) {
        if (gone) text.delete(at, gone);
        if (come) text.insert(at, come);
      }
    });
  }
  return { before, made, after: text.toString(), vector: hex(Y.encodeStateVector(doc)), state: hex(Y.encodeStateAsUpdate(doc)) };
});
process.stdout.write(JSON.stringify(answers));
