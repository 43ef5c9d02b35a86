"""Modules and templates: what there is, what this production uses, and whether one that somebody writes is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import click

from openprod.cli import output
from openprod.cli.call import Call, command, group

if TYPE_CHECKING:
    from openprod.catalog.manifest import Manifest
    from openprod.store.packages import Package


class ModuleShape(TypedDict):
    """A module that ships or is adopted; `adopted` is the version in use, empty where it is not."""

    name: str
    title: str
    version: str
    adopted: str
    help: str


@command("list")
def list_modules(call: Call) -> None:
    """List the modules that ship with Openprod and those this production uses."""
    from openprod.store.packages import shipped_names
    from openprod.workspace import adopt

    adopted = _adopted(call)
    found: dict[str, ModuleShape] = {}
    for name in shipped_names("modules", adopt.MODULE_FILE):
        manifest = adopt.read_module(name)[1]
        found[name] = {
            "name": name,
            "title": manifest.title,
            "version": manifest.version,
            "adopted": adopted.get(name, ""),
            "help": manifest.help,
        }
    for name, version in adopted.items():
        found.setdefault(name, {"name": name, "title": name, "version": "", "adopted": version, "help": ""})
    if call.is_json:
        output.document(list(found.values()))
        return
    rows = [(one["name"], one["version"], one["adopted"] or "–", one["help"]) for one in found.values()]
    output.table(("module", "version", "in use", ""), rows)


def _adopted(call: Call) -> dict[str, str]:
    """Returns the modules of the production we are in; none where we are in none."""
    from openprod.store.database import NotAWorkspace

    try:
        workspace = call.open()
    except NotAWorkspace:
        if call.workspace_option:
            raise
        return {}
    return {name: version for name, version in workspace.catalog.modules.items() if name not in {"core", "workspace"}}


@command("adopt", overlay=True)
@click.argument("module", metavar="NAME_OR_DIR")
def adopt_module(call: Call, module: str) -> None:
    """Use a module in this production, for everybody: its tables, fields, relations and queries."""
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


@command("check")
@click.argument("folder", metavar="DIR")
def check(call: Call, folder: str) -> None:
    """Check a module that you are writing: every problem, with file and line."""
    from openprod.workspace import adopt

    package, manifest = adopt.read_module(folder)
    _check_files(package, manifest)
    if call.is_json:
        output.document({"name": manifest.name, "version": manifest.version, "problems": []})
        return
    parts = f"{len(manifest.tables)} tables, {len(manifest.relations)} relations, {len(manifest.queries)} queries"
    output.line(f"{manifest.name} {manifest.version} is right: {parts}.")


def _check_files(package: Package, manifest: Manifest) -> None:
    """Raises ManifestError for each file that is named and not in the folder, and each query that does not read."""
    from openprod.catalog.strict import ManifestError, Problem
    from openprod.model.errors import OpenprodError
    from openprod.query.tree import read_query

    problems = [
        Problem(str(package.folder / "module.toml"), 1, "", f"{name} is named here and is not in the folder.")
        for name in manifest.files()
        if name not in package.files
    ]
    for query in manifest.queries:
        if query.file in package.files:
            try:
                read_query(package.text(query.file))
            except OpenprodError as error:
                problems.append(Problem(str(package.folder / query.file), 1, "", str(error)))
    if problems:
        raise ManifestError(problems)


@command("list")
def list_templates(call: Call) -> None:
    """List what a new production can begin with."""
    from openprod.store.packages import shipped_names
    from openprod.workspace import adopt

    found = [adopt.read_template_package(name)[1] for name in shipped_names("templates", adopt.TEMPLATE_FILE)]
    if call.is_json:
        output.document(
            [{"name": one.name, "title": one.title, "modules": list(one.modules), "help": one.help} for one in found]
        )
        return
    output.table(("template", "modules", ""), [(one.name, ", ".join(one.modules), one.help) for one in found])


COMMANDS = {
    "module": group("module", "List, adopt and check modules.", list_modules, adopt_module, check),
    "template": group("template", "List templates.", list_templates),
}
