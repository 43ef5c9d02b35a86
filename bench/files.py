"""Files kept by hash, words found in all tables, and the past asked again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Line, at_most, in_turns, timed, wall
from bench.stage import Scratch
from bench.writing import bring_in, small_bundles
from openprod.workspace.workspace import Workspace

WORDS = ("LX 11", "look 4242", "scene", "rehearsed 7", "l", "when 12 turns", "LX 5", "placed 77", "no such word")
FILE_MIB = 256


def blobs(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Adding a file against copying it, each on the disk when it is done."""
    workspace = scratch.workspace()
    source = scratch.place("film")
    with source.open("wb") as file:
        for _ in range(16 if quick else FILE_MIB):
            file.write(os.urandom(1 << 20))

    def ours() -> float:
        kept = workspace.desk.blobs
        took = timed(lambda: kept.add(source), wall)
        for one in list(kept.all()):
            kept.path(one.hash).unlink()
        return took * 1e3

    def floor() -> float:
        target = scratch.place("copy")
        took = timed(lambda: _copied(source, target), wall)
        target.unlink()
        return took * 1e3

    ours()
    figures, floors = in_turns(ours, floor, times)
    mib = source.stat().st_size >> 20
    yield at_most(
        "blob", f"a file of {mib} MiB kept (floor: copied and synced)", figures, "ms wall", must=2, floor=floors
    )
    scratch.drop(workspace)


def _copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def search(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Words in many records: the first time, again, and after an edit."""
    count = 10_000 if quick else 100_000
    workspace = scratch.workspace(durable=False)
    bring_in(workspace, count)
    first = [timed(lambda: workspace.search(WORDS[0])) * 1e3]
    yield at_most("search-first", f"the first search in {count:,} records", first, "ms CPU", must=5_000)
    figures = [timed(lambda text=text: workspace.search(text)) * 1e3 for _ in range(times) for text in WORDS]
    size_mb = workspace.desk.words.size_bytes() / 1e6
    work = f"a search in {count:,} records, the median of {len(WORDS)} kinds"
    yield at_most("search", work, figures, "ms CPU", must=5, note=f"index {size_mb:.1f} MB")

    def after_an_edit(number: int) -> float:
        with workspace.edit() as edit:
            edit.set("lighting.cues:77", {"label": f"Moonrise {number}"})
        return timed(lambda: workspace.search(f"moonrise {number}")) * 1e3

    edited = [after_an_edit(number) for number in range(times)]
    yield at_most("search-edited", f"a search in {count:,} records after an edit", edited, "ms CPU", must=20)
    scratch.drop(workspace)


def past(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """A moment of the past over many small changes: the first look, and again."""
    count = 1_250 if quick else 12_500
    source = scratch.workspace(durable=False)
    found = bring_in(source, count)
    workspace = scratch.joined(source, durable=False)
    workspace.ingest(small_bundles(source, found))
    workspace.milestone("Then")
    with workspace.edit() as edit:
        edit.set("lighting.cues:77", {"label": "after"})
    query = {"from": "lighting.cues", "where": "page == 7"}

    def look() -> float:
        def asked() -> None:
            with workspace.at("Then") as then:
                then.query(query=query)

        return timed(asked) * 1e3

    first = [_anew(workspace, look) for _ in range(3)]
    ops = count * 8
    yield at_most(
        "past-first", f"a query as of a milestone over {ops:,} ops, the first time", first, "ms CPU", must=2_000
    )
    again = [look() for _ in range(times)]
    yield at_most("past-again", f"a query as of a milestone over {ops:,} ops, again", again, "ms CPU", must=50)
    for one in (source, workspace):
        scratch.drop(one)


def _anew(workspace: Workspace, look: Callable[[], float]) -> float:
    workspace.desk.moments.forget()
    return look()
