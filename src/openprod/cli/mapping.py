"""The same data under two names: list mappings, confirm, reject, make and take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openprod.workspace.shapes import MappingShape
    from openprod.workspace.view import View


def full_key(workspace: View, text: str) -> str:
    """Returns the full key of a field that people name by table and field; raises UnknownName."""
    table, _, name = text.rpartition(".")
    if table in workspace.catalog.tables:
        return workspace.catalog.resolve_field(table, name).key
    return workspace.catalog.field(text).key


def suggest(mappings: Sequence[MappingShape]) -> None:
    """Says which mappings are suggested, each as a question with its id."""
    for one in mappings:
        output.say(f"{one['id']}  {one['text']}  ({one['one']}, {one['other']})")
    if mappings:
        output.say("Say yes with: openprod mapping confirm ID. No, and not asked again: openprod mapping reject ID")


@command("mappings", overlay=True)
def list_mappings(call: Call) -> None:
    """List which fields are the same data, which may be, and which were kept apart."""
    found = call.view().all_mappings()
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say(
            "Nothing is mapped, and nothing suggested. Map two fields with: openprod map TABLE.field TABLE.field"
        )
        return
    rows = [(one["id"], one["state"], one["one"], one["other"], one["text"]) for one in found]
    output.table(("id", "", "field", "field", ""), rows)


@command("map", overlay=True)
@click.argument("one", metavar="TABLE.FIELD")
@click.argument("other", metavar="TABLE.FIELD")
def map_fields(call: Call, one: str, other: str) -> None:
    """Say that two fields are the same data from now on: openprod map contacts.people.phone schedule.attendees.phone.

    No value is chosen: where the two differ, that becomes a question.
    """
    workspace = call.view()
    keys = [full_key(workspace, text) for text in (one, other)]
    _mapped(call, workspace, (keys[0], keys[1]))


@command("unmap", overlay=True)
@click.argument("one", metavar="TABLE.FIELD")
@click.argument("other", metavar="TABLE.FIELD")
def unmap_fields(call: Call, one: str, other: str) -> None:
    """Take a mapping back: both fields keep what they showed and go their own ways."""
    workspace = call.view()
    keys = [full_key(workspace, text) for text in (one, other)]
    workspace.unmap_fields(*keys)
    if call.is_json:
        output.document(workspace.all_mappings())
        return
    output.line(f"{keys[0]} and {keys[1]} are apart again, both with what they showed.")


@command("confirm", overlay=True)
@click.argument("mapping", metavar="ID")
def confirm(call: Call, mapping: str) -> None:
    """Say yes to a suggested mapping, given its id as `openprod mappings` lists it."""
    workspace = call.view()
    before = {one["id"] for one in workspace.conflicts()}
    found = workspace.confirm_mapping(mapping)
    _told(call, workspace, (found["one"], found["other"]), before)


@command("reject", overlay=True)
@click.argument("mapping", metavar="ID")
def reject(call: Call, mapping: str) -> None:
    """Say no to a suggested mapping: the two fields stay apart, and nobody is asked again."""
    found = call.view().reject_mapping(mapping)
    if call.is_json:
        output.document({**found, "state": "declined"})
        return
    output.line(f"{found['one']} and {found['other']} are kept apart, and this is not asked again.")


def _mapped(call: Call, workspace: View, keys: tuple[str, str]) -> None:
    before = {one["id"] for one in workspace.conflicts()}
    workspace.map_fields(*keys)
    _told(call, workspace, keys, before)


def _told(call: Call, workspace: View, keys: tuple[str, str], before: set[str]) -> None:
    low, high = sorted(keys)
    if call.is_json:
        output.document(next(one for one in workspace.all_mappings() if (one["one"], one["other"]) == (low, high)))
    else:
        output.line(
            f"{keys[0]} and {keys[1]} are the same data now. Take it back with: openprod unmap {keys[0]} {keys[1]}"
        )
    call.leave(one for one in workspace.conflicts() if one["id"] not in before)


COMMANDS = {
    "mappings": list_mappings,
    "map": map_fields,
    "unmap": unmap_fields,
    "mapping": group("mapping", "Answer a suggested mapping.", confirm, reject),
}
