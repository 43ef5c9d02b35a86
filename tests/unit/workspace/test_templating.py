"""Templates: what one brings, confirms and proposes, what is taken back and stays so, and one made of a show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.workspace.company import CUES, LAB, PEOPLE, Company, add, cells, count_bundles, module_at, sound

from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import UnknownName
from openprod.workspace.opening import init_workspace
from openprod.workspace.shapes import ConfirmedShape
from openprod.workspace.templating import TemplateTaken
from openprod.workspace.workspace import Workspace

STAGE = "stage-management"
PAIR = ("contacts.people.name", "schedule.attendees.name")


def state(ws: Workspace, kind: str, one: str, other: str) -> str:
    found: list[ConfirmedShape] = ws.template(STAGE)["confirms"]
    return next(
        shape["state"] for shape in found if (shape["kind"], shape["one"], shape["other"]) == (kind, one, other)
    )


def started(company: Company, template: str, name: str = "Ana") -> Workspace:
    made = init_workspace(
        company.folder / f"{name} {Path(template).name}" / "show",
        name="Hamlet",
        template=template,
        home=company.folder / name / "home",
        person=name,
        durable=False,
    )
    company.open.append(made)
    return made


def test_choosing_a_template_confirms_what_it_lists_without_a_question(company: Company) -> None:
    ana = started(company, STAGE)
    shape = ana.template(STAGE)
    assert {one["state"] for one in shape["confirms"]} == {"confirmed"}
    assert ("contacts.people", "casting.performers", 'department == "Cast"') in [
        (one["one"], one["other"], one["where"]) for one in shape["confirms"]
    ]
    assert ana.suggested_mappings() == []
    jane = add(ana, "contacts.people", name="Jane", department="Cast", phone="1")
    assert set(ana.record(jane)["tables"]) == {"contacts.people", "schedule.attendees", "casting.performers"}
    assert cells(ana, "schedule.attendees", "name", "phone") == [("Jane", "1")]
    assert "contacts.people.notes" not in {key for pair in ana.mappings() for key in pair}
    sound(ana)


def test_what_is_taken_back_or_kept_apart_is_not_confirmed_again(company: Company) -> None:
    ana = started(company, STAGE)
    ana.unmap_fields(*PAIR)
    ana.unlink_tables("contacts.people", "schedule.attendees")
    assert state(ana, "mapping", *PAIR) == "revoked"
    assert state(ana, "link", "contacts.people", "schedule.attendees") == "revoked"
    before = count_bundles(ana)
    ana.apply_template(STAGE)
    assert count_bundles(ana) == before
    assert state(ana, "mapping", *PAIR) == "revoked"
    (again,) = [one for one in ana.suggested_mappings() if (one["one"], one["other"]) == PAIR]
    ana.reject_mapping(again["id"])
    assert state(ana, "mapping", *PAIR) == "kept apart"


def test_records_to_begin_with_are_staged_and_never_written(company: Company) -> None:
    ana = started(company, STAGE)
    (staged,) = ana.overlays()
    assert staged["source"] == STAGE
    assert ana.count("contacts.groups") == ana.count("schedule.limits") == 0
    with ana.open_overlay(staged["name"]) as view:
        assert any("Company is new in contacts.groups" in line["text"] for line in view.diff())
        view.commit()
    assert ana.count("schedule.limits", "active == true") == 0
    assert ana.count("schedule.groups") == ana.count("contacts.groups") == 5
    ana.apply_template(STAGE)
    assert ana.overlays() == []
    sound(ana)


def test_a_module_s_query_does_not_come_back_over_the_template_s(company: Company) -> None:
    ana = started(company, STAGE)
    text = 'SELECT query FROM "core.queries" WHERE name = ?'
    before = ana.desk.db.one(text, ("schedule.first_calls",))
    ana.adopt("schedule")
    assert ana.desk.db.one(text, ("schedule.first_calls",)) == before


def test_a_template_made_of_a_show_makes_the_same_set_up_and_holds_none_of_its_records(company: Company) -> None:
    ana = company.found(module=None)
    ana.adopt("contacts")
    ana.adopt(module_at(company.folder / "own", LAB))
    ana.create_table("props", {"name": "text", "cost": "decimal"}, key=["name"])
    ana.create_relation("uses", CUES, ["workspace.props"])
    ana.add_field(PEOPLE, "desk", {"type": "choice", "choices": ["A"], "title": "Desk"})
    ana.add_choice(PEOPLE, "workspace.lab_people.desk", "B")
    ana.shape_field(PEOPLE, "phone", title="Telefon", hidden=True)
    ana.map_fields("contacts.people.name", "lab.people.name")
    ana.link_tables("contacts.people", PEOPLE, 'department == "Cast"')
    with ana.edit() as edit:
        edit.add("core.queries", name="mine", title="Mine", table=PEOPLE, query='from = "lab.people"')
        edit.add("contacts.people", name="Secret Jane", department="Cast")
    folder = ana.save_template("our-house", title="Our house", help_text="As we do it.")
    assert folder.parent == ana.home.templates_dir
    assert b"Secret Jane" not in b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
    bo = started(company, "our-house")
    assert [one["name"] for one in bo.tables() if one["module"] != "core"] == [
        one["name"] for one in ana.tables() if one["module"] != "core"
    ]
    for table in (PEOPLE, "workspace.props"):
        assert bo.fields(table) == ana.fields(table)
    assert bo.catalog.relation("workspace.uses") == ana.catalog.relation("workspace.uses")
    assert bo.mappings() == ana.mappings()
    assert [(one["source"], one["target"], one["where"]) for one in bo.links()] == [
        (one["source"], one["target"], one["where"]) for one in ana.links()
    ]
    jane = add(bo, "contacts.people", name="Jane", department="Cast")
    assert PEOPLE in bo.record(jane)["tables"]
    assert [row["name"] for row in bo.query("mine")] == ["Jane"]
    assert bo.count("contacts.people") == 1
    assert bo.name == "Hamlet"
    sound(bo)


def test_a_template_is_not_saved_over_another_and_needs_a_name(company: Company) -> None:
    ana = company.found()
    ana.save_template("ours", folder=company.folder)
    with pytest.raises(TemplateTaken, match="is there already"):
        ana.save_template("ours", folder=company.folder)
    with pytest.raises(ManifestError, match="cannot be a template's name"):
        ana.save_template("Our House!", folder=company.folder)
    assert not (company.folder / "Our House!").exists()


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("template.toml", '[seed.x]\ntable = "contacts.people"\nrows = []', "between one and 1000 rows are needed"),
        ("template.toml", '[seed.x]\ntable = "people"\nrows = [{ a = 1 }]', "'people' is no table's name"),
        ("setup.json", "[]", "the file does not read"),
        ("setup.json", '{"core.people": []}', "'core.people' is no set-up"),
        ("setup.json", '{"core.fields": [{"table": "x"}]}', "a record of core.fields has no key"),
    ],
)
def test_a_faulty_template_is_refused_whole(company: Company, file: str, text: str, expected: str) -> None:
    ana = company.found(module=None)
    folder = company.folder / "faulty"
    folder.mkdir()
    head = '[template]\nname = "faulty"\nmodules = ["contacts"]\nsetup = "setup.json"\n'
    (folder / "setup.json").write_text("{}")
    (folder / "template.toml").write_text(head)
    (folder / file).write_text(head + text if file == "template.toml" else text)
    before = count_bundles(ana)
    with pytest.raises(ManifestError, match=expected):
        ana.apply_template(str(folder))
    assert count_bundles(ana) == before
    with pytest.raises(UnknownName):
        ana.fields("contacts.people")


def test_a_record_that_does_not_fit_its_table_leaves_nothing_staged(company: Company) -> None:
    ana = company.found(module=None)
    folder = company.folder / "seeding"
    folder.mkdir()
    rows = '[seed.x]\ntable = "contacts.groups"\nrows = [{ name = "A" }, { order = "many" }]\n'
    (folder / "template.toml").write_text(f'[template]\nname = "seeding"\nmodules = ["contacts"]\n{rows}')
    with pytest.raises(ManifestError, match=r"seed\.contacts\.groups"):
        ana.apply_template(str(folder))
    assert [one["records"] for one in ana.overlays()] in ([], [0])
