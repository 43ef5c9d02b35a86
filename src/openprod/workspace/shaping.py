"""Tables as people make them: their own ones, and what they add to a module's, call otherwise, hide, or put elsewhere.

Everything is a record of a core table, so it travels, has history, can be contested and undone, and a module's update
leaves it alone. How it makes one catalog with what modules declare: `catalog.assembly`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openprod.catalog.assembly import FIRST, user_field_key
from openprod.catalog.manifest import read_field
from openprod.catalog.tables import CORE, WORKSPACE, Field, Relation, Table, UnknownName, near_names
from openprod.model.errors import Refused
from openprod.model.ids import derived_id, id_text
from openprod.workspace.adopt import put_record
from openprod.workspace.desk import Desk
from openprod.workspace.write import Edit

TABLES, FIELDS, RELATIONS, CHOICES = "core.tables", "core.fields", "core.relations", "core.choices"
NAME_CHARACTERS_MAX = 60
_SHORT_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")


class NameTaken(Refused):
    """A table, field or relation of that name is there already."""

    code = "adopt.name_taken"


class BadName(Refused):
    """What was given is no name for a table or relation."""

    code = "adopt.bad_name"


class NotYours(Refused):
    """Openprod's own tables stay as they are."""

    code = "adopt.core_table"


class NoChoices(Refused):
    """A field offers no choices that one could be added to, or not the one that was named."""

    code = "adopt.no_choices"


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table that a person makes: short name, fields (name to type or spec), title, natural key, label."""

    name: str
    fields: Mapping[str, object]
    title: str = ""
    key: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class NewRelation:
    """A relation that a person makes: short name, the table it begins in, those it leads into, its properties."""

    name: str
    source: str
    target: tuple[str, ...] = ()
    title: str = ""
    inverse: str = ""
    ordered: bool = False
    unique: bool = False
    properties: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What somebody wants a table, field or relation to be like; None leaves a thing as it is, an empty text resets it.

    Attributes:
        inverse: for a relation.
        label: for a table.
        after: for a field: the field to stand behind, "-" for the first place, empty for where the module puts it.
    """

    title: str | None = None
    hidden: bool | None = None
    inverse: str | None = None
    label: str | None = None
    after: str | None = None


def create_table(desk: Desk, wanted: NewTable) -> str:
    """Makes a table that no module brings, as records of core.tables and core.fields, in one bundle.

    Returns:
        The table's full name.

    Raises:
        BadName, NameTaken: the table cannot be called that.
        ManifestError: with every problem of its fields.
        Refused: it has no fields, or its key or label names one that it does not have.
    """
    name = _full_name(desk, wanted.name, "table")
    specs = {short: _checked_spec(name, short, spec) for short, spec in wanted.fields.items()}
    if not specs:
        raise Refused(f"{name} would have no fields. Name at least one, with its type: name:text")
    label = wanted.label or "{" + (wanted.key[0] if wanted.key else next(iter(specs))) + "}"
    named = [*wanted.key, *_PLACEHOLDER.findall(label)]
    missing = [short for short in named if short not in specs]
    if missing:
        raise Refused(
            f"{name} would have no field '{missing[0]}', which its key or label names. Its fields are:"
            f" {', '.join(specs)}."
        )
    if not _PLACEHOLDER.search(label):
        raise Refused(f"The label '{label}' names no field. Write one like \"{{{next(iter(specs))}}}\".")
    with desk.edit(f"New table {name}") as edit:
        fields = {"name": name, "title": wanted.title, "key": ",".join(wanted.key), "label": label}
        put_record(desk, edit, TABLES, derived_id(TABLES, name), fields)
        for short, spec in specs.items():
            _put_field(desk, edit, name, short, spec)
    return name


def add_field(desk: Desk, table: str, name: str, spec: object) -> str:
    """Adds a field to a table, as a record of core.fields.

    Args:
        desk: the workspace.
        table: the full name of the table.
        name: the field's short name.
        spec: a type's name, or a mapping with the keys that a field has in module.toml.

    Returns:
        The field's full key.

    Raises:
        UnknownName, NameTaken, ManifestError: nothing was written.
    """
    with desk.looking():
        holder = _open_table(desk, table)
    if holder.resolve(name) is not None:
        raise NameTaken(f"{holder.title} ({table}) has a field '{name}' already. Choose another name.")
    text = _checked_spec(table, name, spec)
    with desk.edit(f"New field {name} in {table}") as edit:
        return _put_field(desk, edit, table, name, text)


def create_relation(desk: Desk, wanted: NewRelation) -> str:
    """Makes a relation that no module brings, from any table, as a record of core.relations; returns its full name.

    Raises:
        BadName, NameTaken: it cannot be called that.
        UnknownName: there is no such table.
        ManifestError: with every problem of its properties.
    """
    name = _full_name(desk, wanted.name, "relation")
    with desk.looking():
        for table in (wanted.source, *wanted.target):
            _open_table(desk, table)
    for short, spec in (wanted.properties or {}).items():
        read_field(name, f"{name}.{short}", spec, f"{name}.{short}")
    fields: dict[str, object] = {
        "name": name,
        "title": wanted.title or None,
        "inverse": wanted.inverse or None,
        "source": wanted.source,
        "target": ",".join(wanted.target) or None,
        "ordered": wanted.ordered,
        "unique": wanted.unique,
        "properties": msgspec.json.encode(wanted.properties).decode() if wanted.properties else None,
    }
    with desk.edit(f"New relation {name}") as edit:
        put_record(desk, edit, RELATIONS, derived_id(RELATIONS, name), fields)
    return name


def shape_table(desk: Desk, table: str, shape: Shape) -> None:
    """Lets a table be called otherwise, or hidden or shown again; raises UnknownName, NotYours or Refused."""
    with desk.looking():
        holder = _open_table(desk, table)
    if shape.label:
        named = _PLACEHOLDER.findall(shape.label)
        missing = [name for name in named if holder.resolve(name) is None]
        if missing or not named:
            wrong = f"'{missing[0]}' is no field of {table}" if missing else "it names no field"
            raise Refused(
                f"The label '{shape.label}' cannot be used: {wrong}. Its fields are: {', '.join(holder.fields)}."
            )
    fields = _given(title=shape.title, label=shape.label, hidden=shape.hidden)
    with desk.edit(f"Shape {holder.title}") as edit:
        put_record(desk, edit, TABLES, derived_id(TABLES, table), {"name": table, **fields})


def shape_field(desk: Desk, table: str, name: str, shape: Shape) -> None:
    """Lets a field be called otherwise, stand elsewhere, or be hidden or shown again.

    Raises UnknownName or NotYours.
    """
    with desk.looking():
        holder = _open_table(desk, table)
        field = _field_of(holder, name)
        after = shape.after
        if after not in (None, "", FIRST):
            after = _field_of(holder, after).key
            if after == field.key:
                raise Refused(f"{field.title} cannot stand behind itself. Name another field.")
    fields = _given(title=shape.title, hidden=shape.hidden, after=after)
    with desk.edit(f"Shape {field.title} in {holder.title}") as edit:
        if after:
            _make_way(desk, edit, holder, field, after)
        put_record(desk, edit, FIELDS, derived_id(FIELDS, field.key), {"key": field.key, "table": table, **fields})


def _make_way(desk: Desk, edit: Edit, holder: Table, field: Field, after: str) -> None:
    """Lets who stood in a field's new place stand behind it, and who stood behind it move up, as people see it."""
    order = [one.key for one in holder.fields.values()]
    rows = desk.db.rows('SELECT key, after FROM "core.fields" WHERE "table" = ? AND after IS NOT NULL', (holder.name,))
    said = {str(key): str(anchor) for key, anchor in rows}
    place = order.index(field.key)
    before = order[place - 1] if place else FIRST
    for key, anchor in said.items():
        if key != field.key and anchor in (after, field.key):
            moved = field.key if anchor == after else before
            edit.set(id_text(derived_id(FIELDS, key)), {f"{FIELDS}.after": moved})


def shape_relation(desk: Desk, relation: str, shape: Shape) -> None:
    """Lets a relation be called otherwise from either end, or hidden or shown again; raises UnknownName."""
    with desk.looking():
        found = desk.catalog.relation(relation)
    fields = _given(title=shape.title, inverse=shape.inverse, hidden=shape.hidden)
    with desk.edit(f"Shape {found.title}") as edit:
        put_record(desk, edit, RELATIONS, derived_id(RELATIONS, relation), {"name": relation, **fields})


def add_choice(desk: Desk, table: str, name: str, choice: str) -> None:
    """Adds something that a field of choices, or a property of a relation, offers; raises UnknownName or NoChoices."""
    choice = choice.strip()
    with desk.looking():
        field = _choosing(desk, table, name)
        count = desk.db.one('SELECT count(*) FROM "core.choices" WHERE field = ?', (field.key,))
    if not choice or choice in field.choices:
        raise NoChoices(
            f"{field.title} offers '{choice}' already." if choice else "A choice needs at least one letter."
        )
    fields = {
        "name": f"{field.key}: {choice}",
        "field": field.key,
        "choice": choice,
        "order": str(count[0] + 1 if count else 1),
    }
    with desk.edit(f"Offer {choice} in {field.title}") as edit:
        put_record(desk, edit, CHOICES, derived_id(CHOICES, field.key, choice), fields)


def remove_choice(desk: Desk, table: str, name: str, choice: str) -> None:
    """Takes back a choice that people added; records that have it keep it. Raises UnknownName or NoChoices."""
    with desk.looking():
        field = _choosing(desk, table, name)
        rows = desk.db.rows(
            'SELECT uuid FROM "core.choices" CROSS JOIN entity ON eid = "~eid" WHERE field = ? AND choice = ?',
            (field.key, choice),
        )
    if not rows:
        declared = choice in field.choices
        why = "comes with its module, and only what people added can be taken back" if declared else "was never added"
        raise NoChoices(f"'{choice}' of {field.title} {why}.")
    with desk.edit(f"No longer offer {choice} in {field.title}") as edit:
        for (uuid,) in rows:
            edit.remove(id_text(uuid), from_=CHOICES)


def _choosing(desk: Desk, table: str, name: str) -> Field:
    holder = desk.catalog.relations.get(table) or _open_table(desk, table)
    field = _field_of(holder, name)
    if "choice" not in (field.type, field.item_type if field.type == "list" else ""):
        raise NoChoices(f"{field.title} ({field.key}) is a field of type {field.type}, which offers no choices.")
    return field


def _open_table(desk: Desk, name: str) -> Table:
    """Returns a table that people may shape; raises UnknownName or NotYours."""
    found = desk.catalog.table(name)
    if found.module == CORE:
        raise NotYours(f"{name} is one of Openprod's own tables, which stay as they are.")
    return found


def _field_of(holder: Table | Relation, name: str) -> Field:
    found = holder.resolve(name)
    if found is None:
        fields = holder.fields if isinstance(holder, Table) else holder.properties
        raise UnknownName("field", name, near_names(name, fields), f" in {holder.name}")
    return found


def _given(**fields: object) -> dict[str, object]:
    """Returns what somebody said something about; an empty text takes a word back."""
    return {name: None if value == "" else value for name, value in fields.items() if value is not None}


def _full_name(desk: Desk, wanted: str, what: str) -> str:
    module, dot, short = wanted.rpartition(".")
    if (dot and module != WORKSPACE) or _SHORT_NAME.fullmatch(short) is None or len(short) > NAME_CHARACTERS_MAX:
        raise BadName(
            f"A {what} cannot be called '{wanted}': use small letters, digits and _, beginning with a letter, such as"
            f" props. Its full name is then {WORKSPACE}.props."
        )
    name = f"{WORKSPACE}.{short}"
    with desk.looking():
        there = {**desk.catalog.tables, **desk.catalog.relations}
    if name in there:
        kind = "table" if isinstance(there[name], Table) else "relation"
        hint = f", or add to it with: openprod field add {name} FIELD:TYPE" if kind == "table" else "."
        raise NameTaken(f"There is a {kind} {name} already. Choose another name{hint}")
    return name


def _checked_spec(table: str, name: str, spec: object) -> str:
    """Returns a field's spec as JSON once it reads; raises ManifestError."""
    read_field(table, user_field_key(table, name), spec, f"{table}.{name}")
    return msgspec.json.encode(spec).decode()


def _put_field(desk: Desk, edit: Edit, table: str, name: str, spec: str) -> str:
    key = user_field_key(table, name)
    put_record(desk, edit, FIELDS, derived_id(FIELDS, key), {"key": key, "table": table, "spec": spec})
    return key
