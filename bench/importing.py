"""Files in: staged and committed, previewed, the same again, formats, a million lines; queries in overlays."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import cast

from openpyxl import Workbook as Book
from openpyxl import load_workbook

from bench.measure import Line, at_most, cpu, in_turns, timed, wall
from bench.stage import FIELDS, TABLE, Scratch, rows
from bench.writing import bring_in, floor_of
from openprod.exchange import paper
from openprod.exchange.csv import read_csv
from openprod.exchange.formats import FORMATS, read_here
from openprod.exchange.listing import of_query
from openprod.exchange.sheet import Choice
from openprod.exchange.stage import import_bytes
from openprod.workspace.workspace import Workspace

NAME = "cues.csv"
LARGE = 1_000_000
MEMORY_MB = 250
QUERIES = (
    'is_called == true OR label LIKE "%look 77%"',
    'page >= "40" AND page <= "60"',
    'cue_status == "locked"',
)


def file_of(count: int, first: int = 1) -> bytes:
    """Returns light cues as a CSV file of eight columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    writer.writerows(rows(count, first))
    return text.getvalue().encode()


def imported(workspace: Workspace, raw: bytes) -> None:
    """Imports a file as people do: planned, staged, committed."""
    staged = import_bytes(workspace, raw, NAME, TABLE)
    for overlay in staged.stage():
        overlay.commit(staged.label)


def staging(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Yields the lines of ten thousand: staged and committed, matched against many, the same file again."""
    del quick
    raw = file_of(10_000)
    floor = floor_of(scratch, 10_000)

    def staged_and_committed() -> float:
        workspace = scratch.workspace()
        staged = import_bytes(workspace, raw, NAME, TABLE)
        taken = timed(lambda: [overlay.commit() for overlay in staged.stage()])
        scratch.drop(workspace)
        return taken

    figures, floors = in_turns(staged_and_committed, floor, times)
    yield at_most("stage", "10,000 records staged and committed, wide rows", figures, "s", must=7, floor=floors)

    workspace = scratch.workspace()
    bring_in(workspace, 100_000)
    changed = raw.replace(b"Look 5", b"Other 5")
    previews = [
        timed(lambda: import_bytes(workspace, changed, "other.csv", TABLE).preview(), wall) for _ in range(times)
    ]
    yield at_most("preview", "10,000 lines against 100,000 records, preview", previews, "s", must=1.5)
    scratch.drop(workspace)

    first: list[float] = []
    again: list[float] = []
    for _ in range(times):
        workspace = scratch.workspace()
        first.append(timed(lambda workspace=workspace: imported(workspace, raw)))
        again.append(timed(lambda workspace=workspace: imported(workspace, raw)))
        scratch.drop(workspace)
    yield at_most("again", "10,000 lines again, unchanged, against the first time", again, "s", must=0.5, floor=first)


def reading(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Yields the lines of reading a format against what its library needs to read it raw."""
    del scratch, quick
    raw = file_of(50_000)

    def raw_csv() -> list[list[str]]:
        return list(csv.reader(io.StringIO(raw.decode(), newline="")))

    figures, floors = in_turns(lambda: timed(lambda: read_csv(raw)), lambda: timed(raw_csv), times)
    yield at_most("csv", "CSV of 50,000 x 8, Python's csv", figures, "s", must=1.5, floor=floors)

    book = _workbook()

    def raw_book() -> None:
        sheet = load_workbook(io.BytesIO(book), read_only=True, data_only=True).worksheets[0]
        for _ in sheet.iter_rows(values_only=True):
            pass

    ours = in_turns(lambda: timed(lambda: read_here(FORMATS["xlsx"], book, Choice())), lambda: timed(raw_book), times)
    yield at_most("xlsx", "XLSX of 5,000 x 8, openpyxl", ours[0], "s", must=1.5, floor=ours[1])


def _workbook() -> bytes:
    made = Book(write_only=True)
    sheet = made.create_sheet("Cues")
    sheet.append(list(FIELDS))
    for row in rows(5_000):
        sheet.append(row)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def million(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Yields the memory of importing a million lines, in a process of its own."""
    del times
    count = LARGE // 10 if quick else LARGE
    file = scratch.place("million").with_suffix(".csv")
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(FIELDS)
        for first in range(1, count + 1, 1_000):
            writer.writerows(rows(1_000, first))
    code = (
        "import resource, sys, openprod\n"
        "from openprod.exchange.stage import import_file\n"
        "seen = []\n"
        "ws = openprod.init(sys.argv[1], name='Bench', template='stage-management', home=sys.argv[2])\n"
        "found = import_file(ws, sys.argv[3], sys.argv[4], progress=lambda done, total: seen.append(done / total))\n"
        "assert seen == sorted(seen) and seen[-1] == 1, 'the bar is wrong'\n"
        "found.commit(progress=lambda done, total: seen.append(done))\n"
        "assert ws.count(sys.argv[4]) == int(sys.argv[5])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == 'darwin' else 1024))\n"
    )
    arguments = (str(scratch.place("ws")), str(scratch.place("home")), str(file), TABLE, str(count))
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    file.unlink()
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2_000:])
    yield at_most("million", f"{count:,} CSV lines imported, memory in all", [float(ran.stdout)], "MB", must=MEMORY_MB)


def papers(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Yields the line of a list of forty pages on paper."""
    del quick
    workspace = scratch.workspace()
    bring_in(workspace, 1_600)
    now = dt.datetime.now(dt.UTC)
    listing = of_query(workspace, "lighting.cue_sheet")
    (own,) = (one for one in paper.papers(workspace) if one.name == "lighting.cue_sheet")
    for what, layout in (("as every list", None), ("with its module's layout", paper.layout_of(workspace, own))):
        raw = paper.write(workspace, listing, now, layout=layout)
        pages = max(map(int, re.findall(rb"/Count (\d+)", raw)))
        taken = [
            timed(lambda layout=layout: paper.write(workspace, listing, now, layout=layout), wall) for _ in range(times)
        ]
        yield at_most("paper", f"{pages} pages of cues as PDF, {what}", taken, "s", must=2)
    scratch.drop(workspace)


def overlays(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """Yields the lines of queries in an overlay that touches 1,000 of 100,000 records, against the production."""
    del quick
    workspace = scratch.workspace()
    ids = bring_in(workspace, 100_000)
    overlay = workspace.new_overlay("bench")
    with overlay.edit("Touch") as edit:
        for record in ids[::100]:
            edit.set(record, {"label": "Touched"})
    overlay.count(TABLE)
    for query in QUERIES:

        def asked(view: object, query: str = query) -> Callable[[], object]:
            return lambda: cast("Workspace", view).query(query, from_=TABLE)

        figures, floors = in_turns(
            lambda asked=asked: timed(asked(overlay), cpu), lambda asked=asked: timed(asked(workspace), cpu), times
        )
        yield at_most("overlay", f"in an overlay of 1,000: {query}"[:74], figures, "s", must=1.5, floor=floors)
    overlay.discard()
    scratch.drop(workspace)
