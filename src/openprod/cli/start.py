"""Commands that start: demo, init, serve, status, whoami."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.cli.progress import bar

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

DEMO_FOLDER = "demo-production"


@command("demo")
@click.argument("folder", metavar="[DIR]", default=DEMO_FOLDER)
@click.option("--no-serve", is_flag=True, help="Only make it.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port to serve on; any free one if left out."
)
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
def demo(call: Call, folder: str, *, no_serve: bool, port: int, no_browser: bool) -> None:
    """Make the demo production, Richard III, in DIR if it is not there yet, and open it in the browser."""
    from openprod.exchange.demo import build_demo

    path = Path(folder).expanduser().absolute()
    if not (path / "workspace.db").exists():
        output.say(f"Making the demo production in {path}")
    with bar("Building"):
        built = build_demo(path)
    workspace = call.keep(built)
    _started(call, workspace)
    if not no_serve:
        _serve(call, workspace, port, no_browser=no_browser)


@command("init")
@click.argument("folder", metavar="DIR")
@click.option("--name", required=True, metavar="N", help="What the production is called.")
@click.option("--template", metavar="T", help="What to begin with; 'openprod template list' shows them.")
@click.option("--person", metavar="N", help="Your name, where this device does not know it yet.")
def init(call: Call, folder: str, name: str, template: str | None, person: str | None) -> None:
    """Start a new production in the folder DIR, which is empty or not there yet."""
    from openprod.workspace.opening import init_workspace

    workspace = call.keep(
        init_workspace(Path(folder).expanduser().absolute(), name=name, template=template, person=person)
    )
    _started(call, workspace)
    if template is not None and not call.is_json:
        from openprod.cli.templates import confirmed, say_staged

        output.line(f"{template} confirmed for everybody here:")
        confirmed(workspace.template(template))
        say_staged(workspace, set())


def _started(call: Call, workspace: Workspace) -> None:
    shape = workspace.status()
    if call.is_json:
        output.document(shape)
        return
    output.line(f"{shape['name']} is in {shape['path']}. You write there as {shape['actor_name']}.")


@command("serve")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port to serve on; any free one if left out."
)
@click.option("--no-browser", is_flag=True, help="Do not open the browser; say which page to open.")
def serve(call: Call, port: int, *, no_browser: bool) -> None:
    """Open this production in your browser; Ctrl C ends it. Only this computer and this user can reach it."""
    _serve(call, call.open(), port, no_browser=no_browser)


def _serve(call: Call, workspace: Workspace, port: int, *, no_browser: bool) -> None:
    import shutil

    from openprod.exchange.export import export_table
    from openprod.server.app import Server

    home = workspace.home.path
    with Server(workspace, port=port, state=home, export=lambda table: export_table(workspace, table)) as server:
        page = server.open_browser(_leave_closed) if no_browser else server.open_browser()
        try:
            if call.is_json:
                output.document({"origin": server.origin, "port": server.port, "page": str(page)})
                output.flush()
            output.say(f"{workspace.name} is open at {server.origin} for this computer only. Ctrl C ends it.")
            if no_browser:
                output.say(f"Within a minute, open this page in a browser of this computer: {page}")
            server.wait()
        finally:
            shutil.rmtree(page.parent, ignore_errors=True)


def _leave_closed(_: str) -> bool:
    return True


@command("status")
def status(call: Call) -> None:
    """Say where this production stands: who writes, how much is here, and what waits."""
    workspace = call.open()
    shape = workspace.status()
    if call.is_json:
        output.document(shape)
        return
    output.line(f"{shape['name']}  ({shape['path']})")
    counts = {
        "you write as": shape["actor_name"] or "nobody yet: openprod identity create --name NAME",
        "changes": f"{shape['bundles']}, written on {shape['logs']} {'devices' if shape['logs'] > 1 else 'device'}",
        "to decide": str(shape["conflicts"]) if shape["conflicts"] else "nothing",
        "without effect yet": str(shape["pending"]) if shape["pending"] else "nothing",
        "state": shape["state_hash"],
    }
    output.pairs(counts)
    for notice in workspace.notices():
        output.line(notice["text"])


@command("whoami")
def whoami(call: Call) -> None:
    """Say who writes on this device, and where their keys are."""
    with call.home() as home:
        identity = home.need_identity()
    if call.is_json:
        output.document({"name": identity.name, "actor": identity.actor.hex(), "home": str(home.path)})
        return
    output.line(identity.name)
    output.pairs({"key": identity.actor.hex(), "kept in": str(home.path)})


COMMANDS = {"demo": demo, "init": init, "serve": serve, "status": status, "whoami": whoami}
