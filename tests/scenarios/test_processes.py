"""Several programs at once on one workspace: each notices the others' work, and no work is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import openprod

WORKER = Path(__file__).parent / "worker.py"
PROGRAMS = 3
ROUNDS = 40


class Program:
    """Another program that works on the same workspace."""

    def __init__(self, place: Path, name: str) -> None:
        self.name = name
        command = [sys.executable, str(WORKER), "counts", str(place / "w"), str(place / "home"), name]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.hear() == "open"

    def tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{line}\n")
        self._child.stdin.flush()

    def hear(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def stop(self) -> int:
        self.tell("stop")
        assert self.hear() == "done"
        self._child.communicate()
        return self._child.returncode


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home")
    with made, made.edit("Somebody all share") as edit:
        edit.add("contacts.people", name="Shared")
    return tmp_path


def test_no_work_is_lost_when_several_programs_write_at_once(place: Path) -> None:
    programs = [Program(place, f"P{n}") for n in range(PROGRAMS)]
    for program in programs:
        program.tell(f"add {ROUNDS}")
    with openprod.open(place / "w", home=place / "home") as here:
        for number in range(ROUNDS):
            with here.edit("Ours") as edit:
                edit.add("contacts.people", name=f"Ours {number}")
        for program in programs:
            assert [program.hear() for _ in range(ROUNDS)] == [f"added {number}" for number in range(ROUNDS)]
        assert [program.stop() for program in programs] == [0] * PROGRAMS
        rows = here.query(query={"from": "contacts.people", "select": {"name": "name"}})
        wanted = {f"{name} {number}" for name in ("P0", "P1", "P2", "Ours") for number in range(ROUNDS)}
        assert {row["name"] for row in rows} == wanted | {"Shared"}
        assert here.status()["logs"] == 1
        # Whoever wrote over what another had just written, without having seen it, left a question, not a loss.
        entries = here.history("contacts.people:Shared", "notes")
        assert len(entries) == PROGRAMS * ROUNDS
        assert here.verify().damaged == []


def test_every_program_sees_what_another_has_kept(place: Path) -> None:
    other = Program(place, "P0")
    heard: list[list[dict[str, object]]] = []
    with openprod.open(place / "w", home=place / "home") as here:
        question = {"from": "contacts.people", "where": 'name LIKE "P0%"', "select": {"name": "name"}}
        watching = here.subscribe(question, heard.append)
        assert heard == []
        assert not here.poll()
        other.tell("add 2")
        assert [other.hear(), other.hear()] == ["added 0", "added 1"]
        assert here.count("contacts.people") == 3
        assert here.poll()
        assert [step["do"] for step in heard[-1]] == ["insert", "insert"]
        watching.close()
        with here.edit("Over what the other wrote") as edit:
            edit.set("contacts.people:Shared", {"contacts.people.notes": "ours"})
        assert here.conflicts() == []
        other.tell("look")
        assert other.hear() == "ours"
    assert other.stop() == 0


def test_an_edit_begun_before_another_programs_commit_loses_neither(place: Path) -> None:
    other = Program(place, "P0")
    with openprod.open(place / "w", home=place / "home") as here:
        edit = here.edit("Begun before")
        other.tell("add 1")
        assert other.hear() == "added 0"
        edit.set("contacts.people:Shared", {"contacts.people.notes": "ours"})
        edit.commit()
        (question,) = here.conflicts()
        assert sorted(str(one["value"]) for one in question["values"]) == ["P0 0", "ours"]
        other.tell("look")
        assert other.hear() in {"ours", "P0 0"}
    assert other.stop() == 0
