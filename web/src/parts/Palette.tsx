import { Autocomplete } from "@base-ui/react/autocomplete";
import { Dialog } from "@base-ui/react/dialog";
import { type LucideIcon, Search } from "lucide-react";
import { useEffect, useRef } from "react";

export interface PaletteItem {
  readonly id: string;
  readonly title: string;
  /** What is said below the title, where there is anything. */
  readonly note: string;
  /** The heading under which it stands; items of one heading follow each other. */
  readonly group: string;
  /** The key that does the same, or the table it is in. */
  readonly hint: string;
  readonly icon: LucideIcon;
  readonly run: () => void;
}

interface PaletteProps {
  readonly isOpen: boolean;
  readonly close: () => void;
  readonly items: readonly PaletteItem[];
  readonly words: string;
  readonly setWords: (words: string) => void;
  /** Said where there is no item. */
  readonly nothing: string;
}

/** A list over the page to find and to do things by typing; the one place that knows which library makes it. */
export const Palette = ({ isOpen, close, items, words, setWords, nothing }: PaletteProps) => {
  // What was chosen decides where the focus goes; given up, it goes back to where it was.
  const isRun = useRef(false);
  useEffect(() => {
    if (isOpen) isRun.current = false;
  }, [isOpen]);
  const run = (item: PaletteItem): void => {
    isRun.current = true;
    close();
    item.run();
  };
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="modal-ground" />
        <Dialog.Popup className="palette" aria-label="Find or do" finalFocus={() => !isRun.current}>
          <Autocomplete.Root
            open
            inline
            autoHighlight="always"
            mode="none"
            filter={null}
            items={items}
            itemToStringValue={(item: PaletteItem) => item.title}
            value={words}
            onValueChange={(typed, { reason }) => reason !== "item-press" && setWords(typed)}
          >
            <div className="palette-input">
              <Search className="i" aria-hidden="true" />
              <Autocomplete.Input placeholder="Find or do" aria-label="Find or do" spellCheck={false} />
              <kbd>Esc</kbd>
            </div>
            <Autocomplete.Empty className="palette-nothing">{nothing}</Autocomplete.Empty>
            <Autocomplete.List className="palette-list">
              {(item: PaletteItem) => (
                <Entry
                  key={item.id}
                  item={item}
                  isFirst={items.find((one) => one.group === item.group) === item}
                  run={run}
                />
              )}
            </Autocomplete.List>
          </Autocomplete.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
};

interface EntryProps {
  readonly item: PaletteItem;
  readonly isFirst: boolean;
  readonly run: (item: PaletteItem) => void;
}

const Entry = ({ item, isFirst, run }: EntryProps) => {
  const Icon = item.icon;
  return (
    <>
      {isFirst && (
        <div className="palette-group" role="presentation">
          {item.group}
        </div>
      )}
      <Autocomplete.Item value={item} className="palette-item" onClick={() => run(item)}>
        <Icon className="i" aria-hidden="true" />
        <span className="palette-title">
          {item.title}
          {item.note !== "" && <small>{item.note}</small>}
        </span>
        <span className="palette-hint">{item.hint}</span>
      </Autocomplete.Item>
    </>
  );
};
