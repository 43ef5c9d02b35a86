import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { GridCore } from "./core.ts";
import type { Cell, Selection } from "./model.ts";
import type { GridEvents, GridSource } from "./source.ts";

/** What a screen may ask of its grid. */
export interface GridHandle {
  focus(): void;
  go(cell: Cell): void;
  /** Goes to the row that becomes a new record. */
  goNew(col: number): void;
  choose(selection: Selection): void;
  /** Opens the editor; with `isOffered` the text is chosen whole, so that typing replaces it. */
  edit(text?: string, isOffered?: boolean): void;
  /** Where a cell or a column's head is on screen. */
  place(cell: Cell, isHead: boolean): { readonly left: number; readonly bottom: number };
  readonly isEditing: boolean;
  readonly selection: Selection;
  /** The record under the cursor. */
  readonly record: string | null;
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
      cancel: (cell) => heard.current.cancel(cell),
      suggest: (cell, text) => heard.current.suggest(cell, text),
      clear: (range) => heard.current.clear(range),
      copy: (range) => heard.current.copy(range),
      paste: (block, range) => heard.current.paste(block, range),
      fill: (from, to) => heard.current.fill(from, to),
      key: (event, selection) => heard.current.key(event, selection),
      sort: (col) => heard.current.sort(col),
      resize: (col, width) => heard.current.resize(col, width),
      reorder: (col, before) => heard.current.reorder(col, before),
      menu: (at, cell, isHead) => heard.current.menu(at, cell, isHead),
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
    goNew: (col) => core.current?.goNew(col),
    choose: (selection) => core.current?.choose(selection),
    edit: (text, isOffered) => core.current?.edit(text, isOffered),
    place: (cell, isHead) => core.current?.place(cell, isHead) ?? { left: 0, bottom: 0 },
    get isEditing() {
      return core.current?.isEditing ?? false;
    },
    get record() {
      return core.current?.record ?? null;
    },
    get selection() {
      return core.current?.selection ?? { anchor: { row: 0, col: 0 }, end: { row: 0, col: 0 } };
    },
  }));

  return <div ref={place} className="g" />;
};
