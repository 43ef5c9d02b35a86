"""What is measured in a process of its own, for its memory: `python -m bench.child import|ingest FOLDER COUNT`."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.stage import Scratch, author
from bench.writing import bring_in
from openprod.model.bundle import Sealed
from openprod.model.ids import id_from_text
from openprod.model.ops import Set

KEYS = tuple(
    f"lighting.cues.{name}" for name in ("mark", "block", "link", "curve", "intent", "effects", "mode", "scene_text")
)


def main() -> None:
    work, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir()
    scratch = Scratch(folder)
    print(json.dumps(WORKS[work](scratch, count)))


def held() -> float:
    """Returns the megabytes this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """Returns the most megabytes this process ever held."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


def import_many(scratch: Scratch, count: int) -> dict[str, float]:
    workspace = scratch.workspace()
    before = held()
    bring_in(workspace, count)
    gc.collect()
    return {"before": before, "after": held(), "peak": peak()}


def ingest_many(scratch: Scratch, count: int) -> dict[str, float]:
    workspace = scratch.workspace()
    found = [id_from_text(text) for text in bring_in(workspace, 10_000)]
    writer = author(workspace)
    before = held()

    def bundles() -> Iterator[Sealed]:
        """Yields bundles of eight ops, each over what the record's bundle before wrote; none is kept here."""
        tips: list[bytes] = [b""] * len(found)
        for n in range(count // 8):
            at = n % len(found)
            ops = [Set(0, (0, 1), (key,), (0, key) if tips[at] else (), f"word {n} {key}") for key in range(8)]
            yield writer.seal(ops, KEYS, found[at], tips[at])
            tips[at] = writer.tip or b""

    report = workspace.ingest(bundles())
    assert report.applied == count // 8, report
    return {"before": before, "after": held(), "peak": peak()}


WORKS = {"import": import_many, "ingest": ingest_many}

if __name__ == "__main__":
    main()
