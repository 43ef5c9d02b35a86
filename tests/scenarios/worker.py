"""A program that tests start beside themselves: it works on one workspace and says what it has kept, line by line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import openprod
from openprod.exchange.stage import import_csv
from openprod.model.bundle import id_of
from openprod.workspace.workspace import Workspace

ROWS = 10_000
PART = 5


def say(text: str) -> None:
    """Says a line that has left this program before anything else happens."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def edits(workspace: Workspace, _: Path) -> None:
    """Adds a person in two tables, then gives them a phone; and so on."""
    for number in range(100_000):
        with workspace.edit(f"Person {number}") as edit:
            person = edit.add("contacts.people", name=f"Person {number}")
            edit.put(person, into="schedule.attendees")
        say(f"person {number}")
        with workspace.edit(f"Phone {number}") as edit:
            edit.set(person, {"contacts.people.phone": str(number), "contacts.people.email": str(number)})
        say(f"phone {number}")


def ingests(workspace: Workspace, other: Path) -> None:
    """Takes in what another device holds, a few bundles at a time."""
    with openprod.open(other / "w", home=other / "home") as giver:
        bundles = list(giver.bundles())
    for at in range(0, len(bundles), PART):
        part = bundles[at : at + PART]
        workspace.ingest(part)
        say(" ".join(["bundles", *(id_of(one, workspace.workspace_id).hex() for one in part)]))


def imports(workspace: Workspace, _: Path) -> None:
    """Imports one file of people after the other."""
    for number in range(20):
        rows = (f"Import {number} row {row},{row}@example.com,{number}\r\n" for row in range(ROWS))
        staged = import_csv(
            workspace, f"name,email,phone\r\n{''.join(rows)}".encode(), f"{number}.csv", "contacts.people"
        )
        say(f"planned {number}")
        staged.commit()
        say(f"imported {number}")


def counts(workspace: Workspace, other: Path) -> None:
    """Waits for a line, then adds to one number again and again, each time to what it sees then."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "stop":
            return
        if word == "look":
            say(str(workspace.record("contacts.people:Shared")["fields"].get("contacts.people.notes", "")))
        for number in range(int(rest) if word == "add" else 0):
            with workspace.edit("One more") as edit:
                edit.add("contacts.people", name=f"{other.name} {number}")
                edit.set("contacts.people:Shared", {"contacts.people.notes": f"{other.name} {number}"})
            say(f"added {number}")


def commits(workspace: Workspace, _: Path) -> None:
    """Commits what is staged in the one overlay there is."""
    overlay = workspace.open_overlay("what if")
    say("ready")
    overlay.commit()
    say("committed")


def stages(workspace: Workspace, _: Path) -> None:
    """Stages one file of people after the other."""
    for number in range(20):
        rows = (f"Staged {number} row {row},{row}@example.com\r\n" for row in range(ROWS))
        staged = import_csv(workspace, f"name,email\r\n{''.join(rows)}".encode(), f"{number}.csv", "contacts.people")
        say(f"planned {number}")
        for one in staged.stage():
            one.close()
        say(f"staged {number}")


WORK: dict[str, Callable[[Workspace, Path], None]] = {
    "edits": edits,
    "ingests": ingests,
    "imports": imports,
    "counts": counts,
    "commits": commits,
    "stages": stages,
}

if __name__ == "__main__":
    task, folder, home, second = sys.argv[1:5]
    with openprod.open(folder, home=home) as opened:
        say("open")
        WORK[task](opened, Path(second))
    say("done")
