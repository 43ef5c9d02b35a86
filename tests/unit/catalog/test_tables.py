"""Looking things up by name, and what a person is told when a name is wrong."""

from __future__ import annotations

import pytest

from openprod.catalog.tables import (
    Catalog,
    Field,
    Relation,
    Table,
    UnknownName,
    either,
    near_names,
    pack,
    unpack,
)
from openprod.model.errors import Missing


def field(key: str, table: str, **more: object) -> Field:
    return Field(key=key, name=key.rpartition(".")[2], table=table, type="text", title="T", **more)  # pyright: ignore[reportArgumentType]


CUES = Table(
    name="lighting.cues",
    title="Lighting cues",
    module="lighting",
    fields={
        "number": field("lighting.cues.number", "lighting.cues"),
        "label": field("lighting.cues.label", "lighting.cues"),
        "workspace.lighting_cues.gel": field("workspace.lighting_cues.gel", "lighting.cues"),
    },
)
SM_CUES = Table(name="sm.cues", title="Cues", module="sm", fields={})
PLAYS = Relation(
    name="casting.plays",
    title="Plays",
    inverse="Played by",
    source="casting.performers",
    target_hint=("casting.roles",),
    properties={"cover": field("casting.plays.cover", "casting.plays")},
)
CATALOG = Catalog(
    modules={"lighting": "1.0", "sm": "1.0", "casting": "1.0"},
    tables={"lighting.cues": CUES, "sm.cues": SM_CUES},
    relations={"casting.plays": PLAYS},
)


def test_a_field_is_found_by_short_name_and_by_full_key() -> None:
    assert CATALOG.resolve_field("lighting.cues", "label").key == "lighting.cues.label"
    assert CATALOG.resolve_field("lighting.cues", "lighting.cues.label").key == "lighting.cues.label"
    assert CATALOG.field("lighting.cues.label").name == "label"


def test_a_field_of_another_namespace_keeps_its_full_key_as_column() -> None:
    gel = CATALOG.resolve_field("lighting.cues", "gel")
    assert gel.column == "workspace.lighting_cues.gel"
    assert CATALOG.field("workspace.lighting_cues.gel") is gel


def test_a_relation_s_property_is_a_field_too() -> None:
    assert CATALOG.field("casting.plays.cover").table == "casting.plays"
    assert CATALOG.resolve_field("casting.plays", "cover").key == "casting.plays.cover"
    assert CATALOG.relations_at("casting.roles") == (PLAYS,)


def test_a_wrong_table_name_suggests_near_ones() -> None:
    with pytest.raises(UnknownName, match=r"There is no table 'lighting.cue'. Did you mean 'lighting.cues'") as caught:
        CATALOG.table("lighting.cue")
    assert isinstance(caught.value, Missing)
    assert caught.value.near[0] == "lighting.cues"


def test_the_same_last_part_is_the_nearest_name() -> None:
    assert near_names("video.cues", CATALOG.tables) == ("lighting.cues", "sm.cues")


def test_a_wrong_field_or_relation_name_suggests_near_ones() -> None:
    with pytest.raises(UnknownName, match=r"no field 'lable' in lighting.cues. Did you mean 'label'\?"):
        CATALOG.resolve_field("lighting.cues", "lable")
    with pytest.raises(UnknownName, match=r"no relation 'casting.play'. Did you mean 'casting.plays'"):
        CATALOG.relation("casting.play")
    with pytest.raises(UnknownName, match=r"no field 'nothing.like.it'\.$"):
        CATALOG.field("nothing.like.it")


def test_names_of_modules_not_adopted_can_be_told_from_mistakes() -> None:
    assert CATALOG.is_adopted("lighting.anything")
    assert not CATALOG.is_adopted("video.cues")


def test_a_catalog_survives_its_cache() -> None:
    assert unpack(pack(CATALOG)) == CATALOG


def test_choices_read_as_a_sentence() -> None:
    assert either(["a"]) == "'a'"
    assert either(["a", "b", "c"]) == "'a', 'b' or 'c'"
