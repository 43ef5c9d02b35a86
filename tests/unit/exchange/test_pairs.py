"""Files that go into relations: lists of pairs, and matrices with marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.unit.exchange.real_files import bytes_of

import openprod
from openprod.exchange.columns import BadColumns
from openprod.exchange.stage import How, import_bytes
from openprod.exchange.staged import Staged
from openprod.workspace.workspace import Workspace

APPEARS = "script.appears"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home") as made:
        with made.edit() as edit:
            for code, name in (("HAM", "Hamlet"), ("OPH", "Ophelia"), ("GHO", "Ghost")):
                edit.add("script.characters", code=code, name=name)
            for number in ("1.1", "1.2", "3.1"):
                edit.add("script.scenes", number=number, order=number.replace(".", ""))
        yield made


def planned(ws: Workspace, text: str, how: How | None = None, file: str = "who.csv") -> Staged:
    return import_bytes(ws, text.encode(), file, APPEARS, how=how)


def committed(found: Staged) -> Staged:
    for one in found.stage():
        one.commit()
    return found


def pairs(ws: Workspace) -> dict[str, Mapping[str, object]]:
    return {
        f"{row['name']} {one['title']}": one["properties"]
        for row in ws.query(from_="script.characters")
        for one in ws.relations(str(row["id"]))
    }


def test_a_list_of_pairs_with_properties(ws: Workspace) -> None:
    found = committed(
        planned(ws, "scene,character_id,speeches,how\n1.1,GHO,0,enters\n1.2,HAM; OPH,4,speaks\n9.9,HAM,,\n")
    )
    assert found.preview()["creates"] == 3
    assert [one["line"] for one in found.preview()["rejected"]] == [4]
    assert set(pairs(ws)) == {"Ghost Scene 1.1", "Hamlet Scene 1.2", "Ophelia Scene 1.2"}
    assert pairs(ws)["Ghost Scene 1.1"] == {"script.appears.speeches": 0, "script.appears.how": "enters"}


def test_the_same_pairs_again_change_nothing_and_a_changed_property_alone_comes_in(ws: Workspace) -> None:
    text = "scene,character,speeches\n1.1,Ghost,0\n1.2,Hamlet,4\n"
    committed(planned(ws, text))
    assert planned(ws, text).preview()["unchanged"] == 2
    found = planned(ws, text.replace("4", "5"))
    assert (found.preview()["updates"], found.preview()["unchanged"]) == (1, 1)
    (overlay,) = found.stage()
    assert len(overlay.diff()) == 1
    overlay.commit()
    gone = planned(ws, "scene,character,speeches\n1.1,Ghost,0\n")
    assert [one["title"] for one in gone.gone()] == ["Hamlet – Scene 1.2"]
    (overlay,) = gone.stage(is_deleting_gone=True)
    overlay.commit()
    assert set(pairs(ws)) == {"Ghost Scene 1.1"}


def test_a_relation_that_people_ended_stays_ended(ws: Workspace) -> None:
    text = "scene,character\n1.1,Ghost\n1.2,Hamlet\n"
    committed(planned(ws, text))
    (ended,) = ws.relations("script.characters:GHO")
    with ws.edit() as edit:
        edit.unrelate(ended["id"])
    found = planned(ws, text)
    assert found.preview()["creates"] == 0
    assert any("stays ended" in one for one in found.preview()["assumed"])


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_matrix_has_marks_where_a_row_and_a_column_meet(ws: Workspace, *, is_turned: bool) -> None:
    rows = [["Character", "1.1", "1.2", "3.1"], ["Ghost", "x", "", "-"], ["Hamlet", "", "X", "✓"], ["OPH", "", "", "1"]]
    if is_turned:
        rows = [list(one) for one in zip(*rows, strict=True)]
    found = committed(planned(ws, "\n".join(",".join(row) for row in rows) + "\n"))
    assert found.shape()["is_matrix"] is True
    assert set(pairs(ws)) == {"Ghost Scene 1.1", "Hamlet Scene 1.2", "Hamlet Scene 3.1", "Ophelia Scene 3.1"}


def test_what_the_marks_say_is_kept_as_a_property(ws: Workspace) -> None:
    committed(planned(ws, "who,1.1,1.2\nGhost,enters,\nHamlet,,speaks\n"))
    assert pairs(ws)["Ghost Scene 1.1"] == {"script.appears.how": "enters"}
    found = committed(planned(ws, "who,1.1,1.2\nGhost,1,\nHamlet,,12\n", How({"*": "speeches"}, source="counts")))
    assert found.preview()["updates"] == 1
    assert pairs(ws)["Hamlet Scene 1.2"]["script.appears.speeches"] == 12
    found = planned(ws, "who,1.1,1.2\nGhost,blue,\nHamlet,,red\n", How(source="moods"))
    assert any("--columns '*=PROPERTY'" in one for one in found.preview()["assumed"])


def test_ends_are_found_by_what_the_cells_name_or_as_said(ws: Workspace) -> None:
    found = planned(ws, "A,B\nGhost,1.1\nHamlet,1.2\n")
    assert found.preview()["creates"] == 2
    assert any("'A' is taken for Characters" in one for one in found.preview()["assumed"])
    with pytest.raises(BadColumns, match="names Scenes"):
        planned(ws, "A,B\nGhost,blue\nHamlet,red\n")
    with pytest.raises(BadColumns, match="no column 'C'"):
        planned(ws, "A,B\nGhost,1.1\n", How({"C": "source"}))
    with pytest.raises(BadColumns, match="speeches"):
        planned(ws, "A,B,C\nGhost,1.1,4\n", How({"C": "speech"}))


def how_of(row: Mapping[str, str]) -> str:
    return row["how"]


def mark_of(_: Mapping[str, str]) -> str:
    return "x"


@pytest.mark.parametrize("shown", [how_of, mark_of])
def test_the_152_marks_of_the_real_play_come_in_as_a_matrix(
    ws: Workspace, shown: Callable[[Mapping[str, str]], str]
) -> None:
    def read(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(bytes_of(f"production/{name}").decode("utf-8-sig"))))

    how = How({"character_id": "code", "speeches": "", "scenes": ""})
    committed(import_bytes(ws, bytes_of("production/characters.csv"), "characters.csv", "script.characters", how=how))
    how = How({"scene": "number"})
    committed(import_bytes(ws, bytes_of("production/scenes.csv"), "scenes.csv", "script.scenes", how=how))
    marks = {(row["character_id"], row["scene"]): row for row in read("scene_characters.csv")}
    numbers = [row["scene"] for row in read("scenes.csv")]
    lines = [["", *numbers]]
    for row in read("characters.csv"):
        found = [marks.get((row["character_id"], number)) for number in numbers]
        lines.append([row["character_id"], *("" if one is None else shown(one) for one in found)])
    target = io.StringIO()
    csv.writer(target).writerows(lines)
    found = planned(ws, target.getvalue())
    preview = found.preview()
    assert (preview["creates"], preview["rejected"]) == (152, [])
    committed(found)
    listed = import_bytes(ws, bytes_of("production/scene_characters.csv"), "list.csv", APPEARS)
    assert (listed.preview()["creates"], listed.preview()["matches"]) == (0, 152)
