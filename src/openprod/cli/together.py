"""Together without any network: invitations, joining with a file, and exchange by stick or shared folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.cli.progress import bar
from openprod.model.errors import Missing
from openprod.workspace.shapes import ConflictShape

if TYPE_CHECKING:
    from openprod.peers import opx
    from openprod.workspace.ingest import Report
    from openprod.workspace.shapes import InvitationShape

SUFFIX = ".opx"


class NothingToSyncWith(Missing):
    """What was given is neither a folder nor an .opx file."""

    code = "cli.no_such_place"


class FileShape(TypedDict):
    """What became of one file: how many changes it holds, and what the workspace did with them."""

    name: str
    bundles: int
    applied: int
    duplicates: int
    waiting: int
    held: int
    admission: int
    unread: int
    rejected: list[str]
    skipped: str


class SyncShape(TypedDict):
    """What an exchange did; `written` is the file that was written, None where it was up to date."""

    files: list[FileShape]
    written: str | None
    conflicts: list[ConflictShape]


@command("invite")
@click.option("--label", default="", metavar="L", help="Whom it is for, so that you know it again.")
@click.option("--uses", type=click.IntRange(1), metavar="N", help="For so many people; without it for any number.")
@click.option("--expires", metavar="D", help="Until the end of this day (2026-01-12), or until this time.")
@click.option("--list", "is_list", is_flag=True, help="List the invitations that are open.")
@click.option("--revoke", metavar="KEY", help="Close an invitation, by the beginning of its key as --list shows it.")
def invite(call: Call, label: str, *, uses: int | None, expires: str | None, is_list: bool, revoke: str | None) -> None:
    """Make an invitation: one line to hand to one person, as a secret.

    Whoever has it together with an .opx file of this production reads everything and is in. Write the file afterwards:
    openprod sync FILE.opx
    """
    if is_list or revoke is not None:
        _open_invitations(call, revoke)
        return
    text = call.open().invite(label, uses=uses, expires=expires)
    if call.is_json:
        output.document({"invitation": text, "label": label, "uses": uses, "expires": expires})
        return
    output.line(text)
    output.say("Hand this line on in private: with it and an .opx file anybody reads everything here.")
    output.say("Then write the file for them: openprod sync FILE.opx")


def _open_invitations(call: Call, revoke: str | None) -> None:
    workspace = call.open()
    if revoke is not None:
        workspace.revoke_invitation(revoke)
        output.say("It is closed here, and where this is heard of. Who used it elsewhere before waits to be admitted.")
    found = workspace.invitations()
    if call.is_json:
        output.document(found)
    elif found:
        output.table(("key", "for", "used", "until"), [_invitation(one) for one in found])
    else:
        output.say("No invitation is open.")


def _invitation(one: InvitationShape) -> tuple[str, str, str, str]:
    used = f"{one['used']} of {one['uses']}" if one["uses"] is not None else str(one["used"])
    until = f"{one['expires']} UTC" if one["expires"] else "–"
    return one["key"][:12], one["label"] or "–", used, until if one["is_good"] else f"{until} (over)"


@command("admit")
@click.argument("log", metavar="[LOG]", required=False)
def admit(call: Call, log: str | None) -> None:
    """Let somebody in who waits to be, or list who does.

    Whoever used an invitation that is closed here waits until a member lets them in, or builds on their work. LOG is
    the beginning of what the list shows; make sure with them that it is theirs.
    """
    workspace = call.open()
    if log is not None:
        workspace.admit(log)
    found = workspace.joiners()
    if call.is_json:
        output.document(found)
    elif found:
        rows = [(one["log"][:12], one["name"] or "–", str(one["changes"])) for one in found]
        output.table(("log", "calls themselves", "changes"), rows, right=frozenset({2}))
    else:
        output.say("They are in." if log is not None else "Nobody waits to be let in.")


@command("accept")
@click.argument("bundle", metavar="[BUNDLE]", required=False)
def accept(call: Call, bundle: str | None) -> None:
    """Let in a change that is held because its author's clock is ahead, or list those that are.

    BUNDLE is the beginning of what the list shows. People read the time of this acceptance for it.
    """
    workspace = call.open()
    if bundle is not None:
        workspace.accept_clock(bundle)
    found = [one for one in workspace.held() if one["reason"] == "held"]
    if call.is_json:
        output.document(found)
    elif found:
        output.table(("change", "log"), [(str(one["bundle"])[:12], str(one["log"])[:12]) for one in found])
    else:
        output.say("It is in." if bundle is not None else "Nothing is held for its clock.")


@command("join")
@click.argument("invitation", metavar="INVITE")
@click.argument("folder", metavar="DIR")
@click.option(
    "--from", "file", required=True, metavar="FILE", help="An .opx file written after the invitation was made."
)
@click.option("--person", metavar="N", help="Your name, where this device does not know it yet.")
def join(call: Call, invitation: str, folder: str, file: str, person: str | None) -> None:
    """Join a production, in the folder DIR, with an invitation and a file of it.

    INVITE may be -, to be read from standard input, where no other user of the machine sees it.
    """
    from openprod.identity.invite import read_invitation
    from openprod.peers.opx import bootstrap
    from openprod.workspace.opening import join_workspace

    invited = read_invitation(sys.stdin.read() if invitation == "-" else invitation)
    found = bootstrap(Path(file), invited)
    keys = [(found.epoch, found.key)]
    with bar("Taking in"):
        joined = join_workspace(invited, Path(folder).expanduser().absolute(), found.bundles(), keys, person=person)
    workspace = call.keep(joined)
    shape = workspace.status()
    if call.is_json:
        output.document(shape)
        return
    output.line(f"You are in {shape['name']}, in {shape['path']}, as {shape['actor_name']}.")
    output.say(f"Give others what you write: openprod --workspace {shape['path']} sync FILE.opx")


@command("sync")
@click.argument("place", metavar="FILE_OR_FOLDER")
def sync(call: Call, place: str) -> None:
    """Bring copies together: by FILE.opx on a stick, or by a folder that all devices share.

    Reads what is missing here, then writes what others lack. Half-copied, damaged and doubled files do no harm.
    """
    from openprod.peers import opx

    path = Path(place).expanduser()
    workspace = call.open()
    before = {one["id"] for one in workspace.conflicts()}
    if path.is_dir():
        with bar("Taking in") as progress:
            report = opx.sync_folder(workspace, path, progress=progress)
    elif path.name.lower().endswith(SUFFIX):
        with bar("Taking in") as progress:
            report = opx.sync_file(workspace, path, progress=progress)
    else:
        raise NothingToSyncWith(
            f"{path} is neither a folder nor an .opx file. Give a folder that is there, or a file name that "
            f"ends in {SUFFIX}."
        )
    new = [one for one in workspace.conflicts() if one["id"] not in before]
    shape: SyncShape = {
        "files": [_file_shape(one) for one in report.files],
        "written": str(report.written) if report.written is not None else None,
        "conflicts": new,
    }
    if call.is_json:
        output.document(shape)
    else:
        _print(shape)
    call.leave(new)


def _file_shape(read: opx.FileRead[Report]) -> FileShape:
    taken = read.taken
    return {
        "name": read.name,
        "bundles": read.bundles,
        "applied": taken.applied if taken else 0,
        "duplicates": taken.duplicates if taken else 0,
        "waiting": taken.waiting if taken else 0,
        "held": taken.held if taken else 0,
        "admission": taken.admission if taken else 0,
        "unread": taken.unread if taken else 0,
        "rejected": list(taken.rejected) if taken else [],
        "skipped": read.skipped,
    }


def _print(shape: SyncShape) -> None:
    for one in shape["files"]:
        if one["skipped"]:
            output.line(one["skipped"])
            continue
        waiting = one["waiting"] + one["held"] + one["admission"]
        more = f", {waiting} without effect yet (openprod status says why)" if waiting else ""
        output.line(f"{one['name']}: {one['applied']} new of {one['bundles']} changes{more}.")
        for sentence in one["rejected"]:
            output.line(sentence)
    written = (
        f"Wrote {shape['written']}." if shape["written"] else "What others need is there already; nothing was written."
    )
    output.line(written)


COMMANDS = {"invite": invite, "admit": admit, "accept": accept, "join": join, "sync": sync}
