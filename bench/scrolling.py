"""CPU of a scroll step of the page beside the prototype's, in one Chromium: `python -m bench.scrolling [FOLDER]`.

FOLDER holds the prototype's `grid-core.js` and `grid-core.css`; the must is 1.2 times its figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.conftest import FLAGS, installed_browser
from tests.e2e.stage import set_up

from openprod.server.app import Server

HERE = Path(__file__).resolve().parent
PROTOTYPE = HERE.parents[1] / "shared" / "design" / "ui" / "proto"
MUST = 1.2


def measured(prototype: Path, rows: int) -> dict[str, float]:
    """Returns milliseconds of CPU for one scroll step over that many rows, ours and the prototype's."""
    with tempfile.TemporaryDirectory() as folder, set_up(Path(folder), rows) as workspace:
        with Server(workspace, export=lambda _: b"", state=workspace.home.path) as server:
            told = {
                "browser": installed_browser(),
                "flags": [*FLAGS, "--no-sandbox"],
                "web": str(HERE.parent / "web"),
                "entrance": server.entrance(),
                "prototype": str(prototype),
                "rows": rows,
            }
            done = subprocess.run(
                ["node", str(HERE / "scrolling.mjs")],
                input=json.dumps(told),
                capture_output=True,
                text=True,
                check=True,
            )
        return json.loads(done.stdout)


def main() -> int:
    """Prints a line for 10,000 and one for 100,000 rows; returns 1 where the must is missed."""
    prototype = Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOTYPE
    is_met = True
    for rows in (10_000, 100_000):
        found = measured(prototype, rows)
        ratio = found["ours"] / found["prototype"]
        is_met &= ratio <= MUST
        print(f"{rows:>7} rows: {found['ours']:.1f} ms a step, prototype {found['prototype']:.1f}, ratio {ratio:.2f}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
