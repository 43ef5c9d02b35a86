"""A small company for tests: real workspaces with one little module, a clock that stands still, and seeded chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Self

from openprod.identity.invite import read_invitation
from openprod.model.bundle import Sealed
from openprod.store.home import Home
from openprod.testing.clock import MINUTE_MS, FakeClock, TrueTime
from openprod.testing.device import Company as PaperCompany
from openprod.testing.device import PaperDevice
from openprod.workspace.ingest import Report
from openprod.workspace.opening import init_workspace, join_workspace, open_workspace
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace

LAB = """\
[module]
name = "lab"
version = "1.0.0"
title = "Lab"

[table.cues]
title = "Cues"
key = ["list", "number"]
label = "LX {number}"

[table.cues.fields]
list = { type = "text", default = "1" }
number = { type = "natural", required = true }
text = "text"
up = { type = "duration", unit = "s" }
at = "datetime"
done = "bool"
owner = { type = "record", target_hint = ["people"] }
room = { type = "text", on_conflict = "block" }

[table.people]
title = "People"
label = "{name}"

[table.people.fields]
name = "text"
phone = "text"

[table.crew]
title = "Crew"
label = "{name}"

[table.crew.fields]
name = "text"
rate = "decimal"

[relation.runs]
title = "Runs"
inverse = "Run by"
source = "people"
target_hint = ["cues"]
unique = true
properties = { cover = { type = "bool", default = false }, note = "text" }

[relation.after]
title = "After"
inverse = "Before"
source = "cues"
target_hint = ["cues"]
"""

CUES, PEOPLE, CREW = "lab.cues", "lab.people", "lab.crew"
NAME, PHONE = "lab.people.name", "lab.people.phone"
RUNS, AFTER = "lab.runs", "lab.after"


def module_at(folder: Path, text: str = LAB, files: Mapping[str, str] | None = None) -> str:
    """Writes a module, with other files by their paths, into a folder and returns the folder's name, for `adopt`."""
    for name, words in {"module.toml": text, **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words, encoding="utf-8")
    return str(folder)


class Company:
    """People's devices under one folder; `time` is everybody's clock. A context manager that closes them all."""

    def __init__(self, folder: Path, seed: int = 7) -> None:
        self.folder = folder
        self.time = TrueTime()
        self.clocks: dict[str, FakeClock] = {}
        self.open: list[Workspace] = []
        self.chance = Random(seed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.open:
            one.close()

    def clock(self, name: str) -> FakeClock:
        """Returns a device's clock."""
        return self.clocks.setdefault(name, FakeClock(self.time))

    def found(self, name: str = "Ana", *, module: str | None = LAB) -> Workspace:
        """Returns a new workspace, with the module unless told otherwise."""
        made = init_workspace(
            self.folder / name / "show",
            name="Hamlet",
            home=self.folder / name / "home",
            person=name,
            clock=self.clock(name),
            chance=self.chance.randbytes,
            durable=False,
        )
        self.open.append(made)
        if module is not None:
            made.adopt(module_at(self.folder / "lab", module))
        return made

    def join(self, name: str, source: Workspace, *, home: Path | Home | None = None, invitation: str = "") -> Workspace:
        """Returns the device of somebody who joins; `source` hears of it."""
        text = invitation or source.invite(name)
        made = join_workspace(
            read_invitation(text),
            self.folder / name / "show",
            source.bundles(),
            keys_of(source),
            home=home if home is not None else self.folder / name / "home",
            person=name,
            clock=self.clock(name),
            chance=self.chance.randbytes,
            durable=False,
        )
        self.open.append(made)
        source.ingest(made.bundles())
        return made

    def again(self, name: str) -> Workspace:
        """Returns one more open copy of a device's folder, as a second program would have it."""
        return self.at(self.folder / name / "show", name)

    def at(self, folder: Path, name: str) -> Workspace:
        """Returns an open copy of a workspace in any folder, with somebody's state directory."""
        made = open_workspace(
            folder,
            home=self.folder / name / "home",
            clock=self.clock(name),
            chance=self.chance.randbytes,
            durable=False,
        )
        self.open.append(made)
        return made

    def cast(self, *names: str, module: str | None = LAB) -> list[Workspace]:
        """Returns devices of so many people, all in sync."""
        first = self.found(names[0], module=module)
        found = [first, *(self.join(name, first) for name in names[1:])]
        meet(*found)
        return found

    def pass_time(self, minutes: int = 1) -> None:
        """Lets time pass."""
        self.time.advance(minutes * MINUTE_MS)


def keys_of(ws: Workspace) -> list[tuple[int, bytes]]:
    """Returns the workspace keys that a giver hands to somebody who joins."""
    keys = ws.keys()
    return [(epoch, key) for epoch, key, _ in keys]


def send(source: Workspace, to: Workspace) -> Report:
    """Brings what one device holds and another lacks."""
    return to.ingest(source.bundles(since=to.frontier()))


def meet(*devices: Workspace) -> None:
    """Lets devices exchange everything."""
    for _ in range(2):
        for one in devices:
            for other in devices:
                if one is not other:
                    send(one, other)


def new_bundles(source: Workspace, to: Workspace) -> list[Sealed]:
    """Returns what one device holds and another lacks, to be brought in parts."""
    return list(source.bundles(since=to.frontier()))


def add(ws: View, table: str, **fields: object) -> str:
    """Adds a record as a bundle of its own."""
    with ws.edit() as edit:
        return edit.add(table, **fields)


def put(ws: View, record: str, fields: dict[str, object]) -> None:
    """Sets fields as a bundle of its own."""
    with ws.edit() as edit:
        edit.set(record, fields)


def value(ws: View, record: str, key: str) -> object:
    """Returns what a field shows."""
    return ws.record(record)["fields"].get(key)


def offered(ws: View, record: str) -> list[set[str]]:
    """Returns the values of each open question of a record, as text; "None" is cleared."""
    return [{str(one["value"]) for one in question["values"]} for question in ws.conflicts(record)]


def count_bundles(ws: Workspace) -> int:
    """Returns how many bundles a device has applied."""
    return ws.status()["bundles"]


def cells(ws: Workspace, table: str, *columns: str) -> list[tuple[object, ...]]:
    """Returns columns of a table of the read model, by title."""
    names = ", ".join(f'"{name}"' for name in columns)
    return ws.desk.db.rows(f'SELECT {names} FROM "{table}" ORDER BY "~title", "~eid"')


def sound(*devices: Workspace) -> None:
    """Makes sure that everything derived is what the log gives, and that equal frontiers show equal state."""
    for one in devices:
        findings = one.verify()
        assert findings.is_sound, findings.damaged
    hashes = {one.frontier(): one.status()["state_hash"] for one in devices}
    assert len({(one.frontier(), one.status()["state_hash"]) for one in devices}) == len(hashes)


def heads_of(ws: View, record: str, keys: Iterable[str]) -> dict[str, list[str]]:
    """Returns the ids of the writes that a screen shows."""
    shown = ws.record(record)["heads"]
    return {key: shown.get(key, []) for key in keys}


def guest(company: Company, ws: Workspace, name: str = "Zoe", *, is_newer: bool = False) -> PaperDevice:
    """Returns a device of paper that has joined, and can write what no honest desk of this version would."""
    invitation = read_invitation(ws.invite(name))
    shared = PaperCompany(ws.workspace_id, invitation.seed)
    made = PaperDevice.join_with(name, company.clock(name), Random(5), shared, ws.bundles(), is_newer=is_newer)
    ws.ingest(made.sealed())
    return made


def table_rows(ws: Workspace, table: str) -> list[tuple[object, ...]]:
    """Returns all rows of a table of the file."""
    return ws.desk.db.rows(f'SELECT * FROM "{table}"')
