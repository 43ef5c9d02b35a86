"""Files: attach them to records, list what is kept, get an issue of a draft back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group

if TYPE_CHECKING:
    from openprod.model.values import BlobRef
    from openprod.workspace.shapes import BlobShape
    from openprod.workspace.view import View

STDOUT = "-"


@command("attach", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def attach(call: Call, record: str, field: str, file: Path) -> None:
    """Keep a copy of a file here and attach it to a field of a record: its next issue, with the earlier ones kept."""
    from openprod.cli.records import full_name
    from openprod.workspace.wording import issue_text, size_text

    workspace = call.view()
    key = full_name(workspace, record, field)
    uuid = workspace.ref(record)
    shown = {one["field"]: [one["shown"]] for one in workspace.conflicts(uuid)}
    ref = workspace.attach(uuid, key, file.expanduser(), shown)
    shape = workspace.record(uuid)
    if call.is_json:
        output.document(shape)
    else:
        newest = workspace.issues(uuid, key)[0]
        what = f"{ref.name} ({size_text(ref.size)}, {ref.media})"
        output.line(f"Attached {what} to {shape['title']}: {issue_text(newest['issue'])}.")
    if shape["conflicts"]:
        call.leave(
            one for one in workspace.conflicts(uuid) if one["field"].rpartition(".")[2] == key.rpartition(".")[2]
        )


@command("list")
def list_(call: Call) -> None:
    """List the files that the production names, and whether they are on this device."""
    _print(call, call.view().blobs())


@command("unused")
def unused(call: Call) -> None:
    """List the files that lie here and that nothing names, not even an earlier issue. Nothing deletes them by itself.

    They are left by overlays that were discarded and by files that were added and never attached.
    """
    _print(call, [one for one in call.view().blobs() if one["state"] == "unused"], none="Every file here is used.")


def _print(call: Call, found: list[BlobShape], none: str = "There are no files here.") -> None:
    from openprod.workspace.wording import size_text

    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say(none)
        return
    rows = [
        (
            one["hash"][:12],
            one["name"] or "(no name)",
            size_text(one["size"]),
            one["media"],
            one["state"] if one["here"] else f"{one['state']}, not on this device",
            ", ".join(f"{place['title']}: {place['field'].rpartition('.')[2]}" for place in one["places"]),
        )
        for one in found
    ]
    output.table(("file", "name", "size", "type", "is", "in"), rows, right=frozenset({2}))


@command("issues", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
def issues(call: Call, record: str, field: str) -> None:
    """List the issues of a draft: every file that a field of a record ever held, the newest first."""
    from openprod.cli.records import full_name

    workspace = call.view()
    found = workspace.issues(record, full_name(workspace, record, field))
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("No file was ever attached there.")
    for one in found:
        mark = "*" if one["current"] else " "
        missing = "" if one["here"] else ", not on this device"
        output.line(
            f"{mark} {one['text']}  {output.moment(one['at'])}  {one['actor_name']}  {one['hash'][:12]}{missing}"
        )


@command("add")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def add(call: Call, file: Path) -> None:
    """Keep a copy of a file that no record refers to yet. To attach it to one at once: openprod attach."""
    from openprod.model.values import plain
    from openprod.workspace.wording import size_text

    ref = call.open().keep_blob(file.expanduser())
    if call.is_json:
        output.document(plain(ref))
        return
    output.line(f"Kept {ref.name} ({size_text(ref.size)}, {ref.media}) as {ref.hash.hex()[:12]}.")


@command("take")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
def take(call: Call, folder: Path) -> None:
    """Take files that are not on this device from a stick, or from a copy of the production, each proven."""
    workspace = call.open()
    count = workspace.take_blobs(folder.expanduser())
    lacking = workspace.blobs_lacking()
    if call.is_json:
        output.document({"taken": count, "lacking": [one.name for one in lacking]})
        return
    output.line(f"Took {count} file{'s' if count != 1 else ''}.")
    for one in lacking:
        output.say(f"Still not on this device: {one.name}")


@command("give")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
def give(call: Call, folder: Path) -> None:
    """Put the files of the production into a folder on a stick, for `blob take` on another device.

    They are not encrypted there, as an .opx file is: whoever has the stick can read them.
    """
    count = call.open().give_blobs(folder.expanduser())
    if call.is_json:
        output.document({"given": count})
        return
    output.line(f"Put {count} file{'s' if count != 1 else ''} into {folder}. They are not encrypted there.")


@command("get", overlay=True)
@click.argument("what", metavar="HASH_OR_RECORD")
@click.argument("field", metavar="[FIELD]", required=False)
@click.option("--issue", type=click.IntRange(1), metavar="N", help="That issue, instead of what the field holds now.")
@click.option("-o", "--output", "target", metavar="FILE", help="Where to; - is stdout. Otherwise its own name, here.")
def get(call: Call, what: str, field: str | None, issue: int | None, target: str | None) -> None:
    """Get a file back, proven byte by byte: by its hash, or by the field of a record that it is attached to."""
    if issue is not None and field is None:
        raise click.UsageError("--issue is about a field of a record: blob get RECORD FIELD --issue N")
    workspace = call.view()
    ref = workspace.blob(what) if field is None else _issue(workspace, what, field, issue)
    if target == STDOUT:
        with workspace.open_blob(ref) as file:
            while piece := file.read(1 << 20):
                sys.stdout.buffer.write(piece)
        return
    path = Path(target).expanduser() if target is not None else Path.cwd() / (ref.name or ref.hash.hex()[:12])
    if path.is_dir():
        path /= ref.name or ref.hash.hex()[:12]
    workspace.export_blob(ref, path, is_replacing=call.is_sure)
    if call.is_json:
        from openprod.model.values import plain

        output.document({"file": plain(ref), "path": str(path)})
        return
    output.line(f"Wrote {path}.")


def _issue(workspace: View, record: str, field: str, number: int | None) -> BlobRef:
    from openprod.cli.records import full_name
    from openprod.model.values import BlobRef
    from openprod.workspace.issues import NoSuchFile

    found = workspace.issues(record, full_name(workspace, record, field))
    for one in found:
        if one["issue"] == number if number is not None else one["current"]:
            return BlobRef(bytes.fromhex(one["hash"]), one["name"], one["size"], one["media"])
    there = f"There are issues 1 to {found[0]['issue']}." if found else "No file was ever attached there."
    which = f"has no issue {number}" if number is not None else "holds no file now"
    raise NoSuchFile(f"{field} of {workspace.record(record)['title']} {which}. {there}")


COMMANDS = {
    "attach": attach,
    "blob": group("blob", "List the files that are kept, get one back.", list_, get, issues, unused, add, take, give),
}
