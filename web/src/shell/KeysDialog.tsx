import { Modal } from "../parts/Modal.tsx";

const KEYS: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[] = [
  {
    title: "Anywhere",
    rows: [
      ["Ctrl K", "find a record, go to a table, do something"],
      ["Ctrl F", "find in this table"],
      ["Ctrl Z, Ctrl Shift Z", "undo, redo; what it would be stands on the status bar"],
      ["G, then H, D, S or T", "home, to decide, staging, history"],
      ["Ctrl Shift L", "light, dark, blackout"],
      ["Ctrl +, Ctrl -", "larger and smaller type"],
      ["F6", "next region"],
      ["F1, or ? outside the grid", "these keys"],
    ],
  },
  {
    title: "Table",
    rows: [
      ["arrows, Home, End, PgUp, PgDn", "move; Shift extends, Ctrl goes to the end"],
      ["any character", "replaces what is in the cell"],
      ["Enter, F2", "edit; Enter and Tab save, Esc gives up"],
      ["Ctrl C, X, V", "copy, cut, paste; past the end makes new rows"],
      ["Ctrl D, Ctrl R", "fill down, fill right"],
      ["Delete", "clear cells, never records"],
      ["Ctrl Enter", "new record below, with the number between"],
      ["Ctrl Delete", "delete records"],
      ["Alt ←, Alt →", "previous, next view"],
      ["Alt Shift ←, Alt Shift →", "move the column"],
      ["Ctrl ;, Ctrl Shift ;", "today, now"],
      ["Shift F10", "menu of the cell and its column"],
      ["Ctrl P", "print the whole view"],
      ["Space", "open the record"],
      ["Shift Space", "history of the record"],
      ["Esc", "leave the grid"],
    ],
  },
  {
    title: "To decide",
    rows: [
      ["J, K", "next, previous"],
      ["1 to 9", "take that value"],
      ["E", "another value"],
      ["O", "see it in its table"],
      ["S", "leave it open"],
    ],
  },
  {
    title: "Staging",
    rows: [
      ["J, K", "next, previous"],
      ["X", "leave out; Ctrl Z puts it back"],
      ["M, T", "keep mine, use theirs"],
      ["Ctrl Enter", "commit"],
    ],
  },
];

export const KeysDialog = ({ isOpen, close }: { readonly isOpen: boolean; readonly close: () => void }) => (
  <Modal title="Keys" isOpen={isOpen} close={close}>
    <div className="keys">
      {KEYS.map((group) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <dl>
            {group.rows.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  </Modal>
);
