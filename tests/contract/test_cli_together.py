"""The command line: inviting, joining, syncing by file and folder."""

from __future__ import annotations

from pathlib import Path

from openprod.testing.terminal import Terminal

SYNC = {"files", "written", "conflicts"}
FILE = {
    "name", "bundles", "applied", "duplicates", "waiting", "held", "admission", "unread", "rejected", "skipped",
}  # fmt: skip


def test_an_invitation_is_one_line_and_what_to_do_with_it_goes_to_stderr(terminal: Terminal) -> None:
    ran = terminal.run("invite", "--label", "Lena")
    assert ran.out.startswith("openprod-invite-")
    assert len(ran.out.splitlines()) == 1
    assert "private" in ran.err
    assert terminal.asked("invite")["invitation"].startswith("openprod-invite-")


def test_a_joiner_sees_everything_and_is_seen(terminal: Terminal, other: Terminal, tmp_path: Path) -> None:
    assert other.asked("status")["workspace"] == terminal.asked("status")["workspace"]
    assert [one["name"] for one in other.asked("tables")] == [one["name"] for one in terminal.asked("tables")]
    stick = str(tmp_path / "back.opx")
    other.did("sync", stick)
    terminal.did("sync", stick)
    assert "Bob Birch" in [one["actor_name"] for one in terminal.asked("log")]
    assert terminal.asked("status")["state_hash"] == other.asked("status")["state_hash"]


def test_sync_as_json_has_its_shape(terminal: Terminal, other: Terminal, tmp_path: Path) -> None:
    stick = str(tmp_path / "s.opx")
    first = terminal.asked("sync", stick)
    assert set(first) == SYNC
    assert (first["files"], first["written"]) == ([], stick)
    other.did("add", "contacts.people", "name=Jane")
    taken = other.asked("sync", stick)
    assert [set(one) for one in taken["files"]] == [FILE]
    again = other.asked("sync", stick)
    assert again["written"] is None


def test_a_shared_folder_brings_devices_together_and_names_what_it_passes_over(
    terminal: Terminal, other: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "cloud"
    folder.mkdir()
    (folder / "half.opx").write_bytes(b"OPENPROD")
    terminal.did("add", "contacts.people", "name=Jane")
    out = terminal.did("sync", str(folder))
    assert "half.opx" in out
    other.did("sync", str(folder))
    assert [row["name"] for row in other.asked("show", "contacts.people")] == ["Jane"]


def test_joining_takes_the_right_invitation_a_file_and_an_empty_folder(terminal: Terminal, tmp_path: Path) -> None:
    stick = str(tmp_path / "s.opx")
    terminal.did("sync", stick)
    late = terminal.did("invite").strip()
    joiner = Terminal(tmp_path / "h2", tmp_path / "w2")
    for invitation, folder, file, words in (
        ("hello", joiner.folder, stick, "This is no invitation"),
        (late[:-3], joiner.folder, stick, "not complete"),
        (late, joiner.folder, stick, "invitation"),
        (late, joiner.folder, str(tmp_path / "none.opx"), "There is no file"),
    ):
        ran = joiner.run("join", invitation, str(folder), "--from", file, "--person", "Cy")
        assert (ran.status, ran.out) == (1, "")
        assert words in ran.err
        assert not joiner.folder.exists()
    terminal.did("sync", stick)
    assert joiner.run("join", late, str(terminal.folder), "--from", stick).status == 1
    joiner.did("join", late, str(joiner.folder), "--from", stick, "--person", "Cy")


def test_a_place_that_is_neither_folder_nor_opx_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal.run("sync", str(tmp_path / "nowhere"))
    assert ran.status == 1
    assert ".opx" in ran.err


def test_a_file_of_another_kind_is_never_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "thesis.opx"
    file.write_text("precious")
    assert terminal.run("sync", str(file)).status == 1
    assert file.read_text() == "precious"
