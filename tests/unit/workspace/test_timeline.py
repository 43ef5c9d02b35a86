"""The history a page at a time, and what was decided with what there was to choose from."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.e2e.stage import set_up

from openprod.workspace.workspace import Workspace


@pytest.fixture
def show(tmp_path: Path) -> Generator[Workspace]:
    with set_up(tmp_path, cues=6) as workspace:
        yield workspace


def test_pages_follow_each_other_and_miss_nothing(show: Workspace) -> None:
    whole = [one["bundle"] for one in show.log_entries(100)]
    found: list[str] = []
    before: int | None = None
    while True:
        page = show.history_page(2, before=before)
        assert len(page["entries"]) <= 2
        found += [one["bundle"] for one in page["entries"]]
        before = page["next"]
        if before is None:
            break
    assert found == whole


def test_a_page_is_narrowed_down_by_person_table_and_words(show: Workspace) -> None:
    theirs = next(one["actor"] for one in show.log_entries(20) if one["actor_name"] == "Jordan Reed")
    assert {one["actor_name"] for one in show.history_page(actor=theirs)["entries"]} == {"Jordan Reed"}
    assert [one["label"] for one in show.history_page(words="SUNRISE")["entries"]] == ["Sunday"]
    people = show.history_page(table="contacts.people")["entries"]
    assert [one["label"] for one in people] == ["The cue sheet"]
    assert {op["field"] for op in people[0]["ops"]} == {"contacts.people"}


def test_a_decision_comes_with_what_there_was_to_choose_from_and_whether_it_stands(show: Workspace) -> None:
    (question,) = show.conflicts()
    show.resolve(question, choose=question["values"][0]["op"])
    (decision,) = show.decisions()
    assert decision["title"] == "LX 3"
    assert sorted(str(one["value"]) for one in decision["offered"]) == ["Dawn", "Sunrise"]
    assert decision["stands"] is True
    with show.edit() as edit:
        edit.set("lighting.cues:3", {"label": "Later"})
    assert [one["stands"] for one in show.decisions()] == [False]
