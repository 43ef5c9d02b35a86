"""Staging: overlays to try changes in, look them over, and make them real at once or not at all."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import TO_DECIDE, Call, command, group

if TYPE_CHECKING:
    from openprod.workspace.shapes import ChangeShape
    from openprod.workspace.staging import Overlay


@command("new")
@click.argument("name", metavar="NAME")
@click.option("--use", "is_used", is_flag=True, help="Work in it from now on.")
def new(call: Call, name: str, *, is_used: bool) -> None:
    """Make an empty overlay."""
    workspace = call.open()
    call.keep_overlay(workspace.new_overlay(name))
    if is_used:
        workspace.use_overlay(name)
    if call.is_json:
        output.document(_shape(call, name))
        return
    more = "you work in it from now on" if is_used else f'work in it with: openprod overlay use "{name}"'
    output.line(f"Made the overlay '{name}'; {more}")


def _shape(call: Call, name: str) -> object:
    return next(one for one in _shapes(call) if one["name"] == name)


def _shapes(call: Call) -> list[dict[str, object]]:
    workspace = call.base()
    active = workspace.overlay_in_use()
    return [{**one, "active": one["name"] == active} for one in workspace.overlays()]


@command("list")
def list_(call: Call) -> None:
    """List the overlays of this device; a star marks the one you work in."""
    call.open()
    found = _shapes(call)
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("There are no overlays here. Make one with: openprod overlay new NAME")
    for one in found:
        star = "*" if one["active"] else " "
        source = f", from {one['source']}" if one["source"] else ""
        output.line(f"{star} {one['name']}  {one['records']} records, made {output.moment(str(one['made']))}{source}")


@command("use")
@click.argument("name", metavar="NAME")
def use(call: Call, name: str) -> None:
    """Work in an overlay: what you show and write here is in it, until `overlay leave`."""
    workspace = call.open()
    workspace.use_overlay(name)
    if call.is_json:
        output.document(_shape(call, name))
        return
    output.line(f"You work in '{name}' now. Back to the production with: openprod overlay leave")


@command("leave")
def leave(call: Call) -> None:
    """Work in the production again; what is staged stays in its overlay."""
    workspace = call.open()
    active = workspace.overlay_in_use()
    workspace.use_overlay(None)
    if call.is_json:
        output.document({"left": active})
        return
    output.line(f"You left '{active}'; what is staged there stays." if active else "You were in no overlay.")


@command("diff", overlay=True)
def diff(call: Call) -> None:
    """Say what committing an overlay would change, record by record."""
    found = call.overlay().diff()
    if call.is_json:
        output.document(found)
        return
    print_changes(found)
    if not found:
        output.say("Nothing is staged here that would change anything.")


def print_changes(changes: list[ChangeShape]) -> None:
    """Prints a change list: a line a record, its fields under it."""
    for _, lines in groupby(changes, key=lambda one: one["record"]):
        some = list(lines)
        first = some[0]
        output.line(first["text"])
        for one in some[1:]:
            output.line(f"    {one['text'].removeprefix(first['title']).removeprefix(chr(39) + 's ').strip()}")


@command("knockout", overlay=True)
@click.argument("what", metavar="OP_OR_RECORD")
@click.argument("field", metavar="[FIELD]", required=False)
def knockout(call: Call, what: str, field: str | None) -> None:
    """Leave a staged change out: one field of a record, or all that is staged for it."""
    overlay = call.overlay()
    overlay.knock_out(what, field)
    _told(call, overlay, f"Left out: {what}{f' {field}' if field else ''}.")


def _told(call: Call, overlay: Overlay, sentence: str) -> None:
    if call.is_json:
        output.document({"overlay": overlay.title, "diff": overlay.diff(), "drift": overlay.drift()})
    else:
        output.line(sentence)


@command("drift", overlay=True)
def drift(call: Call) -> None:
    """List what others changed meanwhile under what is staged, and waits for your decision (exit status 3)."""
    found = call.overlay().drift()
    if found:
        call.status = TO_DECIDE
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("Nothing changed under what is staged.")
    for one in found:
        output.line(f"{one['text']} ({output.moment(one['at'])})")
        output.line(f"    {one['record']} {one['field']}")
    if found:
        output.say("For each: openprod overlay keep RECORD FIELD, or: openprod overlay theirs RECORD FIELD")


@command("keep", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
def keep(call: Call, record: str, field: str) -> None:
    """Keep what is staged in a field, although somebody changed it meanwhile."""
    overlay = call.overlay()
    overlay.keep(record, field)
    _told(call, overlay, "Kept yours.")


@command("theirs", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
def theirs(call: Call, record: str, field: str) -> None:
    """Take what somebody changed meanwhile; what was staged there is dropped."""
    overlay = call.overlay()
    overlay.theirs(record, field)
    _told(call, overlay, "Took theirs.")


@command("bring", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("fields", metavar="FIELD…", nargs=-1, required=True)
@click.option("--from", "moment", metavar="T", required=True, help="A time, a day, yesterday or a milestone.")
def bring(call: Call, record: str, fields: tuple[str, ...], moment: str) -> None:
    """Stage the values that fields of a record had at a moment, in the overlay."""
    from openprod.cli.records import full_name

    overlay = call.overlay()
    keys = [full_name(overlay, record, one) for one in fields]
    then = call.base().at(moment)
    call.keep_overlay(then)
    overlay.bring_back(then, record, keys)
    if call.is_json:
        output.document({"overlay": overlay.title, "diff": overlay.diff()})
        return
    output.line(f"Staged in '{overlay.title}': {', '.join(fields)} of {record} as of {moment}. See: overlay diff")


@command("commit", overlay=True)
@click.option("--label", default="", metavar="TEXT", help="What the change is called in the history.")
def commit(call: Call, label: str) -> None:
    """Make what is staged real, as one change; the overlay ends. Refused while something waits for your decision."""
    overlay = call.overlay()
    name, count = overlay.title, len({one["record"] for one in overlay.diff()})
    bundle = overlay.commit(label)
    if call.is_json:
        output.document({"overlay": name, "bundle": bundle, "records": count})
        return
    what = f"{count} record{'s' if count != 1 else ''}"
    output.line(f"Committed '{name}': {what}, as one change." if bundle else f"'{name}' is gone; it changed nothing.")


@command("discard", overlay=True)
def discard(call: Call) -> None:
    """Drop an overlay and everything staged in it, at once and for good. The production is not touched."""
    overlay = call.overlay()
    name = overlay.title
    overlay.discard()
    if call.is_json:
        output.document({"discarded": name})
        return
    output.line(f"Discarded '{name}'.")


@command("rename", overlay=True)
@click.argument("name", metavar="NEW_NAME")
def rename(call: Call, name: str) -> None:
    """Give an overlay another name."""
    overlay = call.overlay()
    old = overlay.title
    overlay.rename(name)
    if call.is_json:
        output.document({"overlay": name, "was": old})
        return
    output.line(f"'{old}' is called '{name}' now.")


@command("undo", overlay=True)
def undo(call: Call) -> None:
    """Take the last step of staging back."""
    overlay = call.overlay()
    _told(call, overlay, f"Undone: {overlay.undo()}.")


@command("redo", overlay=True)
def redo(call: Call) -> None:
    """Take again the step of staging that was undone last."""
    overlay = call.overlay()
    _told(call, overlay, f"Done again: {overlay.redo()}.")


COMMANDS = {
    "overlay": group(
        "overlay",
        "Try changes before they become real. Each command is about the overlay you work in, or --overlay NAME.",
        new,
        list_,
        use,
        leave,
        diff,
        knockout,
        drift,
        keep,
        theirs,
        bring,
        commit,
        discard,
        rename,
        undo,
        redo,
    )
}
