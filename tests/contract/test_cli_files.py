"""The command line: files attached to records, their issues, and getting them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

SCENIC = "workspace.drafts:Scenic"


@pytest.fixture
def desk(terminal: Terminal) -> Terminal:
    """A production with a table of drafts and one draft in it."""
    terminal.did("table", "create", "drafts", "name:text", "file:blob", "--key", "name")
    terminal.did("add", "workspace.drafts", "name=Scenic")
    return terminal


def drawn(folder: Path, number: int) -> str:
    path = folder / "scenic.pdf"
    path.write_bytes(b"%PDF-1.7 " + str(number).encode())
    return str(path)


def test_a_draft_is_attached_issue_by_issue_and_each_can_be_had_again(desk: Terminal, tmp_path: Path) -> None:
    assert "1st issue" in desk.did("attach", SCENIC, "file", drawn(tmp_path, 1))
    shape = desk.asked("attach", SCENIC, "file", drawn(tmp_path, 2))
    held = shape["fields"]["workspace.drafts.file"]
    assert (held["name"], held["media"], held["here"]) == ("scenic.pdf", "application/pdf", True)
    assert [one["issue"] for one in desk.asked("blob", "issues", SCENIC, "file")] == [2, 1]
    assert "scenic.pdf, 2nd issue" in desk.did("blob", "issues", SCENIC, "file")
    assert "2nd issue" in desk.did("history", SCENIC, "file")
    first, now, named = tmp_path / "first.pdf", tmp_path / "now.pdf", tmp_path / "named.pdf"
    desk.did("blob", "get", SCENIC, "file", "--issue", "1", "-o", str(first))
    desk.did("blob", "get", SCENIC, "file", "-o", str(now))
    desk.did("blob", "get", held["hash"][:10], "-o", str(named))
    assert (first.read_bytes(), now.read_bytes(), named.read_bytes()) == (
        b"%PDF-1.7 1",
        b"%PDF-1.7 2",
        b"%PDF-1.7 2",
    )
    assert "already" in desk.run("blob", "get", held["hash"][:10], "-o", str(first)).err
    desk.did("--yes", "blob", "get", held["hash"][:10], "-o", str(first))
    assert first.read_bytes() == b"%PDF-1.7 2"
    assert "issues 1 to 2" in desk.run("blob", "get", SCENIC, "file", "--issue", "9").err


def test_files_are_listed_with_where_they_are_and_the_unused_apart(desk: Terminal, tmp_path: Path) -> None:
    desk.did("attach", SCENIC, "file", drawn(tmp_path, 1))
    (tmp_path / "loose.txt").write_text("nobody's", encoding="utf-8")
    kept = desk.asked("blob", "add", str(tmp_path / "loose.txt"))
    assert [one["hash"] for one in desk.asked("blob", "unused")] == [kept["hash"]]
    assert "Scenic: file" in desk.did("blob", "list")
    names = {one["name"]: one["state"] for one in desk.asked("blob", "list")}
    assert names["scenic.pdf"] == "shown"


def test_a_file_that_is_not_here_is_said_so(desk: Terminal, tmp_path: Path) -> None:
    held = desk.asked("attach", SCENIC, "file", drawn(tmp_path, 1))["fields"]["workspace.drafts.file"]
    (path,) = [one for one in tmp_path.rglob(held["hash"][2:]) if one.is_file()]
    path.unlink()
    assert "scenic.pdf (not on this device)" in desk.did("show", SCENIC)
    ran = desk.run("blob", "get", held["hash"][:10], "-o", str(tmp_path / "x.pdf"))
    assert ran.status == 1
    assert "is not on this device" in ran.err


def test_what_is_no_file_or_no_field_for_one_is_refused_in_a_sentence(desk: Terminal, tmp_path: Path) -> None:
    for words in (
        ("attach", SCENIC, "file", str(tmp_path)),
        ("attach", SCENIC, "name", drawn(tmp_path, 1)),
        ("blob", "get", "ffffffff"),
    ):
        assert desk.run(*words).status == 1
    assert {one["name"].rpartition(".")[2] for one in desk.asked("blob", "list")} <= {"opmod"}


def test_files_go_from_device_to_device_by_a_stick(desk: Terminal, tmp_path: Path) -> None:
    held = desk.asked("attach", SCENIC, "file", drawn(tmp_path, 1))["fields"]["workspace.drafts.file"]
    (tmp_path / "stick").mkdir()
    assert "not encrypted" in desk.did("blob", "give", str(tmp_path / "stick"))
    (path,) = [one for one in desk.folder.rglob(held["hash"][2:]) if one.is_file()]
    path.unlink()
    assert desk.asked("blob", "take", str(tmp_path / "stick")) == {"taken": 1, "lacking": []}
