import { Autocomplete } from "@base-ui/react/autocomplete";
import { useEffect, useRef, useState } from "react";

export interface Suggestion {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
}

interface TypeAheadProps {
  readonly label: string;
  readonly placeholder: string;
  /** What stands in the box while nobody types. */
  readonly text: string;
  readonly suggest: (text: string) => Promise<readonly Suggestion[]>;
  readonly choose: (chosen: Suggestion) => void;
  /** Told when the box is left or Enter is pressed with a text that nothing was chosen for. */
  readonly leave: (text: string) => void;
}

/** A box in which typing the beginning of a name offers what goes by it; the one place that knows which library makes it. */
export const TypeAhead = ({ label, placeholder, text, suggest, choose, leave }: TypeAheadProps) => {
  const [typed, setTyped] = useState<string | null>(null);
  const [offered, setOffered] = useState<readonly Suggestion[]>([]);
  const newest = useRef(suggest);
  newest.current = suggest;
  useEffect(() => {
    if (typed === null) return;
    let isWanted = true;
    void newest.current(typed.trim()).then((found) => isWanted && setOffered(found));
    return () => {
      isWanted = false;
    };
  }, [typed]);
  const done = (): void => {
    setTyped(null);
    setOffered([]);
  };
  return (
    <Autocomplete.Root
      items={offered}
      mode="none"
      filter={null}
      autoHighlight
      itemToStringValue={(one: Suggestion) => one.title}
      value={typed ?? text}
      onValueChange={(value, { reason }) => reason !== "item-press" && setTyped(value)}
    >
      <Autocomplete.Input
        className={typed === null ? "f-text" : "f-text is-typed"}
        aria-label={label}
        placeholder={placeholder}
        spellCheck={false}
        onBlur={() => {
          if (typed !== null && typed !== text) leave(typed.trim());
          done();
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape" && typed !== null) {
            event.preventDefault();
            event.stopPropagation();
            done();
          } else if (event.key === "Enter" && typed === "" && text !== "") {
            event.preventDefault();
            leave("");
            done();
          }
        }}
      />
      <Autocomplete.Portal>
        <Autocomplete.Positioner sideOffset={4} className="menu-place">
          <Autocomplete.Popup className={offered.length === 0 ? "menu is-empty" : "menu"}>
            <Autocomplete.List>
              {(one: Suggestion) => (
                <Autocomplete.Item
                  key={one.id}
                  value={one}
                  className="menu-item is-suggestion"
                  onClick={() => {
                    choose(one);
                    done();
                  }}
                >
                  <span>{one.title}</span>
                  <small>{one.hint}</small>
                </Autocomplete.Item>
              )}
            </Autocomplete.List>
          </Autocomplete.Popup>
        </Autocomplete.Positioner>
      </Autocomplete.Portal>
    </Autocomplete.Root>
  );
};
