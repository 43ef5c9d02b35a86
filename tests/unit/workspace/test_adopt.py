"""Modules and tables that come into a workspace: together, one after the other, and away again."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import (
    CREW,
    CUES,
    LAB,
    NAME,
    PEOPLE,
    RUNS,
    Company,
    add,
    cells,
    count_bundles,
    meet,
    module_at,
    new_bundles,
    offered,
    put,
    send,
    sound,
    value,
)

from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import UnknownName
from openprod.model.errors import Refused
from openprod.store.packages import NoSuchPackage
from openprod.workspace.shaping import BadName, NameTaken
from openprod.workspace.workspace import Workspace

NEWER = LAB.replace('version = "1.0.0"', 'version = "1.10.0"').replace(
    'phone = "text"', 'phone = "text"\npronouns = "text"\nage = "natural"'
)
PRONOUNS = "lab.people.pronouns"


def newer(company: Company, ws: Workspace) -> None:
    ws.adopt(module_at(company.folder / "lab newer", NEWER))


def names(ws: Workspace) -> list[str]:
    return [one["name"] for one in ws.tables() if one["module"] != "core"]


def test_adopting_twice_writes_once(company: Company) -> None:
    ana = company.found()
    before = count_bundles(ana)
    assert ana.adopt(str(company.folder / "lab")) == "lab"
    assert count_bundles(ana) == before
    with pytest.raises(NoSuchPackage, match="none of that name is shipped"):
        ana.adopt("nothing")


def test_a_faulty_module_is_refused_whole(company: Company) -> None:
    ana = company.found(module=None)
    with pytest.raises(ManifestError, match="nonsense"):
        ana.adopt(module_at(company.folder / "bad", LAB.replace('"decimal"', '"nonsense"')))
    assert names(ana) == []


def test_who_joins_has_every_table_without_the_package(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    assert names(ben) == names(ana) == [CUES, PEOPLE, CREW]
    assert [one["name"] for one in ben.fields(RUNS)] == ["cover", "note"]


def test_rows_that_came_before_their_table_are_in_it_once_it_comes(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        modules = [one["id"] for one in ana.query(from_="core.modules")]
        edit.delete(str(modules[0]))
    meet(ana, ben)
    assert names(ben) == []
    with ana.edit() as edit:
        edit.restore(str(modules[0]))
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    ned = add(ana, PEOPLE, name="Ned")
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue, note="x")
        edit.delete(ned)
    kept = new_bundles(ana, ben)
    ben.ingest(kept[1:])
    assert ben.status()["waiting"] == len(kept) - 1
    meet(ana, ben)
    assert cells(ben, PEOPLE, "name") == [("Jane",)]
    sound(ana, ben)


def test_taking_a_module_out_and_back_loses_no_row_relation_or_later_change(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    ned = add(ana, PEOPLE, name="Ned")
    with ana.edit() as edit:
        runs = edit.relate(jane, RUNS, cue, note="x")
    meet(ana, ben)
    module = str(ana.query(from_="core.modules")[0]["id"])
    with ana.edit() as edit:
        edit.delete(module)
    assert names(ana) == []
    assert ana.record(jane)["fields"] == {NAME: "Jane"}
    with ben.edit() as edit:
        edit.set(jane, {"name": "Janet"})
        edit.delete(ned)
        edit.set_property(runs, {"note": "y"})
    company.pass_time()
    meet(ana, ben)
    sound(ana, ben)
    assert company.again("Ana").record(jane)["fields"] == {NAME: "Janet"}
    with ben.edit() as edit:
        edit.restore(module)
    meet(ana, ben)
    for one in (ana, ben):
        assert cells(one, PEOPLE, "name") == [("Janet",)]
        assert [found["properties"]["lab.runs.note"] for found in one.relations(jane)] == ["y"]
    sound(ana, ben)


# -- versions


def test_a_newer_version_adds_columns_and_fills_them(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    meet(ana, ben)
    newer(company, ana)
    put(ana, jane, {"pronouns": "she", "age": "11.5"})
    add(ana, PEOPLE, name="Ned", age="9")
    put(ben, jane, {"phone": "2"})
    meet(ana, ben)
    for one in (ana, ben):
        assert cells(one, PEOPLE, "name", "phone", "pronouns", "age") == [
            ("Jane", "2", "she", "11.5"),
            ("Ned", None, None, "9"),
        ]
        assert one.desk.db.rows('SELECT name FROM "lab.people" ORDER BY "age~"') == [("Ned",), ("Jane",)]
    sound(ana, ben)


def test_values_of_fields_that_no_table_here_declares_are_kept_passed_on_and_shown_once_it_does(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    newer(company, ana)
    put(ana, jane, {"pronouns": "she"})
    (module,) = [str(one["id"]) for one in ana.query("version == '1.10.0'", from_="core.modules")]
    with ana.edit() as edit:
        edit.delete(module)
    meet(ana, ben)
    assert value(ben, jane, PRONOUNS) == "she"
    assert [one["name"] for one in ben.fields(PEOPLE)] == ["name", "phone"]
    newer(company, ben)
    assert cells(ben, PEOPLE, "pronouns") == [("she",)]
    meet(ana, ben)
    sound(ana, ben)


def test_of_two_versions_side_by_side_the_higher_counts(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    newer(company, ana)
    ben.adopt(module_at(company.folder / "lab middle", LAB.replace('"1.0.0"', '"1.9.0"')))
    meet(ana, ben)
    for one in (ana, ben):
        assert "pronouns" in [field["name"] for field in one.fields(PEOPLE)]
        assert one.count("core.modules") == 3
    sound(ana, ben)


def test_a_newer_label_renames_the_records_that_are_there(company: Company) -> None:
    ana = company.found()
    cue = add(ana, CUES, number="11")
    text = LAB.replace('"1.0.0"', '"1.1.0"').replace("LX {number}", "Light {number}")
    ana.adopt(module_at(company.folder / "lab newer", text))
    assert cells(ana, CUES, "~title") == [("Light 11",)]
    assert ana.record(cue)["title"] == "Light 11"
    sound(ana)


def test_a_field_that_changes_its_type_stands_as_its_new_type_asks(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    key = ana.add_field(PEOPLE, "size", "text")
    company.pass_time()
    assert ben.add_field(PEOPLE, "size", "natural") == key
    put(ana, jane, {"size": "12"})
    ned = add(ben, PEOPLE, name="Ned", size="011")
    meet(ana, ben)
    add(ana, PEOPLE, name="Zoe", size="7")
    meet(ana, ben)
    (question,) = ana.conflicts()
    assert question["field"] == "core.fields.spec"
    for one in (ana, ben):
        assert value(one, jane, key) == "12"
        assert [row["id"] for row in one.query("size == 11", from_=PEOPLE)] == [ned]
    sound(ana, ben)
    ana.resolve(question, value='"text"')
    meet(ana, ben)
    assert cells(ben, PEOPLE, key)[0] == ("12",)
    sound(ana, ben)


# -- a production's own tables


def test_a_table_of_ones_own_takes_records_everywhere(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    name = ana.create_table("props", {"what": "text", "side": {"type": "choice", "choices": ["P", "OP"]}}, key=["what"])
    assert name == "workspace.props"
    skull = add(ana, name, what="Skull", side="P")
    send(ana, ben)
    assert cells(ben, name, "~title", "what", "side") == [("Skull", "Skull", "P")]
    assert ben.ref("workspace.props:Skull") == skull
    weight = ben.add_field(name, "weight", "decimal")
    put(ben, skull, {"weight": "1.50"})
    meet(ana, ben)
    assert cells(ana, name, "weight") == [("1.50",)]
    assert value(ana, skull, weight) == "1.50"
    sound(ana, ben)


def test_names_that_are_taken_or_no_names_are_refused(company: Company) -> None:
    ana = company.found()
    ana.create_table("props", {"what": "text"})
    for name, error in (("props", NameTaken), ("Props", BadName), ("lab.props", BadName), ("", BadName)):
        with pytest.raises(error):
            ana.create_table(name, {"what": "text"})
    with pytest.raises(Refused, match="no fields"):
        ana.create_table("bare", {})
    with pytest.raises(Refused, match="its key or label names"):
        ana.create_table("bare", {"what": "text"}, key=["other"])
    with pytest.raises(Refused, match="names no field"):
        ana.create_table("bare", {"what": "text"}, label="Thing")
    with pytest.raises(NameTaken):
        ana.add_field(PEOPLE, "phone", "text")
    with pytest.raises(UnknownName):
        ana.add_field("lab.peple", "fax", "text")
    with pytest.raises(ManifestError):
        ana.add_field(PEOPLE, "fax", "number plate")


def test_two_people_making_the_same_table_make_one(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    ana.create_table("props", {"what": "text"})
    ben.create_table("props", {"what": "text", "where": "text"})
    one, two = add(ana, "workspace.props", what="Skull"), add(ben, "workspace.props", what="Foil", where="USL")
    meet(ana, ben)
    assert {row["id"] for row in ana.query(from_="workspace.props")} == {one, two}
    assert [field["name"] for field in ana.fields("workspace.props")] == ["what", "where"]
    assert offered(ana, one) == []
    sound(ana, ben)


def test_a_template_brings_its_modules_and_queries_as_one_bundle_and_confirms_in_another(company: Company) -> None:
    ana = company.found(module=None)
    before = count_bundles(ana)
    assert ana.apply_template("stage-management") == "stage-management"
    assert count_bundles(ana) == before + 2
    assert ana.count("core.queries") > 0
    ana.apply_template("stage-management")
    assert count_bundles(ana) == before + 2
    sound(ana)
