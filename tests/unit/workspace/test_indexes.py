"""Indexes for questions that are asked again and again: same answers, only sooner, and nothing lost without them."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from pathlib import Path

import apsw
import pytest

from openprod.store import read_model
from openprod.workspace.asking import ASKED_OFTEN
from openprod.workspace.opening import init_workspace
from openprod.workspace.view import View

CUES = "lighting.cues"

PLACED: dict[str, object] = {"from": CUES, "where": "cue_status == 'placed'", "sort": {"order": ["page", "label"]}}
QUESTIONS: tuple[dict[str, object], ...] = (
    PLACED,
    {**PLACED, "sort": {"order": ["-page", "-line"]}},
    {**PLACED, "sort": {"order": ["-page", "line"]}},
    {**PLACED, "where": "cue_status == 'placed' AND line > 1 AND page == '2'", "sort": {"order": ["label"]}},
    {"from": CUES, "sort": {"order": ["number"]}},
    {"from": CUES, "where": "cue_status == 'idea'", "sort": {"order": ["cue_status", "number"]}},
    {"from": CUES, "where": "label == 'Dawn'"},
)


@pytest.fixture(autouse=True)
def few_rows_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "INDEXED_ROWS_MIN", 100)


WithCues = Callable[[int], View]


@pytest.fixture
def with_cues(tmp_path: Path) -> Generator[WithCues]:
    """Gives what makes a workspace with cues that often sort alike, some without a page or a label."""
    view = init_workspace(
        tmp_path / "show",
        name="Show",
        template="stage-management",
        home=tmp_path / "home",
        person="Ana",
        durable=False,
    )

    def fill(count: int) -> View:
        chance = random.Random(7)
        names = ("number", "page", "line", "label", "cue_status")
        rows = [
            (
                str(n),
                chance.choice(("1", "2", "10", "", "2A")),
                chance.choice((1, 2, 30, None)),
                chance.choice(("Dawn", "dawn", "Dusk", None)),
                chance.choice(("placed", "idea", "locked")),
            )
            for n in range(count)
        ]
        with view.edit() as edit:
            edit.add_many(CUES, names, rows)
        return view

    yield fill
    view.close()


def indexes(view: View) -> list[str]:
    sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND name GLOB 'ux~*' ORDER BY name"
    return [str(name) for (name,) in view.desk.db.rows(sql)]


def ask(view: View, question: dict[str, object], times: int = 1) -> list[object]:
    rows: list[object] = []
    for _ in range(times):
        rows = [row["id"] for row in view.query(query=question, limit=50, offset=2)]
    return rows


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_page_is_the_same_with_its_index_as_without(with_cues: WithCues, question: dict[str, object]) -> None:
    view = with_cues(400)
    before = ask(view, question)
    assert len(before) > 5
    assert indexes(view) == []
    assert ask(view, question, ASKED_OFTEN) == before
    assert len(indexes(view)) == 1
    assert ask(view, question) == before
    assert ask(view, {**question, "sort": {"order": ["line"]}})


def test_a_window_that_is_asked_for_again_gets_one_too(with_cues: WithCues) -> None:
    view = with_cues(400)
    for offset in range(0, 50 * ASKED_OFTEN, 50):
        view.window(PLACED, offset=offset, limit=50)
    assert len(indexes(view)) == 1


def test_a_table_of_few_rows_gets_no_index(with_cues: WithCues) -> None:
    view = with_cues(99)
    ask(view, PLACED, 2 * ASKED_OFTEN)
    assert indexes(view) == []


def test_a_table_gets_no_more_indexes_than_a_few(with_cues: WithCues) -> None:
    view = with_cues(120)
    for name in ("number", "page", "line", "label", "cue_status", "notes", "up", "down"):
        ask(view, {"from": CUES, "sort": {"order": [name]}}, ASKED_OFTEN)
    assert len(indexes(view)) == read_model.INDEXES_MAX


def test_edits_imports_and_checks_go_on_with_indexes_there(with_cues: WithCues) -> None:
    view = with_cues(400)
    ask(view, PLACED, ASKED_OFTEN)
    first = str(ask(view, PLACED)[0])
    with view.edit() as edit:
        edit.set(first, {"cue_status": "cut"})
        edit.add_many(CUES, ("number", "cue_status"), [("900", "placed")])
    assert first not in ask(view, PLACED)
    assert view.count(CUES, "cue_status == 'placed'") == len(view.query("cue_status == 'placed'", CUES))
    assert indexes(view)


def test_a_file_that_another_program_writes_to_is_still_answered_from(
    with_cues: WithCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = with_cues(400)
    before = ask(view, PLACED)
    monkeypatch.setattr("openprod.store.database.BUSY_MS", 10)
    view.desk.db.connection.set_busy_timeout(10)
    other = apsw.Connection(view.desk.db.path)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert ask(view, PLACED, ASKED_OFTEN) == before
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert indexes(view) == []
