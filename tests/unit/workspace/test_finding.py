"""Finding records by words."""

from __future__ import annotations

import shutil
import sqlite3
import unicodedata
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e.stage import set_up

from openprod.catalog.tables import UnknownName
from openprod.workspace.opening import init_workspace, open_workspace
from openprod.workspace.workspace import Workspace


@pytest.fixture
def show(tmp_path: Path) -> Generator[Workspace]:
    with set_up(tmp_path, cues=130) as workspace:
        yield workspace


def found(show: Workspace, text: str, *tables: str, limit: int = 20) -> list[str]:
    return [one["title"] for one in show.search(text, tables, limit)]


def test_the_record_called_exactly_so_comes_first(show: Workspace) -> None:
    assert found(show, "LX 11")[0] == "LX 11"
    assert found(show, "11 lx")[0] == "LX 11"
    assert found(show, "lx 11", limit=3) == ["LX 11", "LX 110", "LX 111"]


def test_titles_come_before_what_is_written_in_fields_which_says_where(show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Moon, Keith")
    first, *others = show.search("moon")
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
        show.search("jane", ["lighting.cue"])


def test_a_name_is_found_however_its_accents_are_written_and_stays_two_people(show: Workspace) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Siân Strauß") for form in ("NFC", "NFD"))
    with show.edit() as edit:
        for name in (composed, decomposed):
            edit.add("contacts.people", name=name)
    for typed in (composed, decomposed, "sian strauss", "SIÂN", "strau"):
        assert sorted(found(show, typed)) == sorted([composed, decomposed])


def test_what_is_found_follows_every_change(show: Workspace) -> None:
    assert found(show, "gaffer") == []
    with show.edit() as edit:
        jo = edit.add("contacts.people", name="Jo Gaffer")
    assert found(show, "gaffer") == ["Jo Gaffer"]
    with show.edit() as edit:
        edit.set(jo, {"contacts.people.name": "Jo Rigger"})
    assert (found(show, "gaffer"), found(show, "rigger")) == ([], ["Jo Rigger"])
    with show.edit() as edit:
        edit.delete(jo)
    assert found(show, "rigger") == []
    show.undo()
    assert found(show, "rigger") == ["Jo Rigger"]
    show.rebuild()
    assert found(show, "rigger") == ["Jo Rigger"]


def test_records_that_became_one_are_found_once_and_two_again_after_the_split(show: Workspace) -> None:
    with show.edit() as edit:
        one = edit.add("contacts.people", name="Robin Flyman")
        other = edit.add("contacts.people", name="R. Flyman")
    assert len(found(show, "flyman")) == 2
    show.merge(one, other)
    assert len(found(show, "flyman")) == 1
    show.undo()
    assert len(found(show, "flyman")) == 2


def test_a_field_of_ones_own_and_a_mapped_one_are_looked_in_at_once(show: Workspace) -> None:
    show.create_table("props", {"name": "text", "maker": "text"}, key=["name"])
    with show.edit() as edit:
        edit.add("workspace.props", name="Yorick's skull", maker="Bonecarver")
    assert show.search("bonecarver")[0]["why"] == "Maker: Bonecarver"
    key = show.add_field("workspace.props", "origin", "text")
    with show.edit() as edit:
        edit.set("workspace.props:Yorick's skull", {key: "Elsinore"})
    assert found(show, "elsinore") == ["Yorick's skull"]
    assert found(show, "skull elsi") == ["Yorick's skull"]


def test_the_names_of_attached_files_are_found(show: Workspace, tmp_path: Path) -> None:
    show.create_table("drafts", {"name": "text", "file": "blob"}, key=["name"])
    with show.edit() as edit:
        record = edit.add("workspace.drafts", name="Balcony")
    (tmp_path / "portcullis.pdf").write_bytes(b"%PDF-")
    show.attach(record, "file", tmp_path / "portcullis.pdf")
    assert found(show, "portcullis") == ["Balcony"]


def test_an_overlay_and_the_past_find_what_is_there(show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Ursula Understudy")
    show.milestone("Then")
    with show.edit() as edit:
        edit.add("contacts.people", name="Lena Latecomer")
    with show.overlay("what if") as view:
        with view.edit() as edit:
            edit.add("contacts.people", name="Max Maybe")
        assert [one["title"] for one in view.search("max")] == ["Max Maybe"]
        assert [one["title"] for one in view.search("lena")] == ["Lena Latecomer"]
    assert found(show, "max") == []
    with show.at("Then") as then:
        assert [one["title"] for one in then.search("ursula")] == ["Ursula Understudy"]
        assert then.search("lena") == []


def test_another_program_finds_what_this_one_wrote_and_the_other_way_round(show: Workspace) -> None:
    with open_workspace(show.path, home=show.home, durable=False) as other:
        with show.edit() as edit:
            edit.add("contacts.people", name="Ada Here")
        assert found(other, "ada") == found(show, "ada") == ["Ada Here"]
        with other.edit() as edit:
            edit.add("contacts.people", name="Bea There")
        assert found(show, "bea") == found(other, "bea") == ["Bea There"]
        other.rebuild()
        assert found(show, "bea") == ["Bea There"]


@pytest.mark.parametrize("damage", [b"", b"not a database at all", None])
def test_a_damaged_or_foreign_index_is_made_anew_and_nobody_notices(show: Workspace, damage: bytes | None) -> None:
    found(show, "jane")
    show.close()
    index = show.path / "search.db"
    if damage is None:
        with closing(sqlite3.connect(index)) as connection:
            connection.execute("CREATE TABLE planted(x)")
            connection.commit()
    else:
        index.write_bytes(damage)
    with open_workspace(show.path, home=show.home, durable=False) as again:
        assert "Jane Doe" in found(again, "jane")
    assert index.stat().st_mode & 0o777 == 0o600


def test_an_index_of_another_history_is_not_believed(show: Workspace, tmp_path: Path) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Only Here")
    assert found(show, "only") == ["Only Here"]
    show.close()
    with init_workspace(tmp_path / "other", name="Other", home=show.home, durable=False) as other:
        shutil.copy(show.path / "search.db", other.path / "search.db")
        assert found(other, "only") == []


def test_a_search_reads_what_a_person_types_as_words_and_never_as_an_expression(show: Workspace) -> None:
    for typed in ('"', "a AND", "NEAR(", "title:x", "*", "-jane", "jane OR sam", "^", "();--"):
        found(show, typed)
    assert "Jane Doe" in found(show, '"jane"')
