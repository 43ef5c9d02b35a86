import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { WINDOW_ROWS_MAX } from "../../client/live.ts";
import { counted } from "../../lib/format.ts";
import { type Letter, lettersOf, PLAIN_MARK } from "../../lib/marks.ts";
import { question } from "../../lib/question.ts";
import { Grid, type GridHandle } from "../../parts/grid/Grid.tsx";
import { at, cellsOf, pasted, type Range, range, repeated, type Selection } from "../../parts/grid/model.ts";
import type { Column, GridEvents, GridSource, Line } from "../../parts/grid/source.ts";
import { lineState, Matrix, type RelationColumn, type TableShape } from "../../sdk/index.ts";
import { useAsked, useOverview, useShow, useStore } from "../hooks.ts";
import { StatusBar } from "../StatusBar.tsx";
import { TopBar } from "../TopBar.tsx";

const TITLE_WIDTH = 190;

/** A relation as a matrix, once it is known what it leads to: rows are a table's records, columns another's. */
export const MatrixPage = ({ name, column: key }: { readonly name: string; readonly column: string }) => {
  const { show } = useShow();
  const overview = useOverview();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const { value: relations } = useAsked(() => show.call("table.relations", { table: name }), name, state);
  const column = relations?.find((one) => one.key === key);
  const { value: properties } = useAsked(
    () => show.call("table.fields", { table: column?.relation ?? name }),
    column?.relation ?? "",
    state,
  );
  const letters = useMemo(
    () => (column === undefined || properties === null ? null : lettersOf(properties)),
    [column, properties],
  );
  const tableOf = (one: string | undefined): TableShape | undefined =>
    overview?.tables.find((table) => table.name === one);
  const [own, other] = [tableOf(name), tableOf(column?.tables[0])];
  if (column !== undefined && letters !== null && own !== undefined && other !== undefined)
    return <MatrixScreen key={key} own={own} other={other} column={column} letters={letters} />;
  return (
    <main className="main" aria-busy={relations === null}>
      <TopBar title={own?.title ?? ""} />
      {relations !== null && (column === undefined || other === undefined) && (
        <div className="empty" role="alert">
          <p>This relation has no other table to show as columns here.</p>
        </div>
      )}
    </main>
  );
};

interface MatrixScreenProps {
  readonly own: TableShape;
  readonly other: TableShape;
  readonly column: RelationColumn;
  readonly letters: readonly Letter[];
}

const recordLine = (row: number): Line => ({ kind: "record", label: String(row + 1), title: "", note: "" });

/** A table and its key in one text, which stays the same while its records change. */
const asking = (table: TableShape): string => [table.name, ...table.key].join(" ");

const asked = (words: string) => {
  const [table = "", ...order] = words.split(" ");
  return question({ table, where: null, order });
};

const MatrixScreen = ({ own, other, column, letters }: MatrixScreenProps) => {
  const { show, say } = useShow();
  const state = useStore(useMemo(() => lineState(show.line), [show]));
  const grid = useRef<GridHandle>(null);
  const [selection, setSelection] = useState<Selection>(at(0, 1));
  // A table's count changes with each record: only its name and key make another question.
  const [down, over] = [asking(own), asking(other)];
  const { key, title: relation } = column;
  const { rows, others, matrix } = useMemo(() => {
    const rows = show.rows(asked(down), down.split(" ")[0] ?? "");
    const options = { line: show.line, rows, column: key, title: relation, letters };
    return { rows, others: show.rows(asked(over), null), matrix: new Matrix(options) };
  }, [show, down, over, key, relation, letters]);
  useEffect(() => {
    matrix.onFault = (fault) => say(fault);
  }, [matrix, say]);
  const version = useStore(matrix);
  const live = useStore(rows);
  const across = useStore(others);
  const names = useStore(show.titles);
  useEffect(() => {
    if (across.state === "live") others.look(0, WINDOW_ROWS_MAX - 1);
  }, [others, across.state]);
  const ends = useMemo(() => across.rows.map((row) => String(row.values["id"])), [across.rows]);
  const columns = useMemo((): readonly Column[] => {
    void names;
    const plain = { offers: [], isSuggesting: false, separator: null, sorted: null };
    const title = { ...plain, key: "title", title: own.title, width: TITLE_WIDTH, isEditable: false };
    const marks = ends.map((id): Column => {
      const words = show.titles.of(id);
      const width = Math.max(48, Math.min(150, words.length * 8 + 26));
      return { ...plain, key: id, title: words, width, kind: "mark", isEditable: true };
    });
    return [{ ...title, kind: "text" }, ...marks];
  }, [ends, names, own.title, show]);
  const source = useMemo<GridSource>(() => {
    void version;
    void names;
    return {
      subject: rows,
      rows: live.count,
      newRow: live.count,
      columns,
      frozen: 1,
      label: `${own.title} by ${other.title}: ${column.title}`,
      ghost: "",
      isReadOnly: state !== "open",
      line: recordLine,
      id: (row) => matrix.id(row),
      face: (row, col) => {
        const id = matrix.id(row);
        if (id === null) return null;
        if (col === 0) return { text: show.titles.of(id), competing: 0, state: "saved" };
        const mark = matrix.mark(row, ends[col - 1] ?? "");
        if (mark === null) return null;
        return { text: mark.text, competing: 0, state: mark.isSaved ? "saved" : "saving" };
      },
    };
  }, [
    version,
    names,
    rows,
    live.count,
    columns,
    own.title,
    other.title,
    column.title,
    state,
    matrix,
    show,
    ends,
  ]);
  const events = useMatrixEvents({
    matrix,
    look: (a, b) => rows.look(a, b),
    count: live.count,
    ends,
    letters,
    setSelection,
    grid,
  });
  const { anchor } = selection;
  return (
    <main className="main">
      <TopBar title={own.title}>
        <nav className="views" aria-label="Views">
          <Link className="tab" href={`/table/${own.name}`}>
            All
          </Link>
          <span className="tab" aria-current="page">
            {column.title}
          </span>
        </nav>
      </TopBar>
      <div className="tools" data-region="tools">
        <span className="legend">
          <b>{PLAIN_MARK}</b> {column.title.toLowerCase()}
          {letters.map((one) => (
            <span key={one.letter}>
              <b>{one.letter}</b> {one.words.toLowerCase()}
            </span>
          ))}
          <span>
            <kbd>Delete</kbd> ends it
          </span>
        </span>
      </div>
      <section className="gridw" data-region="grid" aria-label={source.label}>
        {across.count > ends.length && across.state === "live" && (
          <div className="fault" role="status">
            The first {ends.length} of {counted(across.count, "record")} of {other.title} stand as columns.
          </div>
        )}
        <Grid ref={grid} source={source} events={events} />
      </section>
      <StatusBar
        keys={[
          [PLAIN_MARK, "mark"],
          ["F1", "keys"],
        ]}
      >
        <span className="num" data-count={live.state === "live" ? live.count : undefined}>
          {counted(live.count, "row")}
        </span>
        {anchor.col > 0 && (
          <span>
            {show.titles.of(matrix.id(anchor.row) ?? "")}, {columns[anchor.col]?.title}
          </span>
        )}
      </StatusBar>
    </main>
  );
};

interface MatrixEventParts {
  readonly matrix: Matrix;
  readonly look: (first: number, last: number) => void;
  readonly count: number;
  readonly ends: readonly string[];
  readonly letters: readonly Letter[];
  readonly setSelection: (selection: Selection) => void;
  readonly grid: { readonly current: GridHandle | null };
}

/** What the grid's events mean for marks. */
const useMatrixEvents = ({
  matrix,
  look,
  count,
  ends,
  letters,
  setSelection,
  grid,
}: MatrixEventParts): GridEvents => {
  const write = (
    cells: readonly { readonly row: number; readonly col: number; readonly text: string }[],
  ): void => {
    const marks = cells.flatMap(({ row, col, text }) => {
      const other = ends[col - 1];
      return other === undefined ? [] : [{ row, other, text }];
    });
    void matrix.write(marks);
  };
  const fill = (area: Range, text: string): void => write(cellsOf(area).map((cell) => ({ ...cell, text })));
  const signs = [PLAIN_MARK, ...letters.map((one) => one.letter)];
  const nothing = (): void => undefined;
  return {
    look,
    select: setSelection,
    begin: nothing,
    commit: (cell, text) => write([{ ...cell, text }]),
    draft: nothing,
    cancel: nothing,
    suggest: async () => [],
    clear: (area) => fill(area, ""),
    copy: () => false,
    paste: (block, area) => {
      const plan = pasted(block, area, { rows: count, cols: ends.length + 1 });
      write(plan.cells);
      grid.current?.choose(plan.selection);
    },
    fill: (from, to) =>
      write(
        repeated(from, to).map((one) => ({
          ...one.to,
          text: matrix.mark(one.from.row, ends[one.from.col - 1] ?? "")?.text ?? "",
        })),
      ),
    // A letter makes the mark at once, in every cell that is chosen.
    key: (event, selection) => {
      const letter = event.key.toUpperCase();
      if (event.ctrlKey || event.metaKey || event.altKey || !signs.includes(letter)) return false;
      fill(range(selection), letter);
      return true;
    },
    sort: nothing,
    resize: nothing,
    reorder: nothing,
    menu: nothing,
    leave: () => document.querySelector<HTMLElement>("[data-heading]")?.focus(),
  };
};
