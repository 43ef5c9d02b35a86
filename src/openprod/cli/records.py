"""Records: add, write, put into tables, delete, relate. Each command is one edit, one line in the history."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, once
from openprod.cli.call import Call, command

if TYPE_CHECKING:
    from openprod.workspace.shapes import TakenShape
    from openprod.workspace.view import View
    from openprod.workspace.write import Edit


def _told(call: Call, workspace: View, record: str, sentence: str, *, asked: Collection[str] = ()) -> None:
    """Prints what became of a record, and notes what is left to decide: in `asked` fields, and whether it is there."""
    shape = workspace.record(record)
    if call.is_json:
        output.document(shape)
    else:
        output.line(sentence.format(title=shape["title"], id=shape["id"]))
    keys = {"@exists", *(key for key in shape["conflicts"] if key in asked or key.rpartition(".")[2] in asked)}
    if shape["conflicts"] or "contested" in shape["marks"]:
        call.leave(one for one in workspace.conflicts(shape["id"]) if one["field"] in keys)


def full_name(workspace: View, record: str, field: str) -> str:
    """Returns a field's full key where the record was named by a table that has it: lighting.cues:11 page."""
    table = workspace.catalog.tables.get(record.partition(":")[0])
    found = table.resolve(field) if table is not None else None
    return found.key if found is not None else field


def _assumed(edit: Edit) -> None:
    for note in edit.assumed:
        output.say(note)


@command("add", overlay=True)
@click.argument("table", metavar="TABLE")
@click.argument("values", metavar="FIELD=VALUE…", nargs=-1, type=assignment)
def add(call: Call, table: str, values: tuple[tuple[str, str], ...]) -> None:
    """Add a record: openprod add lighting.cues number=11 label=Dawn."""
    workspace = call.view()
    with workspace.edit("") as edit:
        record = edit.add_record(table, once(values))
    _assumed(edit)
    _told(call, workspace, record, "Added {title} ({id}).")


@command("set", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("values", metavar="FIELD=VALUE…", nargs=-1, required=True, type=assignment)
@click.option(
    "--expect", metavar="OP", help="Only if the field still holds just this change (see: openprod show --json)."
)
def set_(call: Call, record: str, values: tuple[tuple[str, str], ...], expect: str | None) -> None:
    """Write fields of a record: openprod set lighting.cues:11 label=Sunrise up=5. An empty value clears."""
    wanted = once(values)
    if expect is not None and len(wanted) != 1:
        raise click.UsageError("--expect is about one field; give just one.")
    _write(call, record, wanted, "Wrote {title}.", expect)


@command("clear", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
def clear(call: Call, record: str, field: str) -> None:
    """Clear a field of a record."""
    _write(call, record, {field: None}, "Cleared it in {title}.")


def _write(call: Call, record: str, values: dict[str, object], sentence: str, expect: str | None = None) -> None:
    workspace = call.view()
    named = {full_name(workspace, record, name): value for name, value in values.items()}
    uuid = workspace.ref(record)
    # Over the value that is shown, not over those beside it: only `resolve` settles a question.
    shown = {one["field"]: [one["shown"]] for one in workspace.conflicts(uuid)}
    before = workspace.record(uuid)["taken"]
    for key, taken in before.items():
        for one in workspace.conflicts(taken["end_record"]):
            if one["field"] == taken["end_field"]:
                shown.setdefault(key, []).append(one["shown"])
    with workspace.edit("") as edit:
        edit.set(uuid, named, shown)
        if expect is not None:
            edit.expect(uuid, next(iter(named)), expect)
    _assumed(edit)
    if edit.bundle is None:
        output.say("It was so already; nothing was written.")
    _told(call, workspace, uuid, sentence, asked=named.keys())
    for key, taken in before.items():
        if values.keys() & {key, key.rpartition(".")[2]} and not call.is_json:
            _tell_through(workspace, key, taken, is_cleared=None in values.values())
        if taken["state"] == "ok":
            call.leave(one for one in workspace.conflicts(taken["end_record"]) if one["field"] == taken["end_field"])


def _tell_through(workspace: View, key: str, taken: TakenShape, *, is_cleared: bool) -> None:
    field = workspace.catalog.field(key).title
    if is_cleared:
        output.say(f"{field} was {taken['text']}. It is not any more; what stands there stays.")
    else:
        output.say(f"{field} is {taken['text']}: it was changed there.")


@command("refer", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
@click.argument("source", metavar="[RECORD.FIELD]", required=False)
@click.option("--typed", is_flag=True, help="Type it here again; it keeps the value that it shows.")
def refer(call: Call, record: str, field: str, source: str | None, typed: bool) -> None:  # noqa: FBT001 -- click's flag
    """Take a field from another record's: openprod refer props.items:12 handler "contacts.people:Jane Doe.name".

    It shows what stands there, and editing it edits that. `clear` ends it and leaves the field empty, `--typed` with
    the value it shows. With neither a source nor --typed, says where the field is taken from.
    """
    if source is not None and typed:
        raise click.UsageError("Give a source, or --typed, not both.")
    workspace = call.view()
    name = full_name(workspace, record, field)
    uuid = workspace.ref(record)
    if source is not None or typed:
        with workspace.edit("") as edit:
            if source is None:
                edit.type_here(uuid, name)
            else:
                edit.refer(uuid, name, *_field_of(workspace, source))
    shape = workspace.record(uuid)
    if call.is_json:
        output.document(shape)
    else:
        found = next((one for key, one in shape["taken"].items() if name in (key, key.rpartition(".")[2])), None)
        output.line(f"{shape['title']}: {field} is {found['text'] if found is not None else 'typed here'}.")


def _field_of(workspace: View, text: str) -> tuple[str, str]:
    """Returns the record and the field that RECORD.FIELD names; the field may be given in full."""
    record, _, field = text.rpartition(".")
    parts = text.rsplit(".", 3)
    if len(parts) == 4 and workspace.catalog.find_field(".".join(parts[1:])) is not None:
        record, field = parts[0], ".".join(parts[1:])
    if not record:
        raise click.UsageError(f"'{text}' names no field of a record; write RECORD.FIELD.")
    return workspace.ref(record), full_name(workspace, record, field)


@command("put", overlay=True)
@click.argument("record", metavar="RECORD")
@click.option("--into", required=True, metavar="TABLE", help="The table to put it into.")
def put(call: Call, record: str, into: str) -> None:
    """Put a record into one more table: the same person is in the contact sheet and among the performers."""
    workspace = call.view()
    with workspace.edit("") as edit:
        uuid = workspace.ref(record)
        edit.put(uuid, into=into)
    _told(call, workspace, uuid, f"{{title}} is in {into} now.")


@command("remove", overlay=True)
@click.argument("record", metavar="RECORD")
@click.option("--from", "table", required=True, metavar="TABLE", help="The table to take it out of.")
def remove(call: Call, record: str, table: str) -> None:
    """Take a record out of a table; what it holds there comes back with it."""
    workspace = call.view()
    with workspace.edit("") as edit:
        uuid = workspace.ref(record)
        edit.remove(uuid, from_=table)
    _told(call, workspace, uuid, f"{{title}} is no longer in {table}.")


@command("delete", overlay=True)
@click.argument("record", metavar="RECORD")
def delete(call: Call, record: str) -> None:
    """Delete a record; `restore` with its id brings it back."""
    workspace = call.view()
    with workspace.edit("") as edit:
        uuid = workspace.ref(record)
        edit.delete(uuid)
    _told(call, workspace, uuid, "Deleted {title}. Bring it back with: openprod restore {id}")


@command("restore", overlay=True)
@click.argument("record", metavar="RECORD")
def restore(call: Call, record: str) -> None:
    """Bring a deleted record back, given its id."""
    workspace = call.view()
    with workspace.edit("") as edit:
        uuid = workspace.ref(record)
        edit.restore(uuid)
    _told(call, workspace, uuid, "{title} is back.")


@command("relate", overlay=True)
@click.argument("source", metavar="A")
@click.argument("relation", metavar="RELATION")
@click.argument("target", metavar="B")
@click.argument("values", metavar="[PROP=VALUE…]", nargs=-1, type=assignment)
@click.option("--after", metavar="ID", help="In an ordered relation: behind this entry, by the relation's own id.")
@click.option("--before", metavar="ID", help="In an ordered relation: in front of this entry.")
def relate(
    call: Call,
    source: str,
    relation: str,
    target: str,
    values: tuple[tuple[str, str], ...],
    after: str | None,
    before: str | None,
) -> None:
    """Relate two records: openprod relate casting.performers:"Jane Doe" casting.plays casting.roles:Hamlet."""
    workspace = call.view()
    with workspace.edit("") as edit:
        start = workspace.ref(source)
        made = edit.relate_records(start, relation, workspace.ref(target), once(values), after=after, before=before)
    _assumed(edit)
    shape = next((one for one in workspace.relations(start) if one["id"] == made), None)
    if call.is_json:
        output.document(shape)
    elif shape is not None:
        output.line(f"{workspace.record(start)['title']} – {relation} – {shape['title']} ({made}).")
    call.leave(workspace.conflicts(made))


@command("move", overlay=True)
@click.argument("entry", metavar="RELATION_ID")
@click.option("--after", metavar="ID", help="Behind this entry of the same list.")
@click.option("--before", metavar="ID", help="In front of this entry of the same list.")
def move(call: Call, entry: str, after: str | None, before: str | None) -> None:
    """Move an entry of an ordered relation, by the relation's own id; without more, to the end of its list."""
    workspace = call.view()
    with workspace.edit("") as edit:
        edit.move(entry, after=after, before=before)
    uuid = workspace.ref(entry)
    if call.is_json:
        output.document({"id": uuid})
        return
    output.line("Moved.")


@command("unrelate", overlay=True)
@click.argument("what", metavar="RELATION_ID | A RELATION B", nargs=-1, required=True)
def unrelate(call: Call, what: tuple[str, ...]) -> None:
    """End a relation, given its id or the two records: openprod unrelate A casting.plays B."""
    if len(what) not in {1, 3}:
        raise click.UsageError("Give the relation's id, or: A RELATION B.")
    workspace = call.view()
    with workspace.edit("") as edit:
        ids = [workspace.ref(what[0])] if len(what) == 1 else _relations_between(workspace, *what)
        for one in ids:
            edit.unrelate(one)
    if call.is_json:
        output.document({"ended": ids})
        return
    output.line("Ended." if edit.bundle is not None else "It had ended already; nothing was written.")


def _relations_between(workspace: View, source: str, relation: str, target: str) -> list[str]:
    workspace.catalog.relation(relation)
    start, end = workspace.ref(source), workspace.ref(target)
    found = [
        one["id"]
        for one in workspace.relations(start)
        if one["is_source"] and one["relation"] == relation and one["other"] == end
    ]
    if not found:
        from openprod.model.errors import Missing

        titles = [workspace.record(one)["title"] for one in (start, end)]
        raise Missing(f"{titles[0]} has no {relation} to {titles[1]}. See: openprod relations {start}")
    return found


@command("relations", overlay=True)
@click.argument("record", metavar="RECORD")
def relations(call: Call, record: str) -> None:
    """List the relations of a record, in both directions."""
    from openprod.cli.showing import print_relations

    workspace = call.view()
    uuid = workspace.ref(record)
    found = workspace.relations(uuid)
    if call.is_json:
        output.document(found)
    elif found:
        print_relations(workspace, uuid)
    else:
        output.say(f"{workspace.record(uuid)['title']} has no relations.")


COMMANDS = {
    "add": add,
    "set": set_,
    "clear": clear,
    "refer": refer,
    "put": put,
    "remove": remove,
    "delete": delete,
    "restore": restore,
    "relate": relate,
    "unrelate": unrelate,
    "relations": relations,
    "move": move,
}
