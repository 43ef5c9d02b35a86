"""The core's own tables: what every workspace has before any module is adopted.

Knows their names and fields, declared as a manifest like any module's. Must not know how they are filled.
"""

from __future__ import annotations

from openprod.catalog.manifest import Manifest
from openprod.catalog.tables import CORE, Field, FieldType, Table

CORE_VERSION = "1.0"

_TABLES: tuple[tuple[str, str, tuple[tuple[str, FieldType, str], ...]], ...] = (
    (
        "modules",
        "Modules",
        (
            ("name", "text", "The module's name, also the first part of what it declares"),
            ("version", "text", "The version adopted here"),
            ("hash", "text", "The hash of the package's files"),
            ("manifest", "text", "The text of its module.toml"),
            ("package", "blob", "Its files, packed"),
        ),
    ),
    (
        "queries",
        "Queries",
        (
            ("name", "text", "The full name it is asked for by"),
            ("title", "text", "What it is called on screen"),
            ("table", "text", "The table it belongs to"),
            ("query", "text", "The query as TOML, or a condition"),
            ("module", "text", "The module or template that brought it; empty if a person made it"),
        ),
    ),
    (
        "views",
        "Views",
        (
            ("name", "text", "What it is called on screen"),
            ("table", "text", "The full name of the table it shows"),
            (
                "spec",
                "text",
                "JSON: where, order, group, fields, widths, frozen; the rest is as the table has it",
            ),
            ("person", "text", "Whose it is, by their public key in hexadecimal; empty if everybody has it"),
        ),
    ),
    (
        "people",
        "People",
        (
            ("key", "text", "The actor's public key in hexadecimal"),
            ("name", "text", "What this person is called here"),
        ),
    ),
    (
        "tables",
        "Tables",
        (
            ("name", "text", "The full name of a table that a person made: workspace.props"),
            ("title", "text", "What it is called on screen"),
            ("key", "text", "The names of the fields of its natural key, with commas between them"),
            ("label", "text", "How a record is called in sentences: {name}"),
            ("hidden", "bool", "Whether it is left out of lists of tables"),
        ),
    ),
    (
        "fields",
        "Fields",
        (
            ("key", "text", "The full key of a field that a person added"),
            ("table", "text", "The full name of the table it is shown in"),
            ("spec", "text", "JSON with the keys that a field has in module.toml; empty for a module's field"),
            ("title", "text", "What it is called on screen, in place of the declared title"),
            ("hidden", "bool", "Whether it is left out of views, in place of what is declared"),
            ("after", "text", "The full key of the field that it stands behind; - for the first place"),
        ),
    ),
    (
        "relations",
        "Relations",
        (
            (
                "name",
                "text",
                "The full name of a relation that a person made, or of a module's that they call otherwise",
            ),
            ("title", "text", "What it is called on screen"),
            ("inverse", "text", "What it is called from its other end"),
            ("source", "text", "The full name of the table it begins in"),
            ("target", "text", "The full names of tables it leads into, with commas between them"),
            ("ordered", "bool", "Whether its ends have an order"),
            ("unique", "bool", "Whether there is at most one between the same two records"),
            ("properties", "text", "JSON: for each property the keys that a field has in module.toml"),
            ("hidden", "bool", "Whether it is left out of views"),
        ),
    ),
    (
        "choices",
        "Choices",
        (
            ("name", "text", "The field and the choice, as people say it"),
            ("field", "text", "The full key of the field that offers it"),
            ("choice", "text", "What can be chosen besides what is declared"),
            ("order", "decimal", "Its place among those added"),
        ),
    ),
    (
        "links",
        "Links",
        (
            ("name", "text", "The two tables, as people say it: contacts.people to schedule.attendees"),
            ("source", "text", "The full name of the table whose records are in the other one too"),
            ("target", "text", "The full name of that other table"),
            ("where", "text", "The condition for which records; empty for all"),
        ),
    ),
    (
        "declined",
        "Declined",
        (
            ("name", "text", "What was suggested, and for which two"),
            ("kind", "text", "mapping for two fields, match for two records"),
            ("one", "text", "The smaller of the two full field keys or record ids"),
            ("other", "text", "The greater one"),
        ),
    ),
    (
        "milestones",
        "Milestones",
        (
            ("name", "text", "What the moment is called: Press night"),
            ("frontier", "text", "JSON: what was there then, a list of (log, number, bundle)"),
        ),
    ),
    (
        "imports",
        "Imports",
        (
            ("name", "text", "What the source is called: the file's name without what changes from issue to issue"),
            ("table", "text", "The full name of the table or relation it goes into"),
            ("file", "text", "The file's name"),
            ("import", "text", "The import's id in hexadecimal; several records of one import belong together"),
            ("setup", "text", "JSON: how the file was read, which column is which field"),
            ("said", "text", "What the file said and had not said before, packed: see docs/formats/imports.md"),
        ),
    ),
    (
        "settings",
        "Settings",
        (
            ("name", "text", "What is set"),
            ("value", "text", "What it is set to"),
        ),
    ),
)


def core_manifest() -> Manifest:
    """Returns the manifest of the core's tables; the first field of each is its key and its title."""
    return Manifest(
        name=CORE,
        version=CORE_VERSION,
        title="Openprod",
        tables=tuple(_table(name, title, fields) for name, title, fields in _TABLES),
    )


def _table(name: str, title: str, fields: tuple[tuple[str, FieldType, str], ...]) -> Table:
    full = f"{CORE}.{name}"
    key = fields[0][0]
    label = "{name}" if name == "people" else f"{{{key}}}"
    return Table(
        name=full,
        title=title,
        module=CORE,
        key=(key,),
        label=label,
        fields={
            short: Field(
                key=f"{full}.{short}",
                name=short,
                table=full,
                type=kind,
                title=short.capitalize(),
                help=help_text,
                required=short == key,
            )
            for short, kind, help_text in fields
        },
    )
