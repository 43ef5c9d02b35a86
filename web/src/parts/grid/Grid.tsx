import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { GridCore, type GridEvents, type GridSource } from "./core.ts";
import type { Cell, Selection } from "./model.ts";

/** What a screen may ask of its grid. */
export interface GridHandle {
  focus(): void;
  go(cell: Cell): void;
  choose(selection: Selection): void;
  edit(text?: string): void;
  readonly isEditing: boolean;
  readonly selection: Selection;
}

interface GridProps {
  readonly source: GridSource;
  readonly events: GridEvents;
  readonly ref: Ref<GridHandle>;
}

/** The grid as a React part; what is in it is painted by `GridCore`, which React does not see into. */
export const Grid = ({ source, events, ref }: GridProps) => {
  const place = useRef<HTMLDivElement>(null);
  const core = useRef<GridCore | null>(null);
  const heard = useRef(events);
  heard.current = events;
  const first = useRef(source);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new GridCore(element, first.current, {
      look: (from, to) => heard.current.look(from, to),
      select: (selection) => heard.current.select(selection),
      begin: (cell) => heard.current.begin(cell),
      commit: (cell, text) => heard.current.commit(cell, text),
      draft: (cell, text) => heard.current.draft(cell, text),
      suggest: (cell, text) => heard.current.suggest(cell, text),
      clear: (range) => heard.current.clear(range),
      copy: (range) => heard.current.copy(range),
      paste: (block, range) => heard.current.paste(block, range),
      key: (event, selection) => heard.current.key(event, selection),
      sort: (col) => heard.current.sort(col),
      leave: () => heard.current.leave(),
    });
    core.current = made;
    return () => {
      core.current = null;
      made.destroy();
    };
  }, []);

  useLayoutEffect(() => {
    first.current = source;
    core.current?.update(source);
  }, [source]);

  useImperativeHandle(ref, () => ({
    focus: () => core.current?.focus(),
    go: (cell) => core.current?.go(cell),
    choose: (selection) => core.current?.choose(selection),
    edit: (text) => core.current?.edit(text),
    get isEditing() {
      return core.current?.isEditing ?? false;
    },
    get selection() {
      return core.current?.selection ?? { anchor: { row: 0, col: 0 }, end: { row: 0, col: 0 } };
    },
  }));

  return <div ref={place} className="g" />;
};
