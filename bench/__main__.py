"""Runs the benches and prints their table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator

from bench import asking, care, files, importing, same, together, writing
from bench.measure import Line
from bench.stage import Scratch, scratch
from bench.trend import keep

Bench = Callable[..., Iterator[Line]]

BENCHES: dict[str, Bench] = {
    "import": writing.imports,
    "edit": writing.edits,
    "received": writing.as_received,
    "eights": writing.in_eights,
    "conflicts": writing.conflicts,
    "mappings": same.mappings,
    "same": same.edits,
    "merges": same.merges,
    "page": asking.pages,
    "calls": asking.first_calls,
    "cold": asking.cold,
    "memory": care.memory,
    "disk": care.disk,
    "care": care.whole,
    "hash": writing.hash_share,
    "blob": files.blobs,
    "search": files.search,
    "past": files.past,
    "text": together.texts,
    "list": together.orders,
    "staging": importing.staging,
    "reading": importing.reading,
    "overlays": importing.overlays,
    "paper": importing.papers,
    "million": importing.million,
}


def main() -> int:
    """Returns 0 where every must is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(BENCHES), help="only this bench; may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer turns, and not the sizes that take minutes")
    parser.add_argument("--times", type=int, default=7, help="turns of each, at least 5 for figures to quote")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--keep", action="store_true", help="keep them for this release, in docs/speeds.json and .md")
    options = parser.parse_args()
    times = 3 if options.quick else options.times
    lines: list[Line] = []
    out = sys.stderr if options.json else sys.stdout
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", file=out)
    print(HEAD, file=out)
    with scratch() as place:
        for name in options.only or BENCHES:
            for line in run(BENCHES[name], place, times, quick=options.quick):
                lines.append(line)
                print(row(line), file=out, flush=True)
    if options.json:
        print(
            json.dumps([{name: getattr(line, name) for name in line.__dataclass_fields__} for line in lines], indent=1)
        )
    if options.keep:
        keep(lines)
    missed = [line.name for line in lines if not line.is_met]
    if missed:
        print(f"\nNot met: {', '.join(missed)}", file=out)
    return 1 if missed else 0


def run(bench: Bench, place: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    yield from bench(place, times, quick=quick)


HEAD = f"{'work':<74} {'figure':>22} {'floor':>10} {'ratio':>7}  {'must':<16} {'':<4} {'aim':<12}"


def row(line: Line) -> str:
    """Returns a line of the table."""
    figure = f"{line.figure:,.4g} {line.unit}" if line.figure < 1000 else f"{line.figure:,.0f} {line.unit}"
    floor = f"{line.floor:,.4g}" if line.floor is not None else ""
    ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
    mark = "yes" if line.is_met else "NO"
    aim = "" if line.is_aim_met is None else f"{line.aim} {'yes' if line.is_aim_met else 'no'}"
    note = f"  {line.note}" if line.note else ""
    return f"{line.work:<74} {figure:>22} {floor:>10} {ratio:>7}  {line.demand:<16} {mark:<4} {aim:<12}{note}"


if __name__ == "__main__":
    sys.exit(main())
