"""What `make bench` keeps: a figure or ratio for each work by release, and the page that shows them side by side.

Prints and writes, never judges: that is `bench/__main__.py`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Line

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "speeds.json"
PAGE = ROOT / "docs" / "speeds.md"
HEAD = """# Speeds by release

Written by `make bench`, which keeps what it measured for the release that it is run in (`docs/speeds.json`); no test
asserts any of it. A figure followed by × is a ratio to a floor measured in the same run, so that machines can be
compared; others are in their own unit, and as much the machine's as ours. What was demanded and is missed:
[0013](decisions/0013-speeds-not-reached.md) and [0016](decisions/0016-beside-the-peers.md).

"""

Kept = dict[str, dict[str, dict[str, object]]]


def keep(lines: Sequence[Line]) -> None:
    """Takes measured lines into the figures of this release, in place of older ones of it, and writes the page anew."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found: Kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    release = found.setdefault(version, {})
    for line in lines:
        figure = line.figure if line.ratio is None else line.ratio
        unit = line.unit if line.ratio is None else "×"
        release[line.name] = {"work": line.work, "figure": float(f"{figure:.3g}"), "unit": unit, "must": line.demand}
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(HEAD + page(found), encoding="utf-8")


def page(found: Kept) -> str:
    """Returns the table: a row a work, a column a release, the newest last."""
    works = {name: one for release in found.values() for name, one in release.items()}
    rows = [f"| work | {' | '.join(found)} | must |", "|" + "---|" * (len(found) + 2)]
    for name, one in works.items():
        cells = [
            f"{release[name]['figure']:,} {release[name]['unit']}" if name in release else ""
            for release in found.values()
        ]
        rows.append(f"| {one['work']} | {' | '.join(cells)} | {one['must']} |")
    return "\n".join(rows) + "\n"
