"""The demo production: built through the public API, it answers both questions as worked out by brute force."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

import openprod
from openprod.exchange.demo import build_demo
from openprod.model.errors import Refused
from openprod.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
WORDS_OF_THE_SCHEDULE = ("COMPANY", "ALL CAST", "DEPT:")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(place: Path) -> Iterator[Workspace]:
    with build_demo(place / "richard", place / "home") as workspace:
        yield workspace


def answers(name: str) -> list[dict[str, str]]:
    with (DATA / f"answers_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text(value: object) -> str:
    return "" if value is None else str(value)


def test_the_demo_holds_the_whole_production(demo: Workspace) -> None:
    counts = {table["name"]: table["count"] for table in demo.tables()}
    wanted = {
        "contacts.people": 53,
        "schedule.attendees": 53,
        "casting.performers": 33,
        "script.scenes": 25,
        "script.characters": 55,
        "casting.roles": 55,
        "schedule.events": 79,
        "schedule.rooms": 4,
        "lighting.cues": 407,
        "sound.cues": 118,
        "sm.cues": 416,
    }
    assert {name: counts[name] for name in wanted} == wanted
    assert demo.conflicts() == []
    assert demo.verify().damaged == []


def test_everybodys_first_call_is_the_one_found_by_brute_force(demo: Workspace) -> None:
    wanted = answers("first_calls")
    rows = {(row["date"], row["name"]): row for row in demo.query("schedule.first_calls")}
    assert len(rows) == len(wanted) == 388
    for answer in wanted:
        row = rows[answer["date"], answer["name"]]
        assert (row["first_call"], row["event_id"], row["room"]) == (
            answer["first_call"],
            answer["event_id"],
            answer["room"],
        )
        why = row["why"]
        assert isinstance(why, list)
        assert answer["why"] in why


def test_the_calling_list_is_the_one_found_by_brute_force(demo: Workspace) -> None:
    columns = ("order", "dept", "number", "scene", "page", "cue_words")
    rows = [{name: text(row[name]) for name in columns} for row in demo.query("sm.called_cues")]
    assert rows == answers("sm_cues")


def test_a_day_can_be_asked_for_alone(demo: Workspace) -> None:
    day = [row for row in answers("first_calls") if row["date"] == "2026-01-23"]
    assert len(demo.query("schedule.first_calls", date="2026-01-23")) == len(day)


def test_a_person_is_one_record_in_all_their_tables(demo: Workspace) -> None:
    person = demo.record(demo.ref("contacts.people:Alice Jessop"))
    assert person["tables"] == ["casting.performers", "contacts.people", "schedule.attendees"]
    assert demo.ref("schedule.attendees:Alice Jessop") == person["id"]
    assert demo.record(demo.ref("sm.cues:LX/11"))["id"] == demo.ref("lighting.cues:11")


def test_follows_and_hangs_are_read_from_one_column(demo: Workspace) -> None:
    rows = demo.query(
        query={"from": "lighting.cues", "where": "EXISTS follow", "select": {"f": "follow", "t": "follow_time"}}
    )
    assert {row["f"] for row in rows} == {"follow", "hang"}
    assert {row["t"] for row in rows} == {0, 0.5, 1.5, 2, 3}


def test_a_demo_that_is_there_is_opened_and_not_built_again(demo: Workspace, place: Path) -> None:
    before = demo.status()["bundles"]
    with build_demo(place / "richard", place / "home") as again:
        assert again.id == demo.id
        assert again.status()["bundles"] == before


def test_a_demo_whose_making_was_cut_short_is_finished(tmp_path: Path, demo: Workspace) -> None:
    with openprod.init(tmp_path / "r", name="Richard III", home=tmp_path / "home"):
        pass
    with build_demo(tmp_path / "r", tmp_path / "home") as finished:
        assert finished.query("sm.called_cues")[-1]["number"] == "POST"
        assert finished.status()["bundles"] <= demo.status()["bundles"]


def test_the_demo_is_not_put_into_another_production(tmp_path: Path) -> None:
    with openprod.init(tmp_path / "h", name="Hamlet", home=tmp_path / "home"):
        pass
    with pytest.raises(Refused, match="Hamlet"):
        build_demo(tmp_path / "h", tmp_path / "home")


def test_only_the_demos_loader_knows_the_words_of_the_schedule() -> None:
    places = [ROOT / "src", ROOT / "modules", ROOT / "templates"]
    files = [file for place in places for file in place.rglob("*") if file.suffix in {".py", ".toml", ".sql"}]
    knowing = [file for file in files if any(word in file.read_text("utf-8") for word in WORDS_OF_THE_SCHEDULE)]
    assert knowing == []


def test_the_demos_data_has_the_line_ends_of_the_field() -> None:
    for file in (ROOT / "demo" / "data").glob("*.csv"):
        raw = file.read_bytes()
        assert raw.count(b"\n") == raw.count(b"\r\n") > 0
