"""A table in a real browser: views, groups, filters, columns, rows between rows, and blocks of cells."""

from __future__ import annotations

from tests.e2e.play import Play

from openprod.workspace.workspace import Workspace


def test_ctrl_enter_between_two_cues_offers_the_number_between(play: Play, show: Workspace) -> None:
    before = show.status()["bundles"]
    seen = play("inserting")
    assert seen["offered"] == "17.5"
    assert seen["after"] == "17"
    assert seen["number"] is True
    assert seen["next"] == "18"
    assert seen["errors"] == []
    assert show.status()["bundles"] == before + 2


def test_a_view_keeps_columns_groups_and_filters_for_everybody(play: Play, show: Workspace) -> None:
    seen = play("views")
    assert seen["hidden"] is True
    assert seen["groups"] == ["No20 records", "Yes40 records"]
    assert seen["chip"].startswith("Label is ")
    assert seen["fewer"] is True
    assert seen["back"] is True
    assert seen["kept"] is True
    assert seen["stepped"] == "All"
    assert seen["axe"] == []
    assert seen["errors"] == []
    (view,) = show.views("lighting.cues")
    assert (view["title"], view["person"]) == ("Moonlight", "")
    assert view["spec"]["group"] == "is_called"


def test_columns_are_sized_moved_and_kept_in_sight_by_mouse_and_key(play: Play) -> None:
    seen = play("arranging")
    assert seen["wider"] == 80
    assert seen["moved"] is True
    assert seen["frozen"] > 2
    assert seen["inSight"] is True
    assert seen["byKey"] is True
    assert seen["words"] == "Up is at least 8"
    assert seen["errors"] == []


def test_blocks_of_other_programs_fills_ticks_and_other_tables(play: Play, show: Workspace) -> None:
    seen = play("blocks")
    assert seen["table"] == [True, True]
    assert seen["copied"]["plain"] == '"Bell\ntwice"\nDog & pony'
    assert "Bell<br>twice" in seen["copied"]["html"]
    assert seen["filled"] == [True, True]
    assert seen["ticked"] is True
    assert seen["unticked"] is True
    assert seen["errors"] == []
    assert show.record("lighting.cues:4")["tables"] == ["lighting.cues"]


def test_a_relation_is_a_matrix_of_marks(play: Play, show: Workspace) -> None:
    with show.edit() as edit:
        choir = edit.add("contacts.groups", name="Choir")
        edit.add("contacts.groups", name="Crew")
    before = show.status()["bundles"]
    seen = play("matrix")
    assert seen["made"] is True
    assert seen["pasted"] == [True, True, True]
    assert (seen["empty"], seen["still"]) == ("", "X")
    assert seen["ended"] is True
    assert seen["back"] is True
    assert seen["axe"] == []
    assert seen["errors"] == []
    assert sorted(one["title"] for one in show.relations(choir)) == ["Jane Doe", "Mina Okafor"]
    # A mark, a block, an end, an undo: each is one bundle.
    assert show.status()["bundles"] == before + 4


def test_a_record_is_put_into_tables_told_by_field_and_merged_after_a_look(play: Play, show: Workspace) -> None:
    seen = play("record")
    assert len(seen["told"]) == 1
    assert {"Name", "Phone"} <= set(seen["differ"])
    assert int(seen["open"]) == 3
    assert seen["axe"] == []
    assert seen["errors"] == []
    assert len(show.query(query={"from": "contacts.people"})) == 2


def test_the_whole_view_goes_on_paper(play: Play) -> None:
    seen = play("printing")
    assert seen["rows"] == 60
    assert seen["heads"] == ["Number", "List", "Label", "Up", "Called"]
    assert seen["isAlone"] is True
    assert seen["back"] is True
    assert seen["errors"] == []


def test_a_pasted_block_of_two_thousand_cells_is_one_change(play: Play, show: Workspace) -> None:
    before = show.status()["bundles"]
    seen = play("large")
    assert seen["first"] is True
    assert seen["undone"] is True
    assert seen["errors"] == []
    assert show.status()["bundles"] == before + 2
