"""The same source again: only what changed there comes in, what people changed here stays, both is a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import openprod
from openprod.exchange.stage import How, import_bytes
from openprod.exchange.staged import Staged
from openprod.workspace.workspace import Workspace

CUES = "lighting.cues"
HEAD = "cue_list,cue,label,up,notes\n"
FIRST = f"{HEAD}1,1,Preset,5,\n1,2,Dawn,3,\n1,3,Noon,2,hot\n"
EOS_HEAD = (
    "START_TARGETS\nTARGET_TYPE,TARGET_TYPE_AS_TEXT,TARGET_LIST_NUMBER,TARGET_ID,TARGET_DCID,PART_NUMBER,LABEL,FOLLOW\n"
)


@pytest.fixture
def ana(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home") as made:
        yield made


def planned(ws: Workspace, text: str, into: str = CUES, file: str = "cues.csv", how: How | None = None) -> Staged:
    return import_bytes(ws, text.encode(), file, into, how=how)


def imported(ws: Workspace, text: str, into: str = CUES, file: str = "cues.csv", how: How | None = None) -> Staged:
    """Imports a text through an overlay, as people do, and commits it."""
    found = planned(ws, text, into, file, how)
    overlays = found.stage()
    for one in overlays:
        one.commit()
    if not overlays:
        found.commit()
    return found


def changed(ws: Workspace, record: str, fields: Mapping[str, object]) -> None:
    with ws.edit() as edit:
        edit.set(record, fields)


def values(ws: Workspace, field: str, into: str = CUES) -> list[object]:
    return [row[field] for row in ws.query(from_=into)]


def eos(*cues: Sequence[str]) -> str:
    """Returns a console's export of cues: number, its own id, label, follow."""
    rows = "".join(f"1,Cue,1,{number},{own},,{label},{follow}\n" for number, own, label, follow in cues)
    return f"{EOS_HEAD}{rows}END_TARGETS\n"


def test_only_what_changed_in_the_file_comes_in_and_what_people_changed_stays(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:2", {"label": "Cold dawn", "intent": "blue"})
    found = planned(ana, FIRST.replace("Noon", "High noon"))
    preview = found.preview()
    assert (preview["creates"], preview["updates"], preview["unchanged"], preview["questions"]) == (0, 1, 2, 0)
    assert preview["kept"] == 1
    assert any("what is here stays" in one for one in preview["assumed"])
    (overlay,) = found.stage()
    assert [one["text"] for one in overlay.diff()] == ['LX 3\'s label: "Noon" -> "High noon"']
    overlay.commit()
    assert values(ana, "label") == ["Preset", "Cold dawn", "High noon"]
    assert ana.conflicts() == []


def test_what_changed_on_both_sides_is_a_question_in_the_overlay(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:2", {"label": "Cold dawn"})
    found = planned(ana, FIRST.replace("Dawn", "Sunrise"))
    assert found.preview()["questions"] == 1
    (overlay,) = found.stage()
    (question,) = overlay.conflicts()
    assert sorted(str(one["value"]) for one in question["values"]) == ["Cold dawn", "Sunrise"]
    assert ana.conflicts() == []
    assert overlay.drift() == []
    overlay.resolve(question, value="Cold sunrise")
    assert overlay.conflicts() == []
    overlay.commit()
    assert ana.conflicts() == []
    assert values(ana, "label")[1] == "Cold sunrise"
    # What was decided is not asked again as long as the source says the same.
    again = planned(ana, FIRST.replace("Dawn", "Sunrise"))
    assert (again.preview()["questions"], again.preview()["updates"], again.preview()["kept"]) == (0, 0, 1)


def test_a_question_may_be_committed_and_decided_later(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:2", {"label": "Cold dawn"})
    imported(ana, FIRST.replace("Dawn", "Sunrise"))
    (question,) = ana.conflicts()
    assert {str(one["value"]) for one in question["values"]} == {"Cold dawn", "Sunrise"}


def test_the_same_change_on_both_sides_is_no_question(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:2", {"label": "Sunrise"})
    found = imported(ana, FIRST.replace("Dawn", "Sunrise"))
    assert (found.preview()["questions"], found.preview()["unchanged"]) == (0, 3)


def test_what_the_source_empties_is_emptied_and_what_it_never_said_stays(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:1", {"notes": "ours"})
    imported(ana, FIRST.replace("hot", ""))
    assert values(ana, "notes") == ["ours", None, None]


def test_left_out_parts_and_a_discarded_import_are_told_apart(ana: Workspace) -> None:
    imported(ana, FIRST)
    newer = FIRST.replace("Dawn", "Sunrise").replace("Noon", "High noon")
    (overlay,) = planned(ana, newer).stage()
    overlay.discard()
    assert planned(ana, newer).preview()["updates"] == 2
    (overlay,) = planned(ana, newer).stage()
    overlay.knock_out("lighting.cues:2", "label")
    overlay.commit()
    assert values(ana, "label") == ["Preset", "Dawn", "High noon"]
    assert planned(ana, newer).preview()["updates"] == 0


def test_an_import_that_was_undone_is_forgotten(ana: Workspace) -> None:
    imported(ana, FIRST)
    ana.undo()
    assert ana.count(CUES) == 0
    found = imported(ana, FIRST)
    assert found.preview()["creates"] == 3
    assert ana.count(CUES) == 3


def test_a_line_that_is_gone_is_listed_and_deleted_only_if_told(ana: Workspace) -> None:
    with ana.edit() as edit:
        edit.add(CUES, number="99", label="by hand")
    imported(ana, FIRST)
    changed(ana, "lighting.cues:3", {"label": "ours"})
    shorter = f"{HEAD}1,1,Preset,5,\n"
    found = planned(ana, shorter)
    assert [(one["title"], one["is_changed_here"]) for one in found.gone()] == [("LX 2", False), ("LX 3", True)]
    assert found.stage() == []
    assert ana.count(CUES) == 4
    found = planned(ana, shorter)
    (overlay,) = found.stage(is_deleting_gone=True)
    assert [one["text"] for one in overlay.diff()] == ["LX 2 is deleted"]
    overlay.commit()
    assert sorted(str(one) for one in values(ana, "number")) == ["1", "3", "99"]


def test_what_people_deleted_stays_deleted_until_the_source_says_something_new(ana: Workspace) -> None:
    imported(ana, FIRST)
    with ana.edit() as edit:
        edit.delete("lighting.cues:2")
    found = planned(ana, FIRST)
    assert (found.preview()["creates"], found.preview()["rejected"]) == (0, [])
    assert any("deleted or taken out here" in one for one in found.preview()["assumed"])
    found = planned(ana, FIRST.replace("Dawn", "Sunrise"))
    (line,) = found.preview()["rejected"]
    assert line["line"] == 3
    assert "openprod restore" in line["reason"]


def test_a_renumbered_cue_stays_the_cue(ana: Workspace) -> None:
    imported(ana, eos(("1", "A", "Preset", ""), ("2", "B", "Dawn", ""), ("3", "C", "Noon", "")), file="show.csv")
    changed(ana, "lighting.cues:2", {"intent": "like ice"})
    (before,) = ana.query('number == "2"', from_=CUES)
    later = eos(("1", "A", "Preset", ""), ("2", "D", "Fog", ""), ("3", "B", "Dawn", ""), ("4", "C", "Noon", ""))
    found = imported(ana, later, file="show.csv")
    assert (found.preview()["creates"], found.preview()["updates"]) == (1, 2)
    rows = {str(row["number"]): row for row in ana.query(from_=CUES)}
    assert {number: row["label"] for number, row in rows.items()} == {
        "1": "Preset", "2": "Fog", "3": "Dawn", "4": "Noon"
    }  # fmt: skip
    assert rows["3"]["id"] == before["id"]
    assert rows["3"]["intent"] == "like ice"


def test_a_cue_that_people_renumbered_here_stays_the_cue(ana: Workspace) -> None:
    imported(ana, FIRST)
    changed(ana, "lighting.cues:2", {"number": "2.5"})
    found = planned(ana, FIRST.replace("Dawn", "Sunrise"))
    (overlay,) = found.stage()
    assert [one["text"] for one in overlay.diff()] == ['LX 2.5\'s label: "Dawn" -> "Sunrise"']


def test_called_follows_the_console_only_where_its_follow_changed(ana: Workspace) -> None:
    first = eos(("1", "A", "", ""), ("2", "B", "", "F3"), ("3", "C", "", ""), ("4", "D", "", ""))
    imported(ana, first, file="show.csv")
    assert values(ana, "is_called") == [True, True, False, True]
    changed(ana, "lighting.cues:4", {"is_called": False})
    changed(ana, "lighting.cues:3", {"label": "ours"})
    imported(ana, first.replace("D,,", "D,,new"), file="show.csv")
    assert values(ana, "is_called") == [True, True, False, False]
    imported(ana, first.replace("F3", ""), file="show.csv")
    assert values(ana, "is_called") == [True, True, True, False]
    # Where a person chose and the console's follow changes as well, the choice stays.
    imported(
        ana, eos(("1", "A", "", ""), ("2", "B", "", ""), ("3", "C", "", "F1"), ("4", "D", "", "")), file="show.csv"
    )
    changed(ana, "lighting.cues:4", {"is_called": True})
    imported(ana, eos(("1", "A", "", ""), ("2", "B", "", ""), ("3", "C", "", ""), ("4", "D", "", "")), file="show.csv")
    assert values(ana, "is_called") == [True, True, True, True]
    assert ana.conflicts() == []


def test_a_choice_made_before_the_first_import_stays(ana: Workspace) -> None:
    with ana.edit() as edit:
        edit.add(CUES, number="2", is_called=True)
    imported(ana, eos(("1", "A", "", "F3"), ("2", "B", "", "")), file="show.csv")
    assert values(ana, "is_called") == [True, True]


def test_the_columns_are_remembered_for_the_next_issue(ana: Workspace) -> None:
    text = "Who,Mail,Mobile,Shoe\nAnn,ann@example.com,555,38\n"
    how = How({"Who": "name", "Mail": "email", "Mobile": "phone", "Shoe": ""})
    imported(ana, text, "contacts.people", "crew_2026-01-05.csv", how)
    found = planned(ana, text.replace("555", "556"), "contacts.people", "crew_2026-01-12 (final).csv")
    assert found.preview()["updates"] == 1
    shape = found.shape()
    assert shape["source"] == "crew"
    assert {one["header"]: one["how"] for one in _columns(shape)} == dict.fromkeys(
        ("Who", "Mail", "Mobile"), "remembered"
    )
    assert any("crew_2026-01-05.csv" in one for one in found.preview()["assumed"])
    other = planned(ana, text.replace("555", "556"), "contacts.people", "crew.csv", How(how.columns, source="another"))
    assert other.memory.when == ""


def _columns(shape: Mapping[str, object]) -> list[dict[str, object]]:
    found = shape["columns"]
    assert isinstance(found, list)
    return found  # pyright: ignore[reportUnknownVariableType] (plain data)


def test_a_field_is_built_from_columns(ana: Workspace) -> None:
    text = "first_name,last_name\nAnn,Ash\nBen,\n"
    how = How({"first_name + last_name": "name", "{last_name}, {first_name}": "sort_name"})
    imported(ana, text, "contacts.people", "crew.csv", how)
    assert [(row["name"], row["sort_name"]) for row in ana.query(from_="contacts.people")] == [
        ("Ann Ash", "Ash, Ann"), ("Ben", "Ben")
    ]  # fmt: skip
    found = planned(ana, text.replace("Ash", "Oak"), "contacts.people", "crew.csv")
    assert found.preview()["updates"] == 0
    assert [row[0] for row in found.plan.creates] == ["Ann Oak"]


def scenes(ana: Workspace, *numbers: str) -> None:
    with ana.edit() as edit:
        for number in numbers:
            edit.add("script.scenes", number=number, order=number.replace(".", ""))


def works_on(ana: Workspace, event: str) -> list[str]:
    return sorted(one["title"] for one in ana.relations(event) if one["relation"] == "schedule.works_on")


def test_a_column_holds_several_relations_and_is_merged_like_a_value(ana: Workspace) -> None:
    scenes(ana, "1.1", "1.2", "1.3", "2.1")
    head = "number,date,title,scenes\n"
    imported(ana, f"{head}E1,2026-01-12,Run,1.2; 1.3\nE2,2026-01-13,Work,9.9; 1.1\n", "schedule.events", "plan.csv")
    event = "schedule.events:E1/2026-01-12"
    assert works_on(ana, event) == ["Scene 1.2", "Scene 1.3"]
    assert works_on(ana, "schedule.events:E2/2026-01-13") == ["Scene 1.1"]
    with ana.edit() as edit:
        edit.relate(event, "schedule.works_on", "script.scenes:2.1")
        gone = next(one["id"] for one in ana.relations(event) if one["title"] == "Scene 1.3")
        edit.unrelate(gone)
    later = f"{head}E1,2026-01-12,Run,1.1; 1.3\nE2,2026-01-13,Work,9.9; 1.1\n"
    found = planned(ana, later, "schedule.events", "plan.csv")
    assert any("9.9" in one for one in found.preview()["assumed"])
    (overlay,) = found.stage()
    overlay.commit()
    # 1.1 came there, 1.2 went there; 2.1 was added here, 1.3 was taken away here.
    assert works_on(ana, event) == ["Scene 1.1", "Scene 2.1"]


def test_what_changes_between_planning_and_staging_is_drift(ana: Workspace) -> None:
    imported(ana, FIRST)
    found = planned(ana, FIRST.replace("Dawn", "Sunrise"))
    changed(ana, "lighting.cues:2", {"label": "Cold dawn"})
    (overlay,) = found.stage()
    (drift,) = overlay.drift()
    assert "Cold dawn" in drift["text"]
    with pytest.raises(openprod.OpenprodError, match="cannot be committed yet"):
        overlay.commit()
    overlay.theirs("lighting.cues:2", "label")


def test_another_device_knows_what_the_source_said(ana: Workspace, tmp_path: Path) -> None:
    imported(ana, FIRST)
    invitation = ana.invite()
    keys = [(epoch, key) for epoch, key, _ in iter(ana.keys())]
    with openprod.join(invitation, tmp_path / "b", ana.bundles(), keys, home=tmp_path / "bens") as ben:
        changed(ben, "lighting.cues:2", {"label": "Cold dawn"})
        found = planned(ben, FIRST.replace("Noon", "High noon"))
        assert (found.preview()["updates"], found.preview()["kept"]) == (1, 1)


def test_an_overlay_is_not_seen_before_it_is_whole(ana: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(ana, FIRST)

    def stopped(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(found, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        found.stage()
    assert [one for one in ana.overlays() if one["source"] != "stage-management"] == []
    (overlay,) = planned(ana, FIRST).stage()
    assert overlay.title == "cues.csv"
    assert [one["records"] for one in ana.overlays() if one["source"] != "stage-management"] == [3]
