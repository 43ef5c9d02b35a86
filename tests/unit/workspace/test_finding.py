"""Finding records by words."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.e2e.stage import set_up

from openprod.catalog.tables import UnknownName
from openprod.workspace.workspace import Workspace


@pytest.fixture
def show(tmp_path: Path) -> Generator[Workspace]:
    with set_up(tmp_path, cues=130) as workspace:
        yield workspace


def found(show: Workspace, text: str, *tables: str, limit: int = 20) -> list[str]:
    return [one["title"] for one in show.find(text, tables, limit)]


def test_the_record_called_exactly_so_comes_first(show: Workspace) -> None:
    assert found(show, "LX 11")[0] == "LX 11"
    assert found(show, "11 lx")[0] == "LX 11"
    assert found(show, "lx 11", limit=3) == ["LX 11", "LX 110", "LX 111"]


def test_titles_come_before_what_is_written_in_fields_which_says_where(show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Moon, Keith")
    first, *others = show.find("moon")
    assert (first["title"], first["why"]) == ("Moon, Keith", "")
    assert {one["table"] for one in others} == {"lighting.cues"}
    assert others[0]["why"].startswith("Label: ")
    assert "moon" in others[0]["why"]


def test_case_and_accents_do_not_count_and_a_word_may_be_its_beginning(show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Renée Ångström")
    assert found(show, "ren ang") == ["Renée Ångström"]
    assert found(show, "gström") == []


def test_without_words_a_tables_first_records_are_offered(show: Workspace) -> None:
    assert found(show, " ", "contacts.people") == ["Jane Doe", "Mina Okafor", "Sam Reyes"]


def test_only_the_named_tables_are_looked_in_and_an_unknown_one_is_refused(show: Workspace) -> None:
    assert found(show, "jane", "lighting.cues") == []
    with pytest.raises(UnknownName):
        show.find("jane", ["lighting.cue"])
