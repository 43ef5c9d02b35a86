"""Modules: what there is, what this production uses, what may run here, and how one is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group

if TYPE_CHECKING:
    from openprod.workspace.shapes import ModuleShape
    from openprod.workspace.view import View


def production(call: Call) -> View | None:
    """Returns the production we are in; None where we are in none and named none."""
    from openprod.store.database import NotAWorkspace

    try:
        return call.view()
    except NotAWorkspace:
        if call.workspace_option:
            raise
        return None


@command("list")
def list_modules(call: Call) -> None:
    """List the modules that ship, those you installed, and those that this production uses."""
    from openprod.workspace import modules

    view = production(call)
    found = modules.listing(call.home(), view.desk if view is not None else None)
    if call.is_json:
        output.document(found)
        return
    rows = [(one["name"], one["version"] or "–", one["adopted"] or "–", _whence(one), one["help"]) for one in found]
    output.table(("module", "here", "in use", "from", ""), rows)
    for one in found:
        if one["adopted"] and not one["version"]:
            output.say(
                f"{one['name']} is used here and not installed. Install it with: openprod module install {one['name']}"
            )


def _whence(one: ModuleShape) -> str:
    if one["installed"]:
        return "you"
    return one["by"] if one["adopted"] and not one["is_shipped"] else "Openprod" if one["is_shipped"] else "–"


@command("show", overlay=True)
@click.argument("name", metavar="NAME")
def show_module(call: Call, name: str) -> None:
    """Say what module NAME is: version, who brought it, what its code asks for, and what you allowed."""
    from openprod.workspace import modules

    view = production(call)
    found = modules.one(call.home(), view.desk if view is not None else None, name)
    if call.is_json:
        output.document(found)
        return
    in_use = f"{found['adopted']}, brought by {found['by']} on {found['at'][:10]}" if found["adopted"] else "no"
    files = {"here": "on this device", "lacking": "not on this device yet", "none": "did not come along"}
    rows = [
        ("module", f"{found['title']} ({found['name']})"),
        ("what", found["help"] or "–"),
        ("on this device", found["version"] or "no: openprod module install " + name),
        ("in use here", in_use),
        ("its files", files[found["package"]] if found["adopted"] else "–"),
        ("hash", found["hash"][:16]),
        ("its records", "stay on this device" if found["is_local"] else "are shared with everybody in the production"),
        ("asks to", "; ".join(found["asks"]) or "nothing, it has no code"),
        ("you allowed it", "yes" if found["is_allowed"] else "no"),
    ]
    output.table(("", ""), rows)


@command("install")
@click.argument("module", metavar="FOLDER_OR_PACK")
def install_module(call: Call, module: str) -> None:
    """Install a module for yourself: a folder, a pack, or the name of one that this production uses.

    To use it in a production, for everybody: openprod module adopt NAME
    """
    from openprod.workspace import modules

    view = production(call)
    name, version = modules.install(call.home(), module, view.desk if view is not None else None)
    if call.is_json:
        output.document({"name": name, "version": version})
        return
    output.line(f"{name} {version} is installed for you. Use it in a production with: openprod module adopt {name}")


@command("uninstall")
@click.argument("name", metavar="NAME")
def uninstall_module(call: Call, name: str) -> None:
    """Take away a module that you installed. Productions that use it are as before."""
    from openprod.workspace import modules

    modules.uninstall(call.home(), name)
    if call.is_json:
        output.document({"name": name})
        return
    output.line(f"{name} is no longer installed. Productions that use it keep its tables and records.")


@command("adopt", overlay=True)
@click.argument("module", metavar="NAME_OR_FOLDER")
def adopt_module(call: Call, module: str) -> None:
    """Use a module in this production, for everybody: its tables, fields, relations, queries and checks."""
    workspace = call.view()
    name = workspace.adopt(module)
    version = workspace.catalog.modules[name]
    if call.is_json:
        output.document({"name": name, "version": version})
        return
    from openprod.cli.mapping import suggest

    tables = [one["name"] for one in workspace.tables() if one["module"] == name]
    output.line(f"{name} {version} is in use, with {', '.join(tables) or 'no tables'}.")
    suggest(
        [
            one
            for one in workspace.suggested_mappings()
            if any(one[side].startswith(f"{name}.") for side in ("one", "other"))
        ]
    )


@command("remove", overlay=True)
@click.argument("name", metavar="NAME")
def remove_module(call: Call, name: str) -> None:
    """Put a module out of sight, for everybody in this production. Nothing is deleted; adopting shows all again."""
    hidden = call.view().remove_module(name)
    if call.is_json:
        output.document({"name": name, "hidden": hidden})
        return
    output.line(f"{name} is out of sight, and with it {', '.join(hidden) or 'no table'}. Nothing was deleted.")


@command("allow")
@click.argument("name", metavar="NAME")
@click.option("--revoke", is_flag=True, help="Take it back.")
def allow_module(call: Call, name: str, *, revoke: bool) -> None:
    """Let the scripts and views of module NAME run, for you, on this device, with exactly the files it has now.

    Nobody else is bound by it, and it is not sent to anybody. A newer version, or a changed file, needs a new word.
    """
    from openprod.workspace import modules
    from openprod.workspace.opening import wall_clock

    view = production(call)
    desk = view.desk if view is not None else None
    found = modules.one(call.home(), desk, name)
    if not revoke and found["has_code"] and not call.is_sure:
        output.say(f"{found['title']} asks to {'; '.join(found['asks'])}.")
        click.confirm("Let its code run here?", abort=True, err=True)
    found = modules.allow(call.home(), desk, name, wall_clock(), is_allowed=not revoke)
    if call.is_json:
        output.document(found)
        return
    state = "may run here" if found["is_allowed"] else "may not run here"
    output.line(f"The code of {name} {state} ({found['hash'][:16]}).")


@command("new")
@click.argument("name", metavar="NAME")
@click.option("--in", "folder", default=".", metavar="DIR", help="The folder to make it in; else the current one.")
def new_module(call: Call, name: str, folder: str) -> None:
    """Begin a module of your own: a folder NAME with a module.toml that works and is made to be changed."""
    from openprod.workspace import skeleton

    made = skeleton.write(Path(folder).expanduser(), name)
    if call.is_json:
        output.document({"name": name, "folder": str(made)})
        return
    output.line(f"Made {made}. Change {made / 'module.toml'}, then: openprod module check {made}")


@command("pack")
@click.argument("folder", metavar="FOLDER")
@click.option("-o", "target", default=None, metavar="FILE", help="Where to; else NAME-VERSION.opmod here.")
def pack_module(call: Call, folder: str, target: str | None) -> None:
    """Pack a module into one file to hand on. The same files always make the same pack."""
    from openprod.workspace import modules

    made, manifest, digest = modules.pack(call.home(), folder, Path(target) if target else None, is_sure=call.is_sure)
    if call.is_json:
        output.document({"name": manifest.name, "version": manifest.version, "file": str(made), "hash": digest})
        return
    output.line(f"Packed {manifest.name} {manifest.version} into {made} ({digest[:16]}).")


@command("check")
@click.argument("folder", metavar="FOLDER_OR_PACK")
def check(call: Call, folder: str) -> None:
    """Check a module that you are writing: every problem, with file, line and key.

    Within a production that uses the module, also whether it keeps what the version in use has.
    """
    from openprod.workspace import adopt, modules

    package, manifest = modules.read_module(folder, call.home())
    modules.check_package(package, manifest)
    view = production(call)
    if view is not None:
        adopt.check_growth(view.desk, package, manifest)
    if call.is_json:
        output.document(
            {"name": manifest.name, "version": manifest.version, "hash": package.hash.hex(), "problems": []}
        )
        return
    counts = [
        output.counted(len(some), what)
        for some, what in (
            (manifest.tables, "table"),
            (manifest.relations, "relation"),
            (manifest.checks, "check"),
        )
    ]
    queries = f"{len(manifest.queries)} {'query' if len(manifest.queries) == 1 else 'queries'}"
    output.line(f"{manifest.name} {manifest.version} is right: {', '.join(counts)}, {queries}.")


COMMANDS = {
    "module": group(
        "module",
        "Write, install, adopt, check and pack modules.",
        list_modules,
        show_module,
        install_module,
        uninstall_module,
        adopt_module,
        remove_module,
        allow_module,
        new_module,
        check,
        pack_module,
    ),
}
