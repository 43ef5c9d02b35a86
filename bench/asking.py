"""Pages, the two answers of the demo, and a cold start of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from bench.measure import Line, at_most, in_turns, middle, timed, wall
from bench.stage import TABLE, Scratch
from bench.writing import bring_in
from openprod.exchange.demo import build_demo
from openprod.workspace.workspace import Workspace

PAGE = {
    "from": TABLE,
    "where": "cue_status == 'placed' AND line > 10",
    "select": {name: name for name in ("number", "label", "page", "cue_status")},
    "sort": {"order": ["label", "-number"]},
}
BY_HAND = """SELECT e.uuid, c."number", c."label", c."page", c."cue_status" FROM "lighting.cues" AS c
 JOIN entity AS e ON e.eid = c."~eid" WHERE c."cue_status" = 'placed' AND c."line" > 10
 ORDER BY c."label" COLLATE NOCASE, c."label", c."number~" DESC, e.uuid LIMIT 100 OFFSET 200"""
BY_NUMBER = {**PAGE, "where": "cue_status == 'placed'", "sort": {"order": ["number"]}}
INDEX = """CREATE INDEX "ux~bench" ON "lighting.cues"("cue_status", "number~")"""


def pages(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    del quick
    for count, laps in ((10_000, 20), (100_000, 5)):
        workspace = scratch.workspace(durable=False)
        bring_in(workspace, count)

        def ours(workspace: Workspace = workspace, laps: int = laps) -> float:
            return timed(lambda: [workspace.query(query=PAGE, limit=100, offset=200) for _ in range(laps)]) / laps * 1e3

        def floor(workspace: Workspace = workspace, laps: int = laps) -> float:
            return timed(lambda: [workspace.desk.db.rows(BY_HAND) for _ in range(laps)]) / laps * 1e3

        ours()
        figures, floors = in_turns(ours, floor, times)
        work = f"page of 100 of {count:,}, filtered and sorted (floor: the SQL by hand)"
        yield at_most(f"page-{count}", work, figures, "ms CPU", must=2, floor=floors)
        workspace.desk.db.execute(INDEX)
        workspace.desk.db.optimize()
        found = [
            timed(
                lambda workspace=workspace: [
                    workspace.query(query=BY_NUMBER, limit=100, offset=200) for _ in range(100)
                ]
            )
            * 10
            for _ in range(times)
        ]
        yield at_most(f"page-index-{count}", f"page of 100 of {count:,} with an index", found, "ms CPU", must=0.5)
        scratch.drop(workspace)


def first_calls(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    del quick
    workspace = build_demo(scratch.place("demo"), scratch.path / "home")
    laps = 5
    found = workspace.query("schedule.first_calls")
    figures = [
        timed(lambda: [workspace.query("schedule.first_calls") for _ in range(laps)]) / laps * 1e3 for _ in range(times)
    ]
    work = f"first call of everybody for two weeks, with every reason ({len(found)} rows)"
    yield at_most("calls", work, figures, "ms CPU", must=15, aim=5)
    scratch.drop(workspace)


def cold(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    workspace = scratch.workspace(durable=False)
    bring_in(workspace, 10_000 if quick else 100_000)
    path = workspace.path
    workspace.close()
    # As people run it: byte code is kept, wherever this process was told not to.
    environment = {**os.environ, "OPENPROD_HOME": str(scratch.path / "home")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(scratch.path / "pycache")

    def run(*words: str) -> float:
        start = wall()
        subprocess.run([sys.executable, *words], check=True, env=environment, cwd=path, stdout=subprocess.DEVNULL)
        return wall() - start

    show = ("-m", "openprod.cli.main", "show", "lighting.cues:11")
    run(*show)
    figures, floors = in_turns(lambda: run(*show), lambda: run("-c", "pass"), times + 2)
    yield at_most(
        "cold-show", "cold `openprod show lighting.cues:11` (floor: an empty Python)", figures, "s wall", must=0.4
    )
    wanted = "openprod.cli.main, openprod.cli.showing, openprod.workspace.opening"
    code = f"import time; a = time.process_time(); import {wanted}; print(time.process_time() - a)"
    shares = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
            ).stdout
        )
        for _ in range(times + 2)
    ]
    yield at_most(
        "cold-imports", f"of which imports (an empty Python takes {middle(floors):.3f} s)", shares, "s CPU", must=0.15
    )
