"""Memory, disk, and the two things one does to a whole workspace: verify and rebuild."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, at_most, timed
from bench.stage import Scratch
from bench.writing import bring_in


def memory(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    del times
    found = _child("import", scratch, 10_000 if quick else 100_000)
    yield at_most(
        "memory-import",
        "memory after importing 100,000 x 8",
        [found["after"]],
        "MB",
        must=120,
        note=f"peak {found['peak']:.0f} MB with the input, {found['before']:.0f} MB before",
    )
    few, many = (_child("ingest", scratch, count) for count in ((40_000, 80_000) if quick else (500_000, 1_000_000)))
    grown = many["peak"] - few["peak"]
    yield at_most(
        "memory-ingest",
        "memory grown between 500,000 and 1,000,000 ops ingested",
        [grown],
        "MB",
        must=10,
        note=f"peak {few['peak']:.0f} and {many['peak']:.0f} MB",
    )


def _child(work: str, scratch: Scratch, count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", work, str(scratch.place("child")), str(count)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    return json.loads(done.stdout)


def disk(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    del times
    for count, must in ((10_000, 3.5), *(() if quick else ((100_000, 35),))):
        workspace = scratch.workspace()
        workspace.desk.db.checkpoint()
        bare = Path(workspace.desk.db.path).stat().st_size
        bring_in(workspace, count)
        workspace.desk.db.checkpoint()
        size = Path(workspace.desk.db.path).stat().st_size
        yield at_most(
            f"disk-{count}",
            f"disk that {count:,} x 8 take with the log",
            [(size - bare) / 1e6],
            "MB",
            must=must,
            note=f"the whole file {size / 1e6:.2f} MB, {bare / 1e6:.2f} of it there before",
        )
        scratch.drop(workspace)


def whole(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    count = 12_500 if quick else 125_000
    workspace = scratch.workspace()
    bring_in(workspace, count // 2)
    bring_in(workspace, count - count // 2, count)
    some = max(1, min(times // 2, 3))
    note = f"{some} turns, {count * 8:,} values"
    found = [timed(workspace.verify) for _ in range(some)]
    assert workspace.verify().is_sound
    yield at_most("verify", "verify of 10^6 values", found, "s CPU", must=60, note=note)
    found = [timed(workspace.rebuild) for _ in range(some)]
    yield at_most("rebuild", "rebuild of 10^6 values", found, "s CPU", must=60, note=note)
    scratch.drop(workspace)
