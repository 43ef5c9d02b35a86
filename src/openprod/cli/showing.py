"""What is there: a table, a record, a query's answer, words found anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, names, once
from openprod.cli.call import Call, command
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.query.shown import OutColumn
    from openprod.workspace.asking import Answer
    from openprod.workspace.shapes import FieldShape, FoundShape, RecordShape
    from openprod.workspace.view import View

FORMATS = click.Choice(["table", "json", "csv"])
ROWS_SHOWN = 100
HITS_SHOWN = 100
QUERY_BYTES_MAX = 1 << 18
NUMBERS = frozenset(("int", "float", "decimal", "duration"))


class NoQuery(Refused):
    """A query file that cannot be read."""

    code = "cli.query_file"


@command("show", overlay=True)
@click.argument("what", metavar="TABLE_OR_RECORD")
@click.option("--where", metavar="Q", help="Only records for which this holds: 'page >= 10 AND is_called == true'.")
@click.option("--sort", metavar="F,…", help="The order: fields, with - before one for the reverse.")
@click.option("--fields", "chosen", metavar="F,…", help="Only these fields.")
@click.option("--limit", type=click.IntRange(0), metavar="N", help=f"At most so many; a table shows {ROWS_SHOWN}.")
@click.option("--all", "is_all", is_flag=True, help="All of them, however many.")
@click.option("--as-of", metavar="T", help="As it was at a time, a day (2026-11-20) or a milestone.")
@click.option("--format", "form", type=FORMATS, help="How it is printed.")
def show(
    call: Call,
    what: str,
    where: str | None,
    sort: str | None,
    chosen: str | None,
    limit: int | None,
    form: str | None,
    as_of: str | None,
    *,
    is_all: bool,
) -> None:
    """Show a table, or a record with everything about it.

    A record is an id, a beginning of one, or TABLE:KEY (lighting.cues:11, sm.cues:LX/11).
    """
    workspace = call.view(as_of)
    if ":" in what or (what not in workspace.catalog.tables and _is_id(what)):
        if any(one is not None for one in (where, sort, chosen, limit)):
            raise click.UsageError("--where, --sort, --fields and --limit are for tables, and this is a record.")
        _show_record(call, workspace, what, form)
        return
    table = workspace.catalog.table(what)
    query: dict[str, object] = {"from": what, "where": where or "", "conflicts": True}
    if sort:
        query["sort"] = {"order": names(sort)}
    if chosen:
        query["select"] = {name: name for name in names(chosen)}
    shown = Shown(call, form, limit, is_all=is_all)
    key = len(table.key) if not chosen else len(names(chosen))
    shown.print(workspace, lambda most: workspace.answer(query=query, limit=most), needed=max(key, 1))
    if shown.has_more:
        output.say(f"{shown.count} of {workspace.count(what, where)} records. All of them: --all")


def _is_id(text: str) -> bool:
    digits = text.replace("-", "").lower()
    return bool(digits) and all(letter in "0123456789abcdef" for letter in digits)


@command("query", overlay=True)
@click.argument("text", metavar="[NAME_OR_TEXT]", required=False)
@click.option("--from", "table", metavar="TABLE", help="The table that a condition is about.")
@click.option("--file", "file", metavar="FILE", help="A file that holds the query, as TOML or JSON.")
@click.option("--param", "params", metavar="K=V", multiple=True, type=assignment, help="A value for the query's $k.")
@click.option("--limit", type=click.IntRange(0), metavar="N", help=f"At most so many rows; a table shows {ROWS_SHOWN}.")
@click.option("--all", "is_all", is_flag=True, help="All of them, however many.")
@click.option("--as-of", metavar="T", help="As it was at a time, a day (2026-11-20) or a milestone.")
@click.option("--format", "form", type=FORMATS, help="How it is printed.")
def query(
    call: Call,
    text: str | None,
    table: str | None,
    file: str | None,
    params: tuple[tuple[str, str], ...],
    limit: int | None,
    form: str | None,
    as_of: str | None,
    *,
    is_all: bool,
) -> None:
    """Ask a saved query by name (schedule.first_calls), or a condition: query 'page == 10' --from lighting.cues."""
    if (text is None) == (file is None):
        raise click.UsageError("Give a saved query's name, a condition with --from TABLE, or --file FILE.")
    given = once(params)
    form_of_file = _query_file(Path(file)) if file is not None else None
    workspace = call.view(as_of)

    def ask(most: int | None) -> AbstractContextManager[Answer]:
        return workspace.answer(text, table, form_of_file, limit=most, params=given)

    shown = Shown(call, form, limit, is_all=is_all)
    shown.print(workspace, ask, needed=1)
    if shown.has_more:
        output.say(f"The first {shown.count} rows. All of them: --all")


def _query_file(path: Path) -> Mapping[str, object]:
    import tomllib

    try:
        with path.open("rb") as file:
            raw = file.read(QUERY_BYTES_MAX + 1)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoQuery(f"{path} is not text in UTF-8, so it holds no query. Save it as UTF-8.") from None
    if len(raw) > QUERY_BYTES_MAX:
        raise NoQuery(f"{path} is larger than a query may be ({QUERY_BYTES_MAX >> 10} KiB).")
    try:
        if text.lstrip().startswith("{"):
            import msgspec

            return msgspec.json.decode(text, type=dict[str, object])
        return tomllib.loads(text)
    except ValueError as error:
        raise NoQuery(f"{path} cannot be read as a query: {error}.") from error


class Shown:
    """An answer on its way to the terminal, to a program, or to a spreadsheet."""

    def __init__(self, call: Call, form: str | None, limit: int | None, *, is_all: bool) -> None:
        self._form = form or ("json" if call.is_json else "table")
        if call.is_json and self._form != "json":
            raise click.UsageError(f"--json and --format {self._form} do not go together.")
        self._limit = limit if limit is not None or is_all or self._form != "table" else ROWS_SHOWN
        self._is_cut = limit is None and self._limit is not None
        self.count = 0
        self.has_more = False

    def print(self, workspace: View, ask: Callable[[int | None], AbstractContextManager[Answer]], needed: int) -> None:
        """Prints the answer that `ask` gives for a limit; `needed` first columns are shown in any case."""
        most = self._limit + 1 if self._limit is not None and self._is_cut else self._limit
        with ask(most) as answer:
            if self._form == "json":
                output.stream(answer.rows)
                return
            columns = [column for column in answer.columns if column.kind in {"value", "list"}]
            if self._form == "csv":
                from openprod.exchange.export import text_of

                kept = [
                    *(["id"] if answer.columns[:1] and answer.columns[0].kind == "id" else []),
                    *(one.name for one in columns),
                ]
                output.csv_rows(kept, ([text_of(row[name]) for name in kept] for row in answer.rows))
                return
            rows = list(answer.rows)
        self.has_more = self._is_cut and self._limit is not None and len(rows) > self._limit
        rows = rows[: self._limit] if self.has_more else rows
        self.count = len(rows)
        self._print_table(workspace, columns, rows, needed)

    def _print_table(
        self, workspace: View, columns: Sequence[OutColumn], rows: Sequence[Mapping[str, object]], needed: int
    ) -> None:
        if not rows:
            output.say("There are none.")
            return
        titles = Titles(workspace)
        cells = [
            [
                output.cell(row[one.name], one.type, titles.of, titles.clock)
                + (" (?)" if one.name in cast("Sequence[str]", row.get("conflicts") or ()) else "")
                for one in columns
            ]
            for row in rows
        ]
        kept = output.fitting([one.name for one in columns], cells, needed)
        right = frozenset(at for at, no in enumerate(kept) if columns[no].type in NUMBERS)
        output.table([columns[at].name for at in kept], [[row[at] for at in kept] for row in cells], right=right)
        hidden = [one.name for at, one in enumerate(columns) if at not in kept and any(row[at] for row in cells)]
        if hidden:
            output.say(f"Not shown for want of room: {', '.join(hidden)}. Choose with --fields, or use --format csv.")
        if any(row.get("conflicts") for row in rows):
            output.say("(?) marks what waits for a decision: openprod conflicts")


class Titles:
    """What records are called, each looked up once, and how the show writes times."""

    def __init__(self, workspace: View) -> None:
        self._workspace = workspace
        self._known: dict[str, str] = {}
        self.clock = next(one["value"] for one in workspace.settings() if one["name"] == "clock")

    def of(self, record: str) -> str:
        """Returns a record's title."""
        if record not in self._known:
            self._known[record] = self._workspace.record(record)["title"]
        return self._known[record]


def _show_record(call: Call, workspace: View, what: str, form: str | None) -> None:
    record = workspace.record(what)
    if call.is_json or form == "json":
        output.document(record)
        return
    if form == "csv":
        raise click.UsageError("One record is shown as a table or as JSON, not as CSV.")
    print_record(workspace, record)


def print_record(workspace: View, record: RecordShape) -> None:
    """Prints a record: its title, its fields table by table, its relations, and what waits for a decision."""
    marks = f"  [{', '.join(record['marks'])}]" if record["marks"] else ""
    output.line(f"{record['title']}{marks}")
    output.pairs({"id": record["id"], "in": ", ".join(record["tables"]) or "no table"})
    titles = Titles(workspace)
    left = dict(record["fields"])
    for table in record["tables"]:
        known = {one["key"]: one for one in workspace.fields(table)} if table in workspace.catalog.tables else {}
        values = {
            known[key]["title"]: _value(record, key, known[key], titles)
            for key in known
            if left.get(key) is not None or key in record["conflicts"] or key in record["taken"]
        }
        for key in known:
            left.pop(key, None)
        if values:
            output.line(table)
            output.pairs(values)
    rest = {key: output.cell(value) for key, value in left.items() if value is not None}
    if rest:
        output.line("values without a table here")
        output.pairs(rest)
    print_relations(workspace, record["id"], "relations")
    for question in workspace.conflicts(record["id"]) if record["conflicts"] or "contested" in record["marks"] else ():
        output.line(f"? {question['text']}  (openprod resolve {question['id'][:8]} --choose N)")


def _value(record: RecordShape, key: str, field: FieldShape, titles: Titles) -> str:
    shown = output.cell(record["fields"].get(key), field["type"], titles.of, titles.clock)
    shown = f"{shown} (?)" if key in record["conflicts"] else shown
    taken = record["taken"].get(key)
    return shown if taken is None else f"{shown}  ({taken['text']})".lstrip()


def print_relations(workspace: View, record: str, heading: str = "") -> None:
    """Prints the relations of a record."""
    relations = workspace.relations(record)
    if relations and heading:
        output.line(heading)
    catalog = workspace.catalog
    rows: list[tuple[str, str, str, str]] = []
    for one in relations:
        known = catalog.relations.get(one["relation"])
        name = one["relation"] if known is None else known.title if one["is_source"] else known.inverse or known.title
        values = [
            f"{key.rpartition('.')[2]}={output.cell(value)}"
            for key, value in one["properties"].items()
            if value is not None
        ]
        rows.append((f"  {name}", one["title"], " ".join(values), one["id"]))
    if rows:
        output.table(("  relation", "other", "properties", "id"), rows)


@command("search", overlay=True)
@click.argument("text", metavar="TEXT")
@click.option("--limit", type=click.IntRange(1), default=HITS_SHOWN, metavar="N", help="At most so many records.")
@click.option("--in", "tables", metavar="TABLE", multiple=True, help="Only in this table; may be given again.")
@click.option("--as-of", metavar="T", help="As it was at a time, a day (2026-11-20) or a milestone.")
def search(call: Call, text: str, limit: int, tables: tuple[str, ...], as_of: str | None) -> None:
    """Find the records of all tables that hold these words, accents and capitals aside; a beginning is enough.

    Those whose title has the words come first, then those that have them in a field, which is named.
    """
    workspace = call.view(as_of)
    found = workspace.search(text, tables=tables, limit=limit + 1)
    if len(found) > limit:
        found = found[:limit]
        output.say(f"The first {limit}; there are more: --limit N")
    if call.is_json:
        output.document([{"table": one["table"], "id": one["record"], **_why(one)} for one in found])
        return
    if not found:
        output.say(f"Nothing holds '{output.clean(text)}'.")
        return
    rows = [(one["table"], one["title"], one["why"], one["record"]) for one in found]
    output.table(("table", "record", "where", "id"), rows)


def _why(one: FoundShape) -> dict[str, str]:
    return {"title": one["title"], "why": one["why"]}


COMMANDS = {"show": show, "query": query, "search": search}
