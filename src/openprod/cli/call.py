"""One call of the program: its global options, the production it is about, and how it ends.

Knows where a production is looked for. Imports the workspace only when one is opened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from openprod.store.home import Home
    from openprod.workspace.shapes import ConflictShape
    from openprod.workspace.staging import Overlay
    from openprod.workspace.view import View
    from openprod.workspace.workspace import Workspace

DONE, REFUSED, USAGE, TO_DECIDE = 0, 1, 2, 3
WORKSPACE_VARIABLE = "OPENPROD_WORKSPACE"

C = TypeVar("C", bound=click.Command)


class Call:
    """One call: handed to every command."""

    def __init__(self, *, is_json: bool = False) -> None:
        self.is_json = is_json
        self.is_sure = False
        self.workspace_option: str | None = None
        self.overlay_option: str | None = None
        self.status = DONE
        self._workspace: Workspace | None = None
        self._above: list[View] = []

    def folder(self) -> Path:
        """Returns the production's folder: named, from the environment, or the nearest one upward."""
        named = self.workspace_option or os.environ.get(WORKSPACE_VARIABLE)
        if named:
            return Path(named).expanduser()
        from openprod.workspace.opening import find_workspace

        return find_workspace(Path.cwd())

    def open(self) -> Workspace:
        """Opens the production; it is closed at the end of the call."""
        from openprod.workspace.opening import open_workspace

        self._workspace = open_workspace(self.folder())
        return self._workspace

    def base(self) -> Workspace:
        """Returns the production, opening it if it is not open yet."""
        return self._workspace if self._workspace is not None else self.open()

    def view(self, as_of: str | None = None) -> View:
        """Returns what this call reads and writes: the production, the overlay people work in, or a moment of the past.

        What is not the production itself is said on stderr.
        """
        from openprod.cli import output

        workspace = self.base()
        name = self.overlay_option or workspace.overlay_in_use()
        if as_of is not None:
            if self.overlay_option:
                raise click.UsageError("--as-of is about the past, and an overlay is not. Give one of them.")
            output.say(f"As it was: {as_of}.")
            return self.keep_overlay(workspace.at(as_of))
        if name is None:
            return workspace
        output.say(f"In the overlay '{name}': nothing of it is in the production yet.")
        return self.keep_overlay(workspace.open_overlay(name))

    def overlay(self) -> Overlay:
        """Returns the overlay that this call is about: named, or the one people work in."""
        workspace = self.base()
        name = self.overlay_option or workspace.overlay_in_use()
        if name is None:
            raise click.UsageError("Which overlay? Give --overlay NAME, or work in one: openprod overlay use NAME")
        found = workspace.open_overlay(name)
        self.keep_overlay(found)
        return found

    def keep_overlay(self, view: View) -> View:
        """Closes an overlay or a moment at the end of the call, before the production."""
        self._above.append(view)
        return view

    def keep(self, workspace: Workspace) -> Workspace:
        """Closes a workspace at the end of the call."""
        self._workspace = workspace
        return workspace

    def close(self) -> None:
        """Closes what was opened."""
        for one in self._above:
            one.close()
        self._above.clear()
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def home(self) -> Home:
        """Returns the per-user state directory."""
        from openprod.store.home import Home

        return Home()

    def leave(self, questions: Iterable[ConflictShape]) -> list[ConflictShape]:
        """Notes what this command left for a person to decide: said on stderr, and in the exit status."""
        from openprod.cli import output

        left = list(questions)
        if left:
            self.status = TO_DECIDE
            for one in left:
                output.say(f"To decide ({one['id'][:8]}): {one['text']}")
            output.say("See: openprod conflicts. Settle with: openprod resolve ID --choose N")
        return left


def add_global_options(command: C, *, overlay: bool = False) -> C:
    """Adds the options that may stand before or behind any command, and --overlay where it means something."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        call = ctx.find_object(Call)
        if call is None or not value:
            return
        if parameter.name == "workspace":
            call.workspace_option = str(value)
        elif parameter.name == "overlay":
            call.overlay_option = str(value)
        elif parameter.name == "is_json":
            call.is_json = True
        else:
            call.is_sure = True

    command.params += [
        click.Option(
            ["--workspace"], metavar="DIR", expose_value=False, callback=keep, help="The production's folder."
        ),
        click.Option(
            ["--json", "is_json"], is_flag=True, expose_value=False, callback=keep, help="Print one JSON document."
        ),
        click.Option(["--yes", "is_sure"], is_flag=True, expose_value=False, callback=keep, help="Ask nothing."),
    ]
    if overlay:
        text = "In this overlay, not in the production."
        command.params.append(click.Option(["--overlay"], metavar="NAME", expose_value=False, callback=keep, help=text))
    return command


def command(name: str, *, overlay: bool = False, **settings: Any) -> Callable[[Callable[..., object]], click.Command]:
    """Makes a command of a function that takes the call first; see `click.command`. `overlay` lets it work in one."""

    def make(function: Callable[..., object]) -> click.Command:
        made = click.command(name, **settings)(click.make_pass_decorator(Call)(cast("Any", function)))
        return add_global_options(made, overlay=overlay)

    return make


def group(name: str, help_text: str, *commands: click.Command) -> click.Group:
    """Makes a command of several: `openprod table create`."""
    made = click.Group(name, commands={str(one.name): one for one in commands}, help=help_text, no_args_is_help=True)
    return add_global_options(made)
