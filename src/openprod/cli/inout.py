"""Files of other programs in, files for other programs out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, names, once
from openprod.cli.call import TO_DECIDE, Call, command
from openprod.cli.progress import bar
from openprod.model.errors import Missing, Refused

if TYPE_CHECKING:
    from openprod.exchange.plan import Preview
    from openprod.exchange.stage import Staged

LINES_SHOWN = 20
STDOUT = "-"


class OnlyCsv(Refused):
    """A kind of file that this version does not write or read."""

    code = "cli.only_csv"


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
    for one in preview["rejected"][:LINES_SHOWN]:
        output.say(f"{staged.plan.unit.capitalize()} {one['line']} is left out: {one['reason']}")
    if len(preview["rejected"]) > LINES_SHOWN:
        output.say(f"… and {len(preview['rejected']) - LINES_SHOWN} more; --json lists all.")


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


@command("export")
@click.argument("what", metavar="TABLE_OR_QUERY")
@click.argument("file", metavar="FILE")
@click.option("--where", metavar="Q", help="Only records of the table for which this holds.")
@click.option("--fields", metavar="F,…", help="Only these fields of the table.")
@click.option("--param", "params", metavar="K=V", multiple=True, type=assignment, help="A value for the query's $k.")
def export(
    call: Call, what: str, file: str, where: str | None, fields: str | None, params: tuple[tuple[str, str], ...]
) -> None:
    """Write a table, or a saved query's answer, to a CSV file that spreadsheets open. FILE may be - for stdout."""
    if Path(file).suffix.lower() not in {".csv", ".txt", ""} and file != STDOUT:
        raise OnlyCsv(f"{file} cannot be written: this version writes CSV. Choose a name that ends in .csv.")
    workspace = call.open()
    from openprod.exchange.export import export_query, export_table, write_file
    from openprod.workspace.asking import UnknownQuery

    if what in workspace.catalog.tables:
        if params:
            raise click.UsageError("--param is for queries, and this is a table.")
        raw = export_table(workspace, what, fields=names(fields), where=where or "")
    elif where or fields:
        workspace.catalog.table(what)
        return
    else:
        try:
            raw = export_query(workspace, what, params=once(params))
        except UnknownQuery as error:
            from openprod.catalog.tables import either, near_names

            near = near_names(what, workspace.catalog.tables)
            hint = f" Did you mean {either(near)}?" if near else f" {error}"
            raise NothingOfThatName(f"There is no table or query '{what}'.{hint}") from error
    if file == STDOUT:
        sys.stdout.write(raw.decode())
        return
    write_file(Path(file).expanduser(), raw)
    if call.is_json:
        output.document({"file": file, "bytes": len(raw)})
        return
    output.line(f"Wrote {what} to {file}.")


COMMANDS = {"import": import_, "export": export}
