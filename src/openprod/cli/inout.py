"""Files of other programs in, files for other programs out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, names, once
from openprod.cli.call import TO_DECIDE, Call, command
from openprod.cli.progress import bar
from openprod.model.errors import Missing, Refused

if TYPE_CHECKING:
    from openprod.exchange.plan import Preview

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
@click.option("--into", metavar="TABLE", help="The table it goes into.")
@click.option("--format", "form", metavar="F", help="What kind of file it is, where its content does not say it.")
@click.option("--sheet", metavar="NAME", help="Which sheet of a workbook.")
@click.option("--header", metavar="ROW", type=click.IntRange(min=1), help="The row that names the columns.")
@click.option("--columns", metavar="A=B,…", help="Which column goes into which field, where the names do not say it.")
@click.option("--match", metavar="F,…", help="The fields by which a line is known to be a record that is here.")
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
    *,
    is_commit: bool,
    is_list: bool,
) -> None:
    """Stage a file's records in an overlay named after it, and say what committing that will do.

    Lines that are records here already change them; others become new records; lines that cannot be read are named and
    left out (exit status 3). Look it over with overlay diff, correct it, leave parts out, then overlay commit or
    discard; --commit commits it here and now, as one change.
    """
    if is_list:
        _list_formats(call)
        return
    if not file or not into:
        raise click.UsageError("Say what and where: openprod import FILE --into TABLE. Or --list-formats.")
    from openprod.exchange.stage import import_file

    chosen = once(_pair(one) for one in names(columns))
    workspace = call.open()
    with bar("Reading"):
        staged = import_file(
            workspace,
            file,
            into,
            columns={key: str(value) for key, value in chosen.items()},
            match=names(match),
            form=form or "",
            sheet=sheet or "",
            header=header or 0,
        )
        preview = staged.preview()
        overlays = staged.stage()
    for one in overlays:
        call.keep_overlay(one)
    named = [one.title for one in overlays]
    preview["overlay"] = named[0] if named and not is_commit else None
    with bar("Writing"):
        bundles = [one.commit(staged.label) for one in overlays] if is_commit else []
    if call.is_json:
        output.document({**preview, "import": staged.id if is_commit else None, "bundles": bundles})
    else:
        output.line(_summary(workspace.catalog.table(into).title, preview, staged.plan.unit))
    if preview["gone"]:
        output.say(f"{preview['gone']} records of {into} are not in the file; nothing is done to them.")
    for sentence in preview["assumed"]:
        output.say(sentence)
    for one in preview["rejected"][:LINES_SHOWN]:
        output.say(f"{staged.plan.unit.capitalize()} {one['line']} is left out: {one['reason']}")
    if len(preview["rejected"]) > LINES_SHOWN:
        output.say(f"… and {len(preview['rejected']) - LINES_SHOWN} more; --json lists all.")
    for name in named:
        if is_commit:
            output.say(f"Committed '{name}', as one change.")
        else:
            output.say(f"Staged as '{name}'; nothing is in the production yet. Look it over:")
            output.say(f'  openprod overlay diff --overlay "{name}"     then: overlay commit, or overlay discard')
    if is_commit and preview["rejected"]:
        call.status = TO_DECIDE


def _summary(title: str, preview: Preview, unit: str) -> str:
    """Returns what an import will do in a sentence each: how many are new, how many are here, what was not read."""
    parts = [f"This will create {preview['creates']} new {title}."]
    if preview["matches"]:
        changed = f", of which {preview['updates']} change" if preview["updates"] else ", and nothing in them changes"
        parts.append(f"{preview['matches']} match existing records{changed}.")
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


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.partition("=")
    if not equals:
        raise click.UsageError(f"--columns: '{text}' is not of the form column=field.")
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
