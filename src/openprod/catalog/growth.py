"""Versions of a module side by side: that a new one only adds, and what they give together; and circles of references.

Knows what of a declaration people's data hangs on: names, types, how a text merges, where a relation starts. Must not
know who adopted what: manifests come in, problems go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from openprod.catalog.strict import Reader
from openprod.catalog.tables import Field, Relation, Table

Path = tuple[str, ...]


def note_growth(reader: Reader, old: Iterable[Table | Relation], new: Iterable[Table | Relation], version: str) -> None:
    """Notes everything that an older version has and this one takes away or gives another meaning.

    Args:
        reader: of the new manifest, which takes the problems.
        old: the older version's tables and relations.
        new: the new version's.
        version: the older version, for the sentences.
    """
    here = {(type(one), one.name): one for one in new}
    for one in old:
        kind, path = _place(one)
        found = here.get((type(one), one.name))
        if found is None:
            reader.problem(
                path[:1],
                f"{version} has the {kind} {one.name}, and this version has not. What people put there would be out of"
                f" sight: leave the {kind} in.",
            )
            continue
        if isinstance(one, Relation) and isinstance(found, Relation):
            _note_relation(reader, path, one, found, version)
        _note_fields(reader, path, _fields(one), _fields(found), version)


def _place(one: Table | Relation) -> tuple[str, Path]:
    kind = "table" if isinstance(one, Table) else "relation"
    return kind, (kind, one.name.rpartition(".")[2])


def _fields(one: Table | Relation) -> Mapping[str, Field]:
    return one.fields if isinstance(one, Table) else one.properties


def _note_relation(reader: Reader, path: Path, old: Relation, new: Relation, version: str) -> None:
    if old.source != new.source:
        reader.problem(
            (*path, "source"),
            f"{version} begins this relation in {old.source}. Keep that; one that begins elsewhere needs a new name.",
        )
    for key, was, now in (("unique", old.unique, new.unique), ("ordered", old.ordered, new.ordered)):
        if was and not now:
            reader.problem((*path, key), f"{version} says {key} = true, and people relied on it. Keep it.")


def _note_fields(reader: Reader, path: Path, old: Mapping[str, Field], new: Mapping[str, Field], version: str) -> None:
    inner = (*path, "fields" if path[0] == "table" else "properties")
    for name, was in old.items():
        now = new.get(name)
        if now is None:
            again = [other for other, field in new.items() if other not in old and field.type == was.type]
            guess = f" If it is '{again[0]}' now: a" if again else " A"
            reader.problem(
                inner,
                f"{version} has the field '{name}' here, and this version has not.{guess} field cannot be renamed, as"
                f" its values stay under its name. Keep '{name}' and give it another title, or hidden = true.",
            )
        elif (was.type, was.item_type) != (now.type, now.item_type):
            reader.problem(
                (*inner, name, "type"),
                f"{version} says that this is {_type(was)}, not {_type(now)}. What people entered would not read any"
                " more: give the new one a new name.",
            )
        elif was.merge != now.merge:
            reader.problem(
                (*inner, name, "merge"),
                f'{version} says merge = "{was.merge}". How a text merges cannot change: give the new one a new name.',
            )


def _type(field: Field) -> str:
    return f'a list of "{field.item_type}"' if field.type == "list" else f'"{field.type}"'


def joined_tables(older: Iterable[Table], newer: Iterable[Table]) -> tuple[Table, ...]:
    """Returns the tables of two versions together: the newer one's word counts, what only the older has comes last."""
    found = {table.name: table for table in newer}
    for table in older:
        here = found.get(table.name)
        if here is None:
            found[table.name] = table
        elif not table.fields.keys() <= here.fields.keys():
            found[table.name] = msgspec.structs.replace(here, fields=here.fields | (table.fields | here.fields))
    return tuple(found.values())


def joined_relations(older: Iterable[Relation], newer: Iterable[Relation]) -> tuple[Relation, ...]:
    """Returns the relations of two versions together, as `joined_tables` does."""
    found = {relation.name: relation for relation in newer}
    for relation in older:
        here = found.get(relation.name)
        if here is None:
            found[relation.name] = relation
        elif not relation.properties.keys() <= here.properties.keys():
            both = here.properties | (relation.properties | here.properties)
            found[relation.name] = msgspec.structs.replace(here, properties=both)
    return tuple(found.values())


def note_circles(reader: Reader, tables: Mapping[str, Table]) -> None:
    """Notes required record fields that lead round in a circle, so that no record could be made first.

    Args:
        reader: takes the problems.
        tables: the module's own tables, by short name.
    """
    needs = {
        table.name: [
            (field.name, field.target) for field in table.fields.values() if field.type == "record" and field.required
        ]
        for table in tables.values()
    }
    noted: set[frozenset[str]] = set()
    for short, table in tables.items():
        for field, targets in needs[table.name]:
            # A field that may also point elsewhere leaves a way to begin.
            circle = _circle(needs, table.name, targets) if targets else None
            if circle is None or frozenset(circle) in noted:
                continue
            noted.add(frozenset(circle))
            way = " needs ".join([*circle, circle[0]])
            reader.problem(
                ("table", short, "fields", field),
                f"no record could be made first: {way}. Leave out required = true in one of them.",
            )


def _circle(
    needs: Mapping[str, list[tuple[str, tuple[str, ...]]]], start: str, targets: tuple[str, ...]
) -> list[str] | None:
    """Returns the tables of a circle that every one of the targets leads into and back to the start, or None."""
    if len(targets) != 1:
        return None
    way, at = [start], targets[0]
    while at != start:
        onward = next((found for _, found in needs.get(at, ()) if len(found) == 1), None)
        if onward is None or at in way:
            return None
        way.append(at)
        at = onward[0]
    return way
