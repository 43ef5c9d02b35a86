"""Files of other programs in, files for other programs out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, names, once
from openprod.cli.call import TO_DECIDE, Call, command
from openprod.cli.progress import bar
from openprod.model.errors import Missing, Refused

if TYPE_CHECKING:
    from openprod.exchange.listing import Listing
    from openprod.exchange.plan import Preview
    from openprod.exchange.stage import Staged
    from openprod.workspace.view import View

LINES_SHOWN = 20
STDOUT = "-"


class NotReadable(Refused):
    """A file that was named cannot be read."""

    code = "cli.not_readable"


class NothingOfThatName(Missing):
    """Neither a table nor a saved query goes by that name."""

    code = "cli.no_table_or_query"


@command("import")
@click.argument("file", metavar="FILE", required=False)
@click.option("--into", metavar="TABLE_OR_RELATION", help="The table or relation it goes into.")
@click.option("--format", "form", metavar="F", help="What kind of file it is, where its content does not say it.")
@click.option("--sheet", metavar="NAME", help="Which sheet of a workbook.")
@click.option("--header", metavar="ROW", type=click.IntRange(min=1), help="The row that names the columns.")
@click.option("--columns", metavar="A=B,…", help="Which column goes into which field, where the names do not say it.")
@click.option("--match", metavar="F,…", help="The fields by which a line is known to be a record that is here.")
@click.option("--source", metavar="NAME", help="Which source it comes from, where the file's name does not say it.")
@click.option(
    "--assume", metavar="K=V,…", help="Take year=2026, times=am|pm|24, dates=dmy|mdy where the file is silent."
)
@click.option("--delete-gone", "is_deleting", is_flag=True, help="Also delete what the source does not name any more.")
@click.option("--commit", "is_commit", is_flag=True, help="Commit it here and now, as one change.")
@click.option("--list-formats", "is_list", is_flag=True, help="Say which kinds of file can be read, and nothing else.")
def import_(
    call: Call,
    file: str | None,
    into: str | None,
    form: str | None,
    sheet: str | None,
    header: int | None,
    columns: str | None,
    match: str | None,
    source: str | None,
    assume: str | None,
    *,
    is_deleting: bool,
    is_commit: bool,
    is_list: bool,
) -> None:
    """Stage a file's records in an overlay named after it, and say what committing that will do.

    Lines that are records here already change them; others become new records; lines that cannot be read are named and
    left out (exit status 3). A later file of the same source is compared with what it said before: only what changed
    there comes in, what was changed here stays, and what changed on both sides is a question in the overlay. Look it
    over with overlay diff, correct it, leave parts out, then overlay commit or discard; --commit commits it here and
    now, as one change.
    """
    if is_list:
        _list_formats(call)
        return
    if not file or not into:
        raise click.UsageError("Say what and where: openprod import FILE --into TABLE. Or --list-formats.")
    from openprod.exchange.stage import How, import_file

    how = How(
        {key: str(value) for key, value in once(_pair(one, "--columns") for one in names(columns)).items()},
        names(match),
        form or "",
        sheet or "",
        header or 0,
        source or "",
        {key: str(value) for key, value in once(_pair(one, "--assume") for one in names(assume)).items()},
    )
    workspace = call.open()
    with bar("Reading") as progress:
        staged = import_file(workspace, file, into, how=how, progress=progress)
        preview, gone = staged.preview(), staged.gone()
    named, bundles = _carry_out(call, staged, is_commit=is_commit, is_deleting=is_deleting)
    preview["overlay"] = named[0] if named and not is_commit else None
    if call.is_json:
        columns_shape = staged.shape(0)["columns"]
        output.document(
            {
                **preview,
                "import": staged.id if is_commit else None,
                "bundles": bundles,
                "source": staged.note.source,
                "columns": columns_shape,
                "gone_records": gone,
            }
        )
    else:
        catalog = workspace.catalog
        title = (catalog.relations.get(into) or catalog.table(into)).title
        output.line(_summary(title, preview, staged.plan.unit))
    _say(staged, preview, gone, into, is_deleting=is_deleting)
    for name in named:
        if is_commit:
            output.say(f"Committed '{name}', as one change.")
        else:
            output.say(f"Staged as '{name}'; nothing is in the production yet. Look it over:")
            output.say(f'  openprod overlay diff --overlay "{name}"     then: overlay commit, or overlay discard')
    if is_commit and (preview["rejected"] or preview["questions"]):
        call.status = TO_DECIDE


def _carry_out(call: Call, staged: Staged, *, is_commit: bool, is_deleting: bool) -> tuple[list[str], list[str | None]]:
    """Stages a plan, and commits it if told so; returns the overlays' names and the bundles."""
    if is_commit and staged.is_large:
        with bar("Writing") as progress:
            return [], list(staged.commit(is_deleting_gone=is_deleting, progress=progress).bundles)
    with bar("Staging") as progress:
        overlays = staged.stage(is_deleting_gone=is_deleting, progress=progress)
    for one in overlays:
        call.keep_overlay(one)
    named = [one.title for one in overlays]
    if not is_commit:
        return named, []
    with bar("Writing"):
        bundles = [one.commit(staged.label) for one in overlays] or list(staged.commit().bundles)
    return named, bundles


def _say(
    staged: Staged, preview: Preview, gone: Sequence[Mapping[str, object]], into: str, *, is_deleting: bool
) -> None:
    """Says what else there is to know of an import: columns, records gone, what was assumed, what is left out."""
    from openprod.exchange.plan import lines_text

    shown = cast("list[dict[str, str]]", staged.shape(0)["columns"])
    output.say("Columns: " + ", ".join(f"{' '.join(one['header'].split())} → {one['title']}" for one in shown))
    if gone:
        many = f"{len(gone)} records" if len(gone) > 1 else "1 record"
        done = "they are deleted as well, but for those changed here" if is_deleting else "nothing is done to them"
        output.say(f"{many} of {into} came from this source and are not in the file any more; {done}:")
        for one in gone[:LINES_SHOWN]:
            output.say(f"  {one['title']}{' (changed here since)' if one['is_changed_here'] else ''}")
        if len(gone) > LINES_SHOWN:
            output.say(f"  … and {len(gone) - LINES_SHOWN} more; --json lists all.")
        if not is_deleting:
            output.say("  --delete-gone deletes them too.")
    for sentence in preview["assumed"]:
        output.say(sentence)
    reasons: dict[str, list[int]] = {}
    for one in preview["rejected"]:
        reasons.setdefault(one["reason"], []).append(one["line"])
    for reason, lines in list(reasons.items())[:LINES_SHOWN]:
        which = lines_text(lines, staged.plan.unit)
        output.say(f"{which[:1].upper()}{which[1:]} {'is' if len(lines) == 1 else 'are'} left out: {reason}")
    if len(reasons) > LINES_SHOWN:
        left = sum(map(len, list(reasons.values())[LINES_SHOWN:]))
        output.say(f"… and {left} more; --json lists all.")


def _summary(title: str, preview: Preview, unit: str) -> str:
    """Returns what an import will do in a sentence each: how many are new, how many are here, what was not read."""
    parts = [f"This will create {preview['creates']} new {title}."]
    if preview["matches"]:
        changed = f", of which {preview['updates']} change" if preview["updates"] else ", and nothing in them changes"
        parts.append(f"{preview['matches']} match existing records{changed}.")
    if preview["questions"]:
        count = preview["questions"]
        what = "1 value" if count == 1 else f"{count} values"
        parts.append(f"{what} changed on both sides: a question in the overlay.")
    if preview["rejected"]:
        count = len(preview["rejected"])
        units = unit if count == 1 else "entries" if unit == "entry" else f"{unit}s"
        parts.append(f"{count} {units} could not be read.")
    return " ".join(parts)


def _list_formats(call: Call) -> None:
    from openprod.exchange.formats import FORMATS

    if call.is_json:
        output.document(
            [
                {"format": one.name, "what": one.title, "endings": list(one.endings), "into": one.usual or None}
                for one in FORMATS.values()
            ]
        )
        return
    for one in FORMATS.values():
        usual = f", usually into {one.usual}" if one.usual else ""
        output.line(f"{one.name:<17} {one.title} ({' '.join(one.endings)}){usual}")


def _pair(text: str, option: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals:
        raise click.UsageError(f"{option}: '{text}' is not of the form name=value.")
    return column.strip(), field.strip()


@command("export", overlay=True)
@click.argument("what", metavar="TABLE_OR_QUERY")
@click.argument("file", metavar="FILE")
@click.option("--format", "form", metavar="F", help="What to write, where the file's name does not say it.")
@click.option("--where", metavar="Q", help="Only records of the table for which this holds.")
@click.option("--fields", metavar="F,…", help="Only these fields of the table.")
@click.option("--param", "params", metavar="K=V", multiple=True, type=assignment, help="A value for the query's $k.")
@click.option("--only", "only", metavar="COLUMN=TEXT", multiple=True, type=assignment, help="Only rows that show this.")
@click.option("--onto", metavar="FILE", help="The console's last export: only what changed is replaced in it (eos).")
@click.option("--as-of", "as_of", metavar="T", help="As it was: a time, a date (its end) or a milestone.")
def export(
    call: Call,
    what: str,
    file: str,
    form: str | None,
    where: str | None,
    fields: str | None,
    params: tuple[tuple[str, str], ...],
    only: tuple[tuple[str, str], ...],
    onto: str | None,
    as_of: str | None,
) -> None:
    """Write a table, or a saved query's answer, to a file: CSV, Excel, JSON, a calendar, an address book, paper.

    FILE's ending says which, or --format; - writes to stdout.
    """
    from openprod.exchange import writers
    from openprod.exchange.export import write_file

    chosen = writers.format_of("" if file == STDOUT else file, form or "")
    if onto is not None and chosen != "eos":
        raise click.UsageError("--onto is for --format eos: the console's last export, in which cells are replaced.")
    if file == STDOUT and chosen in ("xlsx", "pdf") and output.is_terminal():
        raise click.UsageError("A terminal cannot show this file. Give a file's name.")
    last = _bytes_of(Path(onto).expanduser()) if onto is not None else None
    view = call.view(as_of)
    is_worded = chosen in ("ical", "vcard", "qlab", "eos")
    listing = _listing(view, what, where or "", names(fields), once(params), is_whole=is_worded).only(dict(only))
    written = writers.write(view, listing, chosen, _now(view), onto=last)
    if file == STDOUT:
        output.file(written.raw)
        return
    write_file(Path(file).expanduser(), written.raw)
    notes = (
        written.notes if listing.rows else [*written.notes, f"{what} has no rows of that kind: the file holds none."]
    )
    for note in notes:
        output.say(note)
    if call.is_json:
        output.document({"file": file, "bytes": len(written.raw), "rows": len(listing.rows), "notes": notes})
        return
    output.line(f"Wrote {what} to {file}.")


@command("paper", overlay=True)
@click.argument("what", metavar="list | TABLE_OR_QUERY")
@click.option("--pdf", "file", metavar="FILE", help="The file to write.")
@click.option("--by", "group", metavar="COLUMN", default="", help="Put rows together under headings by this column.")
@click.option("--where", metavar="Q", help="Only records of the table for which this holds.")
@click.option("--fields", metavar="F,…", help="Only these fields of the table, in this order.")
@click.option("--param", "params", metavar="K=V", multiple=True, type=assignment, help="A value for the query's $k.")
@click.option("--only", "only", metavar="COLUMN=TEXT", multiple=True, type=assignment, help="Only rows that show this.")
@click.option(
    "--size", "size", type=click.Choice(["A4", "Letter", "A3", "Legal", "Tabloid"]), help="The size of the sheets."
)
@click.option("--as-of", "as_of", metavar="T", help="As it was: a time, a date (its end) or a milestone.")
def paper(
    call: Call,
    what: str,
    file: str | None,
    group: str,
    where: str | None,
    fields: str | None,
    params: tuple[tuple[str, str], ...],
    only: tuple[tuple[str, str], ...],
    size: str | None,
    as_of: str | None,
) -> None:
    """Set a table, a saved query's answer, or a module's own paper as a PDF; `paper list` says what there is."""
    view = call.view(as_of)
    if what == "list" and file is None:
        _list_papers(call, view)
        return
    if file is None:
        raise click.UsageError("Where to? Give --pdf FILE.")
    from openprod.exchange import paper as sheets
    from openprod.exchange.export import write_file

    own = next((one for one in sheets.papers(view) if one.name == what and what not in view.catalog.tables), None)
    asked = own.query if own is not None else what
    listing = _listing(view, asked, where or "", names(fields), once(params)).only(dict(only))
    layout = sheets.layout_of(view, own) if own is not None else None
    if own is not None:
        listing = replace(listing, title=own.title)
    note = ", ".join(f"{name}: {value}" for name, value in (*params, *only))
    raw = sheets.write(view, listing, _now(view), sheet=size or "", group=group, note=note, layout=layout)
    write_file(Path(file).expanduser(), raw)
    if call.is_json:
        output.document({"file": file, "bytes": len(raw), "rows": len(listing.rows)})
        return
    output.line(f"Wrote {what} to {file}.")


def _list_papers(call: Call, view: View) -> None:
    """Says what can be set on paper: the saved queries, then the tables."""
    saved = view.query(
        query={"from": "core.queries", "select": {"name": "name", "title": "title"}, "sort": {"order": ["name"]}}
    )
    from openprod.exchange.paper import papers

    own = [{"name": one.name, "title": one.title} for one in papers(view)]
    known = {one["name"] for one in own}
    rows = own + [
        {"name": str(one["name"]), "title": str(one["title"] or "")} for one in saved if one["name"] not in known
    ]
    rows += [{"name": one["name"], "title": one["title"]} for one in view.tables() if one["module"] != "core"]
    if call.is_json:
        output.document(rows)
        return
    output.table(["What", "Title"], [[one["name"], one["title"]] for one in rows])


def _listing(
    view: View, what: str, where: str, fields: list[str], params: dict[str, object], *, is_whole: bool = False
) -> Listing:
    """Returns the rows of a table or a saved query; raises NothingOfThatName saying what is near."""
    from openprod.exchange.listing import of_query, of_table
    from openprod.workspace.asking import UnknownQuery

    if what in view.catalog.tables:
        if params:
            raise click.UsageError("--param is for queries, and this is a table.")
        return of_table(view, what, fields, where, is_whole=is_whole)
    if where or fields:
        # These are for tables only, so what was meant is one: the catalog says which are near.
        view.catalog.table(what)
    try:
        return of_query(view, what, params)
    except UnknownQuery as error:
        from openprod.catalog.tables import either, near_names

        near = near_names(what, view.catalog.tables)
        hint = f" Did you mean {either(near)}?" if near else f" {error}"
        raise NothingOfThatName(f"There is no table or query '{what}'.{hint}") from error


def _now(view: View) -> dt.datetime:
    """Returns this moment as clocks here show it."""
    return dt.datetime.fromtimestamp(view.desk.clock() / 1000, dt.UTC).astimezone()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReadable(f"{path} cannot be read ({error.strerror}). Check the name.") from error


COMMANDS = {"import": import_, "export": export, "paper": paper}
