"""Tables, fields and relations as people make them: their own ones, and what they make of a module's."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.arguments import field_spec, names, once
from openprod.cli.call import Call, command, group


@command("create", overlay=True)
@click.argument("name", metavar="NAME")
@click.argument("fields", metavar="FIELD:TYPE…", nargs=-1, required=True, type=field_spec)
@click.option("--title", default="", metavar="T", help="What it is called on screen.")
@click.option("--key", default="", metavar="F,…", help="The fields that tell its records apart.")
@click.option("--label", default="", metavar="L", help='How a record is called in sentences: "Prop {number}".')
def create_table(
    call: Call, name: str, fields: tuple[tuple[str, object], ...], title: str, key: str, label: str
) -> None:
    """Make a table that no module brings: openprod table create props name:text state:choice=wanted,found."""
    workspace = call.view()
    made = workspace.create_table(name, once(fields), title=title, key=names(key), label=label)
    if call.is_json:
        output.document(next(one for one in workspace.tables() if one["name"] == made))
        return
    output.line(f"Made the table {made}. Add to it with: openprod add {made} {fields[0][0]}=…")


@command("add", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="NAME:TYPE", type=field_spec)
def add_field(call: Call, table: str, field: tuple[str, object]) -> None:
    """Add a field of your own to TABLE, be it a module's or yours."""
    workspace = call.view()
    key = workspace.add_field(table, *field)
    if call.is_json:
        output.document(next(one for one in workspace.fields(table) if one["key"] == key))
        return
    output.line(f"Added the field {field[0]} to {table}; its full name is {key}.")


def _table_shape(call: Call, table: str, sentence: str) -> None:
    """Says what became of a table."""
    found = next(one for one in call.view().tables() if one["name"] == table)
    if call.is_json:
        output.document(found)
        return
    output.line(sentence)


@command("rename", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("title", metavar="TITLE")
@click.option("--label", default=None, metavar="L", help='How a record is called in sentences: "Licht {number}".')
def rename_table(call: Call, table: str, title: str, label: str | None) -> None:
    """Call TABLE otherwise on screen and in sentences, for everybody; an empty TITLE gives back the module's own.

    Its full name stays, so commands, queries and links go on working.
    """
    call.view().shape_table(table, title=title, label=label)
    _table_shape(call, table, f"{table} is called {title or 'as its module says'} now.")


@command("hide", overlay=True)
@click.argument("table", metavar="TABLE")
def hide_table(call: Call, table: str) -> None:
    """Leave TABLE out of lists of tables, for everybody; its records stay where they are."""
    call.view().shape_table(table, hidden=True)
    _table_shape(call, table, f"{table} is hidden. Show it again with: openprod table unhide {table}")


@command("unhide", overlay=True)
@click.argument("table", metavar="TABLE")
def unhide_table(call: Call, table: str) -> None:
    """Show a hidden TABLE again."""
    call.view().shape_table(table, hidden=False)
    _table_shape(call, table, f"{table} is shown again.")


def _field_shape(call: Call, table: str, name: str, sentence: str) -> None:
    """Says what became of a field."""
    view = call.view()
    key = view.catalog.resolve_field(table, name).key
    if call.is_json:
        output.document(next(one for one in view.fields(table) if one["key"] == key))
        return
    output.line(sentence)


@command("rename", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="FIELD")
@click.argument("title", metavar="TITLE")
def rename_field(call: Call, table: str, field: str, title: str) -> None:
    """Call a field otherwise on screen and in sentences, for everybody; an empty TITLE gives back the module's own.

    Its own name stays, so commands, queries and mappings go on working.
    """
    call.view().shape_field(table, field, title=title)
    _field_shape(call, table, field, f"{field} of {table} is called {title or 'as its module says'} now.")


@command("hide", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="FIELD")
def hide_field(call: Call, table: str, field: str) -> None:
    """Leave a field out of views of TABLE, for everybody; its values stay."""
    call.view().shape_field(table, field, hidden=True)
    _field_shape(call, table, field, f"{field} is hidden. Show it again with: openprod field unhide {table} {field}")


@command("unhide", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="FIELD")
def unhide_field(call: Call, table: str, field: str) -> None:
    """Show a hidden field again, also one that its module hides."""
    call.view().shape_field(table, field, hidden=False)
    _field_shape(call, table, field, f"{field} of {table} is shown again.")


@command("move", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="FIELD")
@click.option("--after", default=None, metavar="FIELD", help="The field it stands behind.")
@click.option("--first", "is_first", is_flag=True, help="In front of all others.")
def move_field(call: Call, table: str, field: str, after: str | None, *, is_first: bool) -> None:
    """Let a field of TABLE stand elsewhere, for everybody; without --after and --first where its module puts it."""
    if after is not None and is_first:
        raise click.UsageError("Either --after FIELD or --first, not both.")
    call.view().shape_field(table, field, after="-" if is_first else after or "")
    _field_shape(call, table, field, f"{field} has its place in {table}.")


@command("choice", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("field", metavar="FIELD")
@click.argument("choice", metavar="CHOICE")
@click.option("--remove", "is_removing", is_flag=True, help="Take back one that was added.")
def choice(call: Call, table: str, field: str, choice: str, *, is_removing: bool) -> None:
    """Let a field of choices offer one more, for everybody; TABLE may be a relation, for its properties."""
    view = call.view()
    if is_removing:
        view.remove_choice(table, field, choice)
    else:
        view.add_choice(table, field, choice)
    done = f"no longer offers {choice}; records that have it keep it" if is_removing else f"offers {choice} too"
    _field_shape(call, table, field, f"{field} of {table} {done}.")


@command("create", overlay=True)
@click.argument("name", metavar="NAME")
@click.argument("source", metavar="TABLE")
@click.argument("target", metavar="TABLE…", nargs=-1, required=True)
@click.option("--title", default="", metavar="T", help="What it is called from the first table.")
@click.option("--inverse", default="", metavar="T", help="What it is called from the others.")
@click.option("--ordered", is_flag=True, help="Its ends have an order that people choose.")
@click.option("--unique", is_flag=True, help="At most one between the same two records.")
@click.option(
    "--property", "properties", multiple=True, metavar="NAME:TYPE", type=field_spec, help="What is noted on it."
)
def create_relation(
    call: Call,
    name: str,
    source: str,
    target: tuple[str, ...],
    title: str,
    inverse: str,
    properties: tuple[tuple[str, object], ...],
    *,
    ordered: bool,
    unique: bool,
) -> None:
    """Make a relation that no module brings, from records of one table to records of others.

    openprod relation create worn_in workspace.masks script.scenes --property enters:text
    """
    view = call.view()
    made = view.create_relation(
        name,
        source,
        target,
        title=title,
        inverse=inverse,
        ordered=ordered,
        unique=unique,
        properties=once(properties) or None,
    )
    if call.is_json:
        output.document(next(one for one in view.relation_columns(source) if one["relation"] == made))
        return
    output.line(f"Made the relation {made}. Relate two records with: openprod relate A {made} B")


@command("rename", overlay=True)
@click.argument("relation", metavar="RELATION")
@click.argument("title", metavar="TITLE")
@click.option("--inverse", default=None, metavar="T", help="What it is called from its other end.")
def rename_relation(call: Call, relation: str, title: str, inverse: str | None) -> None:
    """Call RELATION otherwise, for everybody; an empty TITLE gives back the module's own."""
    call.view().shape_relation(relation, title=title, inverse=inverse)
    _relation_shape(call, relation, f"{relation} is called {title or 'as its module says'} now.")


@command("hide", overlay=True)
@click.argument("relation", metavar="RELATION")
def hide_relation(call: Call, relation: str) -> None:
    """Leave RELATION out of views, for everybody; what it joins stays joined."""
    call.view().shape_relation(relation, hidden=True)
    _relation_shape(call, relation, f"{relation} is hidden. Show it with: openprod relation unhide {relation}")


@command("unhide", overlay=True)
@click.argument("relation", metavar="RELATION")
def unhide_relation(call: Call, relation: str) -> None:
    """Show a hidden RELATION again."""
    call.view().shape_relation(relation, hidden=False)
    _relation_shape(call, relation, f"{relation} is shown again.")


def _relation_shape(call: Call, name: str, sentence: str) -> None:
    """Says what became of a relation."""
    if call.is_json:
        found = call.view().catalog.relation(name)
        output.document({"name": name, "title": found.title, "inverse": found.inverse, "hidden": found.hidden})
        return
    output.line(sentence)


COMMANDS = {
    "table": group(
        "table",
        "Make a table of your own, or call one otherwise, or hide it.",
        create_table,
        rename_table,
        hide_table,
        unhide_table,
    ),
    "field": group(
        "field",
        "Add a field to a table, or call one otherwise, hide it, move it, or let it offer more.",
        add_field,
        rename_field,
        hide_field,
        unhide_field,
        move_field,
        choice,
    ),
    "relation": group(
        "relation",
        "Make a relation of your own, or call one otherwise, or hide it.",
        create_relation,
        rename_relation,
        hide_relation,
        unhide_relation,
    ),
}
