"""Settings of the show: zone, clock, paper, name."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.arguments import assignment, once
from openprod.cli.call import Call, command


@command("settings")
@click.argument("values", metavar="[NAME=VALUE…]", nargs=-1, type=assignment)
def settings(call: Call, values: tuple[tuple[str, str], ...]) -> None:
    """Show the settings of the production, or change them for everybody: openprod settings clock=12 paper=Letter."""
    workspace = call.open()
    if values:
        workspace.change_settings({name: str(value or "") for name, value in once(values).items()})
    found = workspace.settings()
    if call.is_json:
        output.document({one["name"]: one["value"] for one in found})
        return
    output.table(("setting", "is", ""), [(one["name"], one["value"] or "–", one["help"]) for one in found])
    ids = [one for one in workspace.conflicts() if one["field"] == "core.settings.value"]
    call.leave(ids)


COMMANDS = {"settings": settings}
