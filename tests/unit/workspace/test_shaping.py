"""Tables as people make them: a module's called otherwise, hidden, moved, with more choices; and one's own."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CUES, LAB, PEOPLE, Company, add, cells, count_bundles, meet, module_at, sound

from openprod.catalog.tables import UnknownName
from openprod.model.errors import Refused
from openprod.workspace.shaping import BadName, NameTaken, NoChoices, NotYours
from openprod.workspace.workspace import Workspace

CHOOSING = LAB.replace('phone = "text"', 'phone = "text"\nkind = { type = "choice", choices = ["cast", "crew"] }', 1)
NEWER = CHOOSING.replace('"1.0.0"', '"1.1.0"').replace('phone = "text"', 'phone = "text"\nfax = "text"', 1)


def columns(ws: Workspace, table: str = PEOPLE) -> list[tuple[str, str, bool]]:
    return [(one["name"], one["title"], one["hidden"]) for one in ws.fields(table)]


def choosing(company: Company) -> list[Workspace]:
    ana, ben = company.cast("Ana", "Ben", module=None)
    ana.adopt(module_at(company.folder / "choosing", CHOOSING))
    meet(ana, ben)
    return [ana, ben]


def test_what_people_make_of_a_module_s_table_outlives_its_update(company: Company) -> None:
    ana, ben = choosing(company)
    ana.shape_table(PEOPLE, title="Leute", label="{name} ({phone})")
    ana.shape_field(PEOPLE, "phone", title="Telefon", after="-")
    ana.shape_field(PEOPLE, "name", title="Name")
    ana.add_choice(PEOPLE, "kind", "guest")
    ana.add_field(PEOPLE, "desk", "text")
    ana.shape_relation("lab.runs", title="Fährt", inverse="Gefahren von")
    jane = add(ana, PEOPLE, name="Jane", phone="1", kind="guest", desk="A")
    ben.adopt(module_at(company.folder / "newer", NEWER))
    meet(ana, ben)
    for ws in (ana, ben):
        assert [one["title"] for one in ws.tables() if one["name"] == PEOPLE] == ["Leute"]
        assert [name for name, _, _ in columns(ws)] == [
            "phone",
            "name",
            "fax",
            "kind",
            "workspace.lab_people.desk",
        ]
        assert columns(ws)[0][1] == "Telefon"
        assert ws.record(jane)["title"] == "Jane (1)"
        assert ws.catalog.relation("lab.runs").inverse == "Gefahren von"
        assert ws.catalog.table(PEOPLE).fields["kind"].choices == ("cast", "crew", "guest")
    sound(ana, ben)


def test_hidden_things_keep_their_values_and_come_back(company: Company) -> None:
    (ana,) = company.cast("Ana")
    add(ana, PEOPLE, name="Jane", phone="1")
    ana.shape_field(PEOPLE, "phone", hidden=True)
    ana.shape_table(CUES, hidden=True)
    ana.shape_relation("lab.runs", hidden=True)
    assert columns(ana)[1] == ("phone", "Phone", True)
    assert [one["hidden"] for one in ana.tables() if one["name"] == CUES] == [True]
    assert [one for one in ana.relation_columns(PEOPLE) if one["relation"] == "lab.runs"] == []
    assert cells(ana, PEOPLE, "phone") == [("1",)]
    ana.shape_field(PEOPLE, "phone", hidden=False)
    ana.undo()
    assert columns(ana)[1][2]
    ana.shape_table(CUES, hidden=False)
    assert not ana.catalog.table(CUES).hidden


def test_two_who_shape_different_things_of_one_field_do_not_clash(company: Company) -> None:
    ana, ben = choosing(company)
    ana.shape_field(PEOPLE, "phone", title="Telefon")
    ben.shape_field(PEOPLE, "phone", hidden=True)
    ana.add_choice(PEOPLE, "kind", "guest")
    ben.add_choice(PEOPLE, "kind", "child")
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.conflicts() == []
        assert columns(ws)[1] == ("phone", "Telefon", True)
        assert set(ws.catalog.table(PEOPLE).fields["kind"].choices) == {"cast", "crew", "guest", "child"}
    ben.shape_field(PEOPLE, "phone", title="Fon")
    ana.shape_field(PEOPLE, "phone", title="Tel.")
    meet(ana, ben)
    assert len(ana.conflicts()) == 1
    sound(ana, ben)


def test_fields_moved_one_after_the_other_stand_as_people_saw_it(company: Company) -> None:
    ana = company.found()
    names = [name for name, _, _ in columns(ana, CUES)]
    for field, after in (("room", "list"), ("owner", "list"), ("done", "room"), ("room", "-"), ("list", "up")):
        moved = [one for one in names if one != field]
        moved.insert(0 if after == "-" else moved.index(after) + 1, field)
        names = moved
        ana.shape_field(CUES, field, after=after)
        assert [name for name, _, _ in columns(ana, CUES)] == names
    with pytest.raises(Refused, match="cannot stand behind itself"):
        ana.shape_field(CUES, "room", after="room")


def test_an_empty_title_gives_back_the_module_s_word(company: Company) -> None:
    ana = company.found()
    ana.shape_field(PEOPLE, "name", title="Wer")
    ana.shape_field(PEOPLE, "name", title="")
    assert columns(ana)[0][1] == "Name"


def test_choices_can_be_taken_back_and_records_keep_theirs(company: Company) -> None:
    ana, _ = choosing(company)
    ana.add_choice(PEOPLE, "kind", "guest")
    add(ana, PEOPLE, name="Jane", kind="guest")
    ana.remove_choice(PEOPLE, "kind", "guest")
    assert cells(ana, PEOPLE, "kind") == [("guest",)]
    with pytest.raises(Refused, match="guest"):
        add(ana, PEOPLE, name="Joe", kind="guest")
    for field, choice, expected in (
        ("kind", "cast", "offers 'cast' already"),
        ("kind", " ", "at least one letter"),
        ("phone", "x", "offers no choices"),
    ):
        with pytest.raises(NoChoices, match=expected):
            ana.add_choice(PEOPLE, field, choice)
    with pytest.raises(NoChoices, match="comes with its module"):
        ana.remove_choice(PEOPLE, "kind", "cast")
    with pytest.raises(NoChoices, match="was never added"):
        ana.remove_choice(PEOPLE, "kind", "dog")


def test_a_relation_of_one_s_own_joins_tables_of_any_modules(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    ana.create_table("masks", {"name": "text"})
    made = ana.create_relation(
        "wears", PEOPLE, ["workspace.masks"], title="Wears", inverse="Worn by", ordered=True, properties={"how": "text"}
    )
    assert made == "workspace.wears"
    with ana.edit() as edit:
        jane = edit.add(PEOPLE, name="Jane")
        edit.relate(jane, made, edit.add("workspace.masks", name="Wolf"), how="in hand")
    meet(ana, ben)
    assert [one["title"] for one in ben.relations(jane)] == ["Wolf"]
    assert [one["title"] for one in ben.relation_columns("workspace.masks")] == ["Worn by"]
    assert [row["name"] for row in ben.query("->workspace.wears.name == 'Wolf'", from_=PEOPLE)] == ["Jane"]
    with pytest.raises(NameTaken):
        ana.create_relation("wears", PEOPLE, [CUES])
    with pytest.raises(BadName):
        ana.create_relation("Wears it", PEOPLE, [CUES])
    with pytest.raises(UnknownName):
        ana.create_relation("uses", PEOPLE, ["lab.nothing"])
    sound(ana, ben)


def test_openprod_s_own_tables_and_unknown_ones_are_not_shaped(company: Company) -> None:
    ana = company.found()
    before = count_bundles(ana)
    with pytest.raises(NotYours, match="stay as they are"):
        ana.shape_table("core.people", title="X")
    with pytest.raises(NotYours):
        ana.shape_field("core.people", "name", title="X")
    with pytest.raises(NotYours):
        ana.add_field("core.people", "x", "text")
    with pytest.raises(UnknownName):
        ana.shape_field(PEOPLE, "nam", title="X")
    with pytest.raises(Refused, match="'nam' is no field of"):
        ana.shape_table(PEOPLE, label="{nam}")
    with pytest.raises(UnknownName):
        ana.shape_relation("lab.run", title="X")
    assert count_bundles(ana) == before
