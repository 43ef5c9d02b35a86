"""One catalog out of modules and what people made of them."""

from __future__ import annotations

from typing import Any

import pytest

from openprod.catalog.assembly import (
    UserChoice,
    UserField,
    UserRelation,
    UserTable,
    Wishes,
    catalog_of,
    user_field_key,
)
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read
from openprod.catalog.tables import Catalog

CUES, NUMBER, LABEL, STATE = "lab.cues", "lab.cues.number", "lab.cues.label", "lab.cues.state"
TEXT = """
[module]
name = "lab"
version = "1.0.0"

[table.cues]
key = ["number"]
label = "LX {number}"

[table.cues.fields]
number = "natural"
label = "text"
state = { type = "choice", choices = ["idea", "placed"] }
note = "text"

[table.scenes]
[table.scenes.fields]
name = "text"

[relation.in_scene]
source = "cues"
target_hint = ["scenes"]
properties = { how = { type = "choice", choices = ["on"] } }
"""


def assembled(**wishes: Any) -> Catalog:
    return catalog_of(core_manifest(), [read(TEXT)], Wishes(**wishes))


def columns(catalog: Catalog) -> list[str]:
    return list(catalog.table(CUES).fields)


def test_a_catalog_joins_core_modules_and_what_people_added() -> None:
    catalog = assembled(
        tables=[UserTable(name="workspace.props", key=("name",), label="{name}")],
        fields=[
            UserField(key="workspace.props.name", table="workspace.props", spec='{"type": "text", "required": true}'),
            UserField(key="workspace.lab_cues.gel", table=CUES, spec='"text"'),
        ],
        relations=[
            UserRelation(name="workspace.uses", source=CUES, target=("workspace.props",), properties='{"n":"int"}')
        ],
    )
    assert catalog.problems == ()
    assert catalog.modules == {"workspace": "", "core": "1.0", "lab": "1.0.0"}
    assert catalog.table("core.queries").key == ("name",)
    assert catalog.table("workspace.props").title == "Props"
    assert catalog.resolve_field("workspace.props", "name").column == "name"
    assert catalog.resolve_field(CUES, "gel").column == "workspace.lab_cues.gel"
    assert catalog.relation("workspace.uses").properties["n"].key == "workspace.uses.n"
    assert catalog.relation("lab.in_scene").source == CUES


def test_what_people_call_and_hide_goes_before_the_module_s_word() -> None:
    catalog = assembled(
        tables=[UserTable(name=CUES, title="Licht", label="L {number}", hidden=True)],
        fields=[UserField(key=NUMBER, table=CUES, title="Nummer"), UserField(key=LABEL, table=CUES, hidden=True)],
        relations=[UserRelation(name="lab.in_scene", title="Szene", hidden=True)],
    )
    table, relation = catalog.table(CUES), catalog.relation("lab.in_scene")
    assert (table.title, table.label, table.hidden, table.module) == ("Licht", "L {number}", True, "lab")
    assert (table.fields["number"].title, table.fields["label"].hidden) == ("Nummer", True)
    assert (relation.title, relation.inverse, relation.hidden) == ("Szene", "In scene (back)", True)


def test_a_label_that_names_no_field_leaves_the_module_s() -> None:
    for label in ("Cue", "{colour}"):
        assert assembled(tables=[UserTable(name=CUES, label=label)]).table(CUES).label == "LX {number}"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, ["number", "label", "state", "note"]),
        ({"note": NUMBER}, ["number", "note", "label", "state"]),
        ({"note": "-"}, ["note", "number", "label", "state"]),
        ({"note": NUMBER, "label": "lab.cues.note"}, ["number", "note", "label", "state"]),
        ({"number": STATE}, ["label", "state", "number", "note"]),
        ({"number": LABEL, "label": NUMBER}, ["state", "note", "number", "label"]),
        ({"note": "lab.cues.gone"}, ["number", "label", "state", "note"]),
        ({"note": "lab.cues.note"}, ["number", "label", "state", "note"]),
    ],
)
def test_fields_stand_behind_those_that_people_name(after: dict[str, str], expected: list[str]) -> None:
    wishes = [UserField(key=f"{CUES}.{name}", table=CUES, after=key) for name, key in after.items()]
    assert columns(assembled(fields=wishes)) == expected


def test_added_choices_come_behind_the_declared_ones_once_each() -> None:
    choices = [UserChoice(field=STATE, choice=word) for word in ("cut", "placed", "cut", "")]
    choices += [UserChoice(field=LABEL, choice="no choice field"), UserChoice(field="lab.in_scene.how", choice="off")]
    catalog = assembled(choices=choices)
    assert catalog.table(CUES).fields["state"].choices == ("idea", "placed", "cut")
    assert catalog.relation("lab.in_scene").properties["how"].choices == ("on", "off")


def test_a_table_of_one_s_own_can_be_shaped_like_a_module_s() -> None:
    catalog = assembled(
        tables=[UserTable(name="workspace.props")],
        fields=[
            UserField(key="workspace.props.name", table="workspace.props", spec='"text"', title="Was"),
            UserField(key="workspace.props.size", table="workspace.props", spec='"text"', after="-", hidden=True),
        ],
    )
    fields = catalog.table("workspace.props").fields
    assert list(fields) == ["size", "name"]
    assert (fields["name"].title, fields["size"].hidden) == ("Was", True)


@pytest.mark.parametrize(
    "added",
    [
        UserField(key="workspace.a.b", table="nothing.here", spec='"text"'),
        UserField(key="gel", table=CUES, spec='"text"'),
        UserField(key="workspace.lab_cues.gel", table=CUES, spec="{"),
        UserField(key="workspace.lab_cues.gel", table=CUES, spec='"txt"'),
        UserField(key="workspace.lab_cues.gel", table=CUES, spec="[]"),
        UserField(key="workspace.lab_cues.gel", table=CUES),
    ],
)
def test_a_field_that_cannot_be_understood_is_left_out_and_named(added: UserField) -> None:
    catalog = assembled(fields=[added])
    assert len(catalog.problems) == 1
    assert f"The field '{added.key}' cannot be shown: " in catalog.problems[0]
    assert columns(catalog) == ["number", "label", "state", "note"]


@pytest.mark.parametrize("name", ["props", "lab.in_scene", "A.b", "core.people"])
def test_a_table_whose_name_is_taken_or_none_is_left_out_and_named(name: str) -> None:
    assert f"The table '{name}' cannot be shown" in assembled(tables=[UserTable(name=name)]).problems[0]


@pytest.mark.parametrize(
    "made",
    [
        UserRelation(name="lab.other", source=CUES),
        UserRelation(name="workspace", source=CUES),
        UserRelation(name="workspace.uses", source=CUES, properties="["),
        UserRelation(name="workspace.uses", source=CUES, properties='{"n":"zebra"}'),
    ],
)
def test_a_relation_that_cannot_be_understood_is_left_out_and_named(made: UserRelation) -> None:
    catalog = assembled(relations=[made])
    assert f"The relation '{made.name}' cannot be shown" in catalog.problems[0]
    assert list(catalog.relations) == ["lab.in_scene"]


def test_the_core_s_own_tables_stay_as_they_are() -> None:
    key = "core.people.name"
    catalog = assembled(fields=[UserField(key=key, table="core.people", title="X", hidden=True)])
    assert catalog.table("core.people").fields["name"].title == "Name"


def test_added_fields_of_tables_with_the_same_short_name_differ() -> None:
    assert user_field_key("lighting.cues", "gel") == "workspace.lighting_cues.gel"
    assert user_field_key("sound.cues", "gel") == "workspace.sound_cues.gel"
    assert user_field_key("workspace.props", "colour") == "workspace.props.colour"
