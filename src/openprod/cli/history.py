"""How things came to be: the log, a record's history, the proof that all is sound, and deriving it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import REFUSED, TO_DECIDE, Call, command
from openprod.cli.progress import bar

if TYPE_CHECKING:
    from openprod.workspace.shapes import LogEntry, SinceShape
    from openprod.workspace.view import View

ENTRIES_SHOWN = 20
OPS_SHOWN = 8


def _table(workspace: View, one: SinceShape) -> str:
    known = workspace.catalog.tables.get(one["table"])
    return known.title if known is not None else one["table"] or "Elsewhere"


def _department(workspace: View, one: SinceShape) -> str:
    del workspace
    # A module is a department's; what is in no table is the production's own.
    return one["table"].partition(".")[0].replace("_", " ").capitalize() or "Elsewhere"


def _author(workspace: View, one: SinceShape) -> str:
    del workspace
    return one["actor_name"]


def _record(workspace: View, one: SinceShape) -> str:
    return f"{one['title']}, {_table(workspace, one)}"


GROUPS: dict[str, Callable[[View, SinceShape], str]] = {
    "table": _table,
    "department": _department,
    "author": _author,
    "record": _record,
}


@command("log", overlay=True)
@click.option("-n", "count", type=click.IntRange(1), default=ENTRIES_SHOWN, metavar="N", help="How many changes.")
def log(call: Call, count: int) -> None:
    """List the last changes, the newest first, with who made them and when."""
    _print(call, call.view().log_entries(count))


@command("history", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="[FIELD]", required=False)
def history(call: Call, record: str, field: str | None) -> None:
    """Say how a record, or one field of it, came to be as it is: the newest change first."""
    from openprod.cli.records import full_name

    workspace = call.view()
    wanted = full_name(workspace, record, field) if field is not None else None
    entries = workspace.history(record, wanted)
    if not call.is_json:
        for entry in entries:
            for op in entry["ops"]:
                was = workspace.replaced(op["record"], op["field"], op["op"]) if not op["field"].startswith("@") else []
                op["text"] += f", was {' and '.join(was)}" if was else ""
    _print(call, entries, with_ops=True)


def _print(call: Call, entries: list[LogEntry], *, with_ops: bool = False) -> None:
    if call.is_json:
        output.document(entries)
        return
    if not entries:
        output.say("Nothing was ever written there.")
    for entry in entries:
        what = f"{entry['cause']}: {entry['label']}" if entry["label"] else entry["cause"]
        output.line(f"{output.moment(entry['at'])}  {entry['actor_name']}  {what}  ({entry['bundle'][:12]})")
        for text in _op_lines(entry, OPS_SHOWN, with_ids=with_ops):
            output.line(f"    {text}")


def _op_lines(entry: LogEntry, most: int, *, with_ids: bool) -> Iterable[str]:
    for op in entry["ops"][:most]:
        yield f"{op['text']}  [{op['op']}]" if with_ids else op["text"]
    if len(entry["ops"]) > most:
        yield f"… and {len(entry['ops']) - most} more"


@command("diff")
@click.option("--since", metavar="T", help="A time, a day, yesterday, today or a milestone.")
@click.option("--until", metavar="T", help="And until then, instead of now.")
@click.option(
    "--by", "by", type=click.Choice(list(GROUPS)), default="table", help="Put them together by this; table if left out."
)
def diff(call: Call, since: str | None, until: str | None, by: str) -> None:
    """Say what changed since a moment, by table, department, author or record.

    Without a moment: what others did since you last wrote here.
    """
    workspace = call.open()
    found = workspace.changes_since(since, until)
    if call.is_json:
        output.document(found)
        return
    when = f"since {since}" if since is not None else "since you last wrote here"
    until_text = f" until {until}" if until is not None else ""
    output.line(f"{len(found)} change{'s' if len(found) != 1 else ''} {when}{until_text}.")
    group = GROUPS[by]
    for title, lines in groupby(
        sorted(found, key=lambda one: group(workspace, one)), key=lambda one: group(workspace, one)
    ):
        some = list(lines)
        output.line(f"{title} ({len(some)}):")
        for one in some:
            output.line(f"    {one['text']}  – {one['actor_name']}, {output.moment(one['at'])}")


@command("milestone")
@click.argument("name", metavar="NAME")
def milestone(call: Call, name: str) -> None:
    """Give this moment a name, for everybody: show --as-of NAME brings it back to the eye."""
    workspace = call.open()
    record = workspace.milestone(name)
    if call.is_json:
        output.document(workspace.record(record))
        return
    output.line(f"This moment is called '{name}'. See it again with: openprod show TABLE --as-of \"{name}\"")


@command("undo", overlay=True)
@click.option("--rest", is_flag=True, help="Take back what nobody changed since, and leave the rest.")
def undo(call: Call, *, rest: bool) -> None:
    """Take back what you did last, as one new change; refused, naming who, where somebody changed it since.

    The next undo goes on to what you did before. In an overlay, it takes back the last step of staging.
    """
    workspace = call.view()
    label = workspace.undo(rest=rest)
    _stepped(call, workspace, "undone", label, f"Undone: {label}.")


@command("redo", overlay=True)
@click.option("--rest", is_flag=True, help="Do again what nobody changed since, and leave the rest.")
def redo(call: Call, *, rest: bool) -> None:
    """Do again what you took back last, as one new change."""
    workspace = call.view()
    label = workspace.redo(rest=rest)
    _stepped(call, workspace, "redone", label, f"Done again: {label}.")


def _stepped(call: Call, workspace: View, word: str, label: str, sentence: str) -> None:
    if call.is_json:
        to_undo, to_redo = workspace.can_undo()
        output.document({word: label, "undo": to_undo, "redo": to_redo})
        return
    output.line(sentence)


@command("verify")
def verify(call: Call) -> None:
    """Check every hash, signature and link, and that the tables are what the history gives. Changes nothing.

    Exit status 0: all is sound. 1: something is damaged, and is named.
    """
    workspace = call.open()
    with bar("Checking") as progress:
        findings = workspace.verify(progress)
    if not findings.is_sound:
        call.status = REFUSED
    if call.is_json:
        output.document(
            {
                "sound": findings.is_sound,
                "bundles": findings.bundles,
                "damaged": findings.damaged,
                "state_hash": findings.state_hash,
            }
        )
        return
    for sentence in findings.damaged:
        output.line(sentence)
    for sentence in findings.notes:
        output.say(sentence)
    if findings.is_sound:
        output.line(f"All is sound: {findings.bundles} changes checked, state {findings.state_hash}.")
    else:
        output.say("What is damaged can be had back from a colleague or a stick: openprod sync FILE.opx")


@command("rebuild")
@click.option(
    "--into", metavar="DIR", help="Make a fresh production there, from a file that cannot be opened any more."
)
def rebuild(call: Call, into: str | None) -> None:
    """Derive all tables from the history again; what people wrote is not touched.

    With --into, the history is read out of a damaged production's file, proven change by change, and a new production
    made of it in the folder DIR; the damaged one stays as it is.
    """
    if into is not None:
        _rebuild_into(call, Path(into).expanduser().absolute())
        return
    from openprod.store.database import DatabaseDamaged
    from openprod.workspace.opening import open_workspace

    with bar("Deriving") as progress:
        try:
            workspace = call.open()
            workspace.rebuild(progress)
        except DatabaseDamaged:
            # What is derived may be too damaged to be opened with: then it goes first.
            call.close()
            workspace = call.keep(open_workspace(call.folder(), repair=True))
    shape = workspace.status()
    if call.is_json:
        output.document(shape)
        return
    output.line(f"Derived again from {shape['bundles']} changes, state {shape['state_hash']}.")


def _rebuild_into(call: Call, folder: Path) -> None:
    from openprod.workspace.opening import rebuild_into

    workspace, report = rebuild_into(call.folder(), folder)
    call.keep(workspace)
    shape = workspace.status()
    if call.is_json:
        output.document(shape)
    else:
        output.line(f"{shape['name']} is in {shape['path']}, made from {shape['bundles']} changes that proved.")
    for sentence in report.rejected:
        output.say(sentence)
    if report.rejected or shape["pending"]:
        output.say("Something could not be read. Get it from a colleague or a stick: openprod sync FILE.opx")
        call.status = TO_DECIDE


COMMANDS = {
    "log": log,
    "history": history,
    "diff": diff,
    "milestone": milestone,
    "undo": undo,
    "redo": redo,
    "verify": verify,
    "rebuild": rebuild,
}
