"""Who writes on this device: create, export, import."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group
from openprod.model.errors import Refused


class FileThere(Refused):
    """A file that would be replaced."""

    code = "cli.file_there"


@command("create")
@click.option("--name", required=True, metavar="N", help="Your name, as others read it.")
def create(call: Call, name: str) -> None:
    """Set up who writes on this device."""
    import secrets

    with call.home() as home:
        made = home.create_identity(name, secrets.token_bytes(32))
    if call.is_json:
        output.document({"name": made.name, "actor": made.actor.hex(), "home": str(home.path)})
        return
    output.line(f"You write as {made.name} on this device. Your keys are in {home.path}.")


@command("export")
@click.argument("file", metavar="FILE")
def export(call: Call, file: str) -> None:
    """Write your identity and the keys of your productions to FILE, locked with a passphrase.

    The passphrase is asked for; without a terminal it is the first line of standard input.
    """
    path = Path(file)
    if path.exists():
        raise FileThere(f"{path} is there already and was not replaced. Choose another name.")
    with call.home() as home:
        home.need_identity()
        raw = home.export_identity(_passphrase(confirm=True))
    import os

    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(raw)
    if call.is_json:
        output.document({"file": str(path)})
        return
    output.line(f"Your identity is in {path}. Whoever has the file and the passphrase writes as you.")


@command("import")
@click.argument("file", metavar="FILE")
def import_(call: Call, file: str) -> None:
    """Take your identity and the keys of your productions from FILE, as `identity export` wrote it."""
    raw = Path(file).read_bytes()
    with call.home() as home:
        taken = home.import_identity(raw, _passphrase(confirm=False))
    if call.is_json:
        output.document({"name": taken.name, "actor": taken.actor.hex(), "home": str(home.path)})
        return
    output.line(f"You write as {taken.name} on this device.")


def _passphrase(*, confirm: bool) -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


COMMANDS = {"identity": group("identity", "Create, export or import who you are.", create, export, import_)}
