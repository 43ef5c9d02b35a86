"""What several change at once: long texts, long ordered lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from bench.measure import Line, at_most, in_turns, timed, wall
from bench.stage import Scratch

KEYSTROKES = 10_000
ENTRIES = 10_000
STEPS = 50
MODULE = """\
[module]
name = "line"
version = "1.0.0"
title = "Line"

[table.lists.fields]
name = "text"

[relation.order]
source = "lists"
target_hint = ["lists"]
ordered = true
"""


def texts(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    count = 1_000 if quick else KEYSTROKES
    workspace = scratch.workspace()
    with workspace.edit() as edit:
        cue = edit.add("lighting.cues", number="1", notes="Standby")
    for at in range(count):
        with workspace.edit() as edit:
            edit.text(cue, "notes").insert(at % 50, "x")
    desk = workspace.desk

    def opened() -> None:
        desk.forget()
        with workspace.edit() as edit:
            assert len(edit.text(cue, "notes").text) == count + len("Standby")

    taken = [timed(opened, wall) for _ in range(times)]
    yield at_most("text-open", f"open a text of {count:,} keystrokes", taken, "s wall", must=0.2)
    scratch.drop(workspace)


def orders(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    workspace = scratch.workspace()
    folder = scratch.place("line")
    folder.mkdir()
    (folder / "module.toml").write_text(MODULE, encoding="utf-8")
    workspace.adopt(str(folder))
    with workspace.edit() as edit:
        of = edit.add("line.lists", name="Show")
        records = edit.add_many("line.lists", ["name"], [[f"Entry {n}"] for n in range(1_000 if quick else ENTRIES)])
    with workspace.edit() as edit:
        entries = [edit.relate(of, "line.order", record) for record in records]
    laps = itertools.count()

    def moves() -> None:
        lap = next(laps)
        for step in range(STEPS):
            with workspace.edit() as edit:
                edit.move(entries[step], after=entries[(lap * 37 + step * 101 + 500) % len(entries)])

    def inserts() -> None:
        lap = next(laps)
        for step in range(STEPS):
            with workspace.edit() as edit:
                place = entries[(lap * 37 + step * 101) % len(entries)]
                edit.relate_records(of, "line.order", records[step], {}, after=place)

    def plain() -> None:
        lap = next(laps)
        for step in range(STEPS):
            with workspace.edit() as edit:
                edit.set(records[step], {"name": f"Entry {lap}"})

    for name, work, what in (("list-move", moves, "move"), ("list-insert", inserts, "insert")):
        figures, floors = in_turns(_each(work), _each(plain), times)
        yield at_most(
            name, f"{what} in a list of {len(entries):,}, against a plain edit", figures, "us CPU", must=2, floor=floors
        )
    scratch.drop(workspace)


def _each(work: Callable[[], None]) -> Callable[[], float]:
    return lambda: timed(work) / STEPS * 1e6
