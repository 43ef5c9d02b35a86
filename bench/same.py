"""The same data under two names: confirming mappings, editing what is mapped or taken, merging."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from bench.measure import Line, at_most, in_turns, timed, wall
from bench.stage import Scratch
from openprod.workspace.opening import init_workspace
from openprod.workspace.workspace import Workspace

PEOPLE, ATTENDEES = "contacts.people", "schedule.attendees"
NAME, OTHER_NAME, PHONE = f"{PEOPLE}.name", f"{ATTENDEES}.name", f"{PEOPLE}.phone"
RECORDS = 10_000
STEPS = 100
CHANGES = 200


def _apart(scratch: Scratch) -> Workspace:
    """Returns a new production whose modules know nothing of each other: no template, which would join them."""
    made = init_workspace(scratch.place("ws"), name="Bench", home=scratch.path / "home", person="Robin")
    for module in ("contacts", "schedule"):
        made.adopt(module)
    return made


def _two_tables(workspace: Workspace, count: int) -> list[str]:
    """Adds so many people to the contacts, and as many others to the schedule; returns the first ones' ids."""
    fields = ("name", "email", "phone")
    rows = [[f"Person {n}", f"p{n}@example.org", f"555-{n}"] for n in range(count)]
    with workspace.edit("Contacts") as edit:
        found = edit.add_many(PEOPLE, fields, rows)
    with workspace.edit("Schedule") as edit:
        edit.add_many(ATTENDEES, fields, [[f"Attendee {n}", f"a{n}@example.org", ""] for n in range(count)])
    return found


def mappings(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    count = RECORDS
    for shared, must in ((0, 1.0), (count, 1.0)):
        workspace = _apart(scratch)
        found = _two_tables(workspace, count)
        if shared:
            with workspace.edit("All of them on the schedule too") as edit:
                for record in found:
                    edit.put(record, into=ATTENDEES)
        taken: list[float] = []
        for _ in range(2 if quick else times):
            taken.append(timed(lambda one=workspace: one.map_fields(NAME, OTHER_NAME), wall))
            workspace.unmap_fields(NAME, OTHER_NAME)
        what = "half of the second's in both" if shared else "nobody in both"
        work = f"confirm a mapping over two tables of {count:,}, {what}"
        yield at_most(f"map-{'both' if shared else 'apart'}", work, taken, "s wall", must=must)
        scratch.drop(workspace)


def edits(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    workspaces = [_apart(scratch) for _ in range(3)]
    records = [_two_tables(one, 1_000 if quick else RECORDS) for one in workspaces]
    workspaces[1].map_fields(NAME, OTHER_NAME)
    for at in range(0, len(records[2]), 2):
        if at < 2 * STEPS:
            with workspaces[2].edit() as edit:
                edit.refer(records[2][at], PHONE, records[2][at + 1], PHONE)
    laps = itertools.count()

    def steps(which: int, key: str, stride: int = 1) -> Callable[[], float]:
        def work() -> None:
            lap = next(laps)
            for record in records[which][: STEPS * stride : stride]:
                with workspaces[which].edit() as edit:
                    edit.set(record, {key: f"Look {lap}"})

        return lambda: timed(work) / STEPS * 1e6

    for name, key, ours, what in (
        ("edit-mapped", NAME, steps(1, NAME), "an edit of a mapped field"),
        ("edit-smart", PHONE, steps(2, PHONE, 2), "an edit through a smart field"),
    ):
        figures, floors = in_turns(ours, steps(0, key), times + 2)
        yield at_most(name, f"{what}, against one of a plain field", figures, "us CPU", must=1.5, floor=floors)
    for one in workspaces:
        scratch.drop(one)


def merges(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    workspace = _apart(scratch)
    taken: list[float] = []
    for turn in range(2 if quick else times):
        with workspace.edit() as edit:
            pair = [edit.add(PEOPLE, name=f"Twin {turn}") for _ in range(2)]
        for change in range(CHANGES):
            for record in pair:
                with workspace.edit() as edit:
                    edit.set(record, {PHONE: f"{record} {change}"})
        taken.append(timed(lambda one=pair: workspace.merge(*one), wall) * 1e3)
    yield at_most("merge", f"merge two records with {CHANGES} changes each", taken, "ms wall", must=10)
    scratch.drop(workspace)
