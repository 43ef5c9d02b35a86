"""How things came to be: the log, a record's history, the proof that all is sound, and deriving it again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import REFUSED, TO_DECIDE, Call, command
from openprod.cli.progress import bar

if TYPE_CHECKING:
    from openprod.workspace.shapes import LogEntry

ENTRIES_SHOWN = 20
OPS_SHOWN = 8


@command("log")
@click.option("-n", "count", type=click.IntRange(1), default=ENTRIES_SHOWN, metavar="N", help="How many changes.")
def log(call: Call, count: int) -> None:
    """List the last changes, the newest first, with who made them and when."""
    _print(call, call.open().log_entries(count))


@command("history")
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="[FIELD]", required=False)
def history(call: Call, record: str, field: str | None) -> None:
    """Say how a record, or one field of it, came to be as it is: the newest change first."""
    from openprod.cli.records import full_name

    workspace = call.open()
    wanted = full_name(workspace, record, field) if field is not None else None
    _print(call, workspace.history(record, wanted), with_ops=True)


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
    from openprod.workspace.workspace import open_workspace

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
    from openprod.workspace.workspace import rebuild_into

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


COMMANDS = {"log": log, "history": history, "verify": verify, "rebuild": rebuild}
