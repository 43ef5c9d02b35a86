"""Templates: what a production can begin with, what one confirms, and one made of this show's set-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group
from openprod.cli.modules import production

if TYPE_CHECKING:
    from openprod.workspace.shapes import TemplateShape
    from openprod.workspace.workspace import Workspace


@command("list")
def list_templates(call: Call) -> None:
    """List what a new production can begin with: what ships and what you saved."""
    from openprod.workspace import templating

    found = templating.listing(call.home())
    if call.is_json:
        output.document(
            [{"name": one.name, "title": one.title, "modules": list(one.modules), "help": one.help} for one in found]
        )
        return
    output.table(("template", "modules", ""), [(one.name, ", ".join(one.modules), one.help) for one in found])


@command("show")
@click.argument("template", metavar="NAME_OR_FOLDER")
def show_template(call: Call, template: str) -> None:
    """Say what a template brings and confirms, whether that stands in this production, and how to take it back."""
    from openprod.workspace import templating

    view = production(call)
    found = view.template(template) if view is not None else templating.shape(template, call.home())
    if call.is_json:
        output.document(found)
        return
    output.line(f"{found['title']} ({found['name']}): {found['help']}")
    output.line(f"Modules: {', '.join(found['modules'])}.")
    if found["queries"]:
        output.line(f"Queries: {', '.join(found['queries'])}.")
    for seed in found["seed"]:
        output.line(
            f"Proposes {output.counted(seed['rows'], 'record')} for {seed['table']}, staged for you to look at."
        )
    confirmed(found)


def confirmed(found: TemplateShape) -> None:
    """Prints what a template confirms, how it stands, and what takes it back."""
    rows = [
        (
            one["kind"],
            f"{one['one']} {'is the same data as' if one['kind'] == 'mapping' else 'is also in'} {one['other']}"
            + (f" where {one['where']}" if one["where"] else ""),
            one["state"],
            f"openprod {one['revoke']}",
        )
        for one in found["confirms"]
    ]
    header = ("", "what it confirms", "here", "taken back with")
    kept = output.fitting(header, rows, needed=2)
    output.table([header[at] for at in kept], [[row[at] for at in kept] for row in rows])


@command("apply")
@click.argument("template", metavar="NAME_OR_FOLDER")
@click.option("--no-seed", "is_bare", is_flag=True, help="Without the records that it proposes.")
def apply_template(call: Call, template: str, *, is_bare: bool) -> None:
    """Bring a template into this production: its modules and queries, and what it confirms.

    What you took back or keep apart stays so. What it proposes to begin with is staged for you to look at.
    """
    workspace = call.base()
    before = {one["name"] for one in workspace.overlays()}
    name = workspace.apply_template(template, is_seeding=not is_bare)
    found = workspace.template(template)
    if call.is_json:
        output.document(found)
        return
    output.line(f"{name} is in this production.")
    confirmed(found)
    say_staged(workspace, before)


def say_staged(workspace: Workspace, before: set[str]) -> None:
    """Says which overlay waits for somebody to look at what a template proposes."""
    for one in workspace.overlays():
        if one["name"] not in before:
            output.say(f"{output.counted(one['records'], 'record')} to begin with wait in the overlay '{one['name']}'.")
            output.say("Look with: openprod overlay use NAME, then overlay diff. Then commit or discard it.")


@command("save")
@click.argument("name", metavar="NAME")
@click.option("--title", default="", metavar="T", help="What it is called.")
@click.option("--about", "help_text", default="", metavar="TEXT", help="What it is for, in a sentence.")
@click.option("--into", "folder", default=None, metavar="DIR", help="Where to make its folder; else among your own.")
def save_template(call: Call, name: str, title: str, help_text: str, folder: str | None) -> None:
    """Make a template of this show's set-up, without its records and its history.

    Modules, links, mappings, saved queries, and what you made of the tables. Begin another show with it: openprod init
    DIR --name N --template NAME
    """
    place = Path(folder).expanduser() if folder is not None else None
    made = call.view().save_template(name, title=title, help_text=help_text, folder=place)
    if call.is_json:
        output.document({"name": name, "folder": str(made)})
        return
    output.line(f"Saved the set-up of this show as {name}, in {made}.")


COMMANDS = {
    "template": group(
        "template",
        "List, show, apply and save templates.",
        list_templates,
        show_template,
        apply_template,
        save_template,
    ),
}
