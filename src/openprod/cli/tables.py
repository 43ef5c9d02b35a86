"""Tables, their fields and checks."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.call import Call, add_global_options, command

CORE = "core"


@click.group("tables", invoke_without_command=True)
@click.option("--all", "is_all", is_flag=True, help="Those that are hidden, and Openprod's own, too.")
@click.option("--links", "is_links", is_flag=True, help="Which tables are linked to which.")
@click.pass_context
def tables(ctx: click.Context, *, is_all: bool, is_links: bool) -> None:
    """List the tables of this production, or link one to another."""
    call = ctx.ensure_object(Call)
    if ctx.invoked_subcommand is None:
        (_list_links if is_links else _list_tables)(call, is_all=is_all)


def _list_links(call: Call, *, is_all: bool) -> None:
    del is_all
    found = call.view().links()
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("No tables are linked. Link two with: openprod tables link A B")
        return
    rows = [(one["source"], one["target"], one["where"] or "all", str(one["lacking"] or "")) for one in found]
    output.table(("table", "is also in", "which records", "not there yet"), rows, right=frozenset({3}))


def _list_tables(call: Call, *, is_all: bool) -> None:
    found = [one for one in call.view().tables() if is_all or (one["module"] != CORE and not one["hidden"])]
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("There are no tables yet. Adopt a module (openprod module list), or make one: openprod table create")
        return
    rows = [(one["name"], one["title"], str(one["count"]), "/".join(one["key"])) for one in found]
    output.table(("table", "title", "records", "key"), rows, right=frozenset({2}))


@command("link", overlay=True)
@click.argument("source", metavar="A")
@click.argument("target", metavar="B")
@click.option("--where", default="", metavar="CONDITION", help="Only those for which this holds: is_called == true.")
def link(call: Call, source: str, target: str, where: str) -> None:
    """Link table A to B: the records of A, those there are and those to come, are in B too.

    Single records can be taken out again by hand. Called again it puts in what came from others meanwhile.
    """
    from openprod.cli.mapping import suggest

    workspace = call.view()
    before = workspace.count(target)
    odd = workspace.link_tables(source, target, where)
    if odd:
        output.say(odd)
    made = next(one for one in workspace.links() if (one["source"], one["target"]) == (source, target))
    if call.is_json:
        output.document({**made, "put": workspace.count(target) - before})
    else:
        which = f" where {where}" if where else ""
        output.line(f"What is in {source}{which} is in {target} too: {workspace.count(target) - before} put there now.")
    suggest(workspace.suggested_mappings(source, target))


@command("unlink", overlay=True)
@click.argument("source", metavar="A")
@click.argument("target", metavar="B")
@click.option("--keep", is_flag=True, help="Leave the records in both tables instead of giving B copies.")
def unlink(call: Call, source: str, target: str, *, keep: bool) -> None:
    """Take a link back: B gets copies of what the link put there, so that each table goes its own way."""
    made = call.view().unlink_tables(source, target, is_copying=not keep)
    if call.is_json:
        output.document({"source": source, "target": target, "copies": made})
        return
    output.line(f"{source} and {target} are no longer linked; {made} copies are in {target} now.")


add_global_options(tables, overlay=True)
tables.add_command(link)
tables.add_command(unlink)


@command("fields", overlay=True)
@click.argument("table", metavar="TABLE")
def fields(call: Call, table: str) -> None:
    """List the fields of TABLE: their names, types and what they mean."""
    found = call.view().fields(table)
    if call.is_json:
        output.document(found)
        return
    rows = [
        (
            one["name"],
            one["type"],
            one["title"],
            "required" if one["required"] else "",
            ", ".join(one["choices"]) or one["unit"],
            one["help"],
        )
        for one in found
    ]
    header = ("field", "type", "title", "", "choices or unit", "help")
    kept = output.fitting(header, rows, needed=3)
    output.table([header[at] for at in kept], [[row[at] for at in kept] for row in rows])


@command("checks", overlay=True)
@click.argument("table", metavar="[TABLE]", required=False)
@click.option("--all", "is_all", is_flag=True, help="Those that find nothing too.")
def checks(call: Call, table: str | None, *, is_all: bool) -> None:
    """Count what modules say somebody should look at: cues without a word, people in no group.

    What a check found is shown by its name: openprod query sm.no_word
    """
    found = call.view().checks(table)
    if call.is_json:
        output.document(found)
        return
    shown = [one for one in found if is_all or one["count"] != 0]
    if not shown:
        output.say(f"{len(found)} checks, and nothing to look at." if found else "No checks are here.")
        return
    rows = [("?" if one["count"] is None else str(one["count"]), one["name"], one["text"]) for one in shown]
    output.table(("", "check", "what it says"), rows, right=frozenset({0}))


COMMANDS = {
    "tables": tables,
    "fields": fields,
    "checks": checks,
}
