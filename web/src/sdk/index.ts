/** What screens and, later, modules' views use: the show's rows, cells, records and questions. */
import type { Line } from "../client/line.ts";
import { LiveOverview, LiveRows, type Store } from "../client/live.ts";
import type { Plain } from "../lib/check.ts";
import type { Result } from "../lib/result.ts";
import type { AnyIntent, Calls, FieldShape } from "../wire/calls.ts";
import { Cells, type Memory } from "./cells.ts";
import { type PlaceMemory, Standings } from "./standing.ts";
import { Titles } from "./titles.ts";

export { type Hears, type Keep, Line, type LineState, type Socket } from "../client/line.ts";
export { LiveOverview, LiveRows, type RowsView, type Store } from "../client/live.ts";
export type {
  AnyIntent,
  ChangeShape,
  ConflictShape,
  ConflictValue,
  DecisionShape,
  DriftShape,
  EndShape,
  FieldShape,
  FoundShape,
  Home,
  LogEntry,
  NoticeShape,
  OverlayShape,
  Overview,
  RecordShape,
  RelationColumn,
  RelationShape,
  RowShape,
  SinceShape,
  Soundness,
  Standing,
  TableShape,
  ViewShape,
} from "../wire/calls.ts";
export { type CellFace, Cells, type Memory } from "./cells.ts";
export { ENDS, endsColumn, relating, SEPARATOR } from "./ends.ts";
export { Matrix, type NewMark } from "./matrix.ts";
export { NOW, Standings } from "./standing.ts";
export { Titles } from "./titles.ts";

/** Everything a screen may ask of the program. */
export class Show {
  readonly line: Line;
  readonly overview: LiveOverview;
  readonly titles: Titles;
  readonly standing: Standings;

  constructor(line: Line, place: PlaceMemory) {
    this.line = line;
    this.overview = new LiveOverview(line);
    // Before anything watches: the window's place comes first on a new line.
    this.standing = new Standings(line, this.overview, place);
    this.standing.follow();
    this.titles = new Titles(line);
    this.overview.subscribe(() => this.titles.refresh());
  }

  /** The rows of a question, kept up to date; with the heads of their cells where they are those of a table. */
  rows(query: { readonly [key: string]: Plain }, table: string | null): LiveRows {
    return new LiveRows(this.line, query, table);
  }

  /** A table's cells, to show and to edit. */
  cells(
    table: string,
    fields: readonly FieldShape[],
    query: { readonly [key: string]: Plain },
    rows: LiveRows,
    memory: Memory,
  ): Cells {
    return new Cells({ line: this.line, table, fields, rows, query, titles: this.titles, memory });
  }

  /** Does several things as one step. */
  edit(intents: readonly AnyIntent[], label: string): Promise<Result<Calls["edit"]["result"]>> {
    return this.line.call("edit", { intents, label });
  }

  call<K extends keyof Calls>(name: K, args: Calls[K]["args"]): Promise<Result<Calls[K]["result"]>> {
    return this.line.call(name, args);
  }
}

/** How the line stands, as a store. */
export const lineState = (line: Line): Store<Line["state"]> => ({
  subscribe: (listener) => line.onState(listener),
  read: () => line.state,
});
