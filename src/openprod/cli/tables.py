"""Tables and their fields: list them, make your own."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.arguments import field_spec, names, once
from openprod.cli.call import Call, command, group

CORE = "core"


@command("tables")
@click.option("--all", "is_all", is_flag=True, help="Openprod's own tables too.")
def tables(call: Call, *, is_all: bool) -> None:
    """List the tables of this production."""
    found = [one for one in call.open().tables() if is_all or one["module"] != CORE]
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("There are no tables yet. Adopt a module (openprod module list), or make one: openprod table create")
        return
    rows = [(one["name"], one["title"], str(one["count"]), "/".join(one["key"])) for one in found]
    output.table(("table", "title", "records", "key"), rows, right=frozenset({2}))


@command("fields")
@click.argument("table", metavar="TABLE")
def fields(call: Call, table: str) -> None:
    """List the fields of TABLE: their names, types and what they mean."""
    found = call.open().fields(table)
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


@command("create")
@click.argument("name", metavar="NAME")
@click.argument("fields", metavar="FIELD:TYPE…", nargs=-1, required=True, type=field_spec)
@click.option("--title", default="", metavar="T", help="What it is called on screen.")
@click.option("--key", default="", metavar="F,…", help="The fields that tell its records apart.")
@click.option("--label", default="", metavar="L", help='How a record is called in sentences: "Prop {number}".')
def create_table(
    call: Call, name: str, fields: tuple[tuple[str, object], ...], title: str, key: str, label: str
) -> None:
    """Make a table that no module brings: openprod table create props name:text state:choice=wanted,found."""
    workspace = call.open()
    made = workspace.create_table(name, once(fields), title=title, key=names(key), label=label)
    if call.is_json:
        output.document(next(one for one in workspace.tables() if one["name"] == made))
        return
    output.line(f"Made the table {made}. Add to it with: openprod add {made} {fields[0][0]}=…")


@command("add")
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="NAME:TYPE", type=field_spec)
def add_field(call: Call, table: str, field: tuple[str, object]) -> None:
    """Add a field of your own to TABLE, be it a module's or yours."""
    workspace = call.open()
    key = workspace.add_field(table, *field)
    if call.is_json:
        output.document(next(one for one in workspace.fields(table) if one["key"] == key))
        return
    output.line(f"Added the field {field[0]} to {table}; its full name is {key}.")


COMMANDS = {
    "tables": tables,
    "fields": fields,
    "table": group("table", "Make a table of your own.", create_table),
    "field": group("field", "Add a field of your own to a table.", add_field),
}
