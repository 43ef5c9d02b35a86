"""What the modules adopted here say about files: other names of columns, other words, by what records are known.

Knows manifests. Must not know files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Table
from openprod.exchange.columns import Form
from openprod.exchange.formats import FORMATS, FileFormat
from openprod.exchange.sheet import plainly

if TYPE_CHECKING:
    from openprod.workspace.view import View

CSV = "csv"


def forms_of(workspace: View, table: str, form: str = CSV) -> list[Form]:
    """Returns what the modules adopted here say about files of a format for a table."""
    return forms_for(list(declared(workspace)), table, FORMATS[form])


def declared(workspace: View) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yields (full table name, entry) for everything that the modules adopted here say about imports."""
    rows = workspace.query(
        query={"from": "core.modules", "select": {"manifest": "manifest", "version": "version", "name": "name"}}
    )
    for row in rows:
        if workspace.catalog.modules.get(str(row["name"])) != row["version"]:
            continue
        try:
            manifest = read_manifest(str(row["manifest"] or ""))
        except ManifestError:
            continue
        for entry in manifest.declared.get("import", {}).values():
            name = str(entry.get("table", ""))
            yield name if "." in name else f"{manifest.name}.{name}", entry


def forms_for(said: Iterable[tuple[str, Mapping[str, object]]], table: str, kind: FileFormat) -> list[Form]:
    """Returns what is said about a table and a format, what is about the format itself first."""
    found = [entry for name, entry in said if name == table and str(entry.get("format", CSV)) in kind.forms]
    found.sort(key=lambda entry: kind.forms.index(str(entry.get("format", CSV))))
    return [_form_of(entry) for entry in found]


def _form_of(entry: Mapping[str, object]) -> Form:
    def texts(name: str) -> dict[str, str]:
        return {one: str(other) for one, other in cast("Mapping[str, object]", entry.get(name, {})).items()}

    def tables(name: str) -> dict[str, dict[str, str]]:
        held = cast("Mapping[str, Mapping[str, object]]", entry.get(name, {}))
        return {one: {inner: str(value) for inner, value in words.items()} for one, words in held.items()}

    return Form(
        columns=texts("columns"),
        values=tables("values"),
        match=tuple(cast("Sequence[str]", entry.get("match", ()))),
        otherwise=texts("otherwise"),
        again=tuple(
            tuple(name.strip() for name in way.split(",")) for way in cast("Sequence[str]", entry.get("again", ()))
        ),
        ranges=texts("ranges"),
        words=tables("words"),
        built=texts("built"),
    )


def known_names(
    table: Table, columns: Mapping[str, str], said: Iterable[tuple[str, Mapping[str, object]]]
) -> tuple[str, ...]:
    """Returns every name by which a column may be known, so that the row of names can be told in a sheet."""
    names = [*columns, *(name for one in table.fields.values() for name in (one.name, one.title))]
    for into, entry in said:
        if into == table.name:
            names += cast("Mapping[str, object]", entry.get("columns", {}))
    return tuple(sorted({plain for name in names if (plain := plainly(name))}))
