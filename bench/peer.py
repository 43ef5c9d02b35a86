"""Openprod in the benchmark of its peers: the same steps and output keys as their scripts.

    python -m bench.peer STEP STORE [STORE2]        with WORKLOAD naming the workload's JSON

STEP is w2 | w1 | w3 | w4 | w5 | w6; a step prints one JSON object. Everything goes through the public Python interface:
every edit is checked, attributed, signed and on the disk (`synchronous=FULL`) before the next one begins.

The workload names its records cue000000 and up; ours are named by the ids they got, in the same order, which the import
writes beside the store (the file is no part of its size).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from openprod.model.bundle import Sealed
from openprod.workspace.opening import init_workspace, join_workspace, open_workspace
from openprod.workspace.workspace import Workspace

FIELDS = {
    "number": "text",
    "label": "text",
    "time_s": "float",
    "is_called": "bool",
    "page": "int",
    "department": "text",
    "notes": "text",
    "duration": "float",
}
TABLE = "workspace.cues"
PAGE = {
    "from": TABLE,
    "where": "department == 'LX' AND is_called == true",
    "select": {name: name for name in FIELDS},
    "sort": {"order": ["page", "number"]},
}
PAGE_ROWS = 100
now = time.perf_counter


# -- helpers


def workload() -> dict[str, Any]:
    return json.loads(Path(os.environ["WORKLOAD"]).read_text(encoding="utf-8"))


def size_of(store: Path) -> int:
    """Returns the bytes of the workspace and of this device's keys and marks."""
    return sum(path.stat().st_size for part in ("ws", "home") for path in (store / part).rglob("*") if path.is_file())


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def say(**found: object) -> None:
    print(json.dumps(found))


def spread(taken: Iterable[float]) -> dict[str, float]:
    """Returns what the table shows of many single edits."""
    ordered = sorted(taken)
    return {
        "p50_ms": round(ordered[len(ordered) // 2] * 1e3, 4),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1e3, 4),
        "edits_s": round(len(ordered) / sum(ordered), 1),
        "edits": len(ordered),
    }


def opened(store: Path) -> Workspace:
    return open_workspace(store / "ws", home=store / "home")


def names_of(store: Path) -> dict[str, str]:
    """Returns the workload's name of a record to our id."""
    return {f"cue{n:06}": one for n, one in enumerate(json.loads((store / "ids.json").read_text(encoding="utf-8")))}


def page(workspace: Workspace) -> list[object]:
    """Returns the ids of the first page, filtered and sorted; whole rows are read."""
    return [row["id"] for row in workspace.query(query=PAGE, limit=PAGE_ROWS)]


def is_page(found: list[object], store: Path, wanted: Iterable[list[str]]) -> bool:
    names = names_of(store)
    return any(found == [names[name] for name in page] for page in wanted)


def change(workspace: Workspace, names: dict[str, str], edits: list[list[Any]]) -> list[float]:
    """Makes single edits, each durable before the next; returns the seconds that each took."""
    taken: list[float] = []
    for name, field, value in edits:
        record = names[name]
        start = now()
        with workspace.edit() as edit:
            edit.set(record, {field: value})
        taken.append(now() - start)
    return taken


def newcomer(giver: Workspace, store: Path, invitation: str, bundles: list[Sealed]) -> Workspace:
    """Returns another person's workspace on another device, made from all that the giver holds."""
    keys = [(epoch, key) for epoch, key, _ in iter(giver.keys())]
    return join_workspace(invitation, store / "ws", bundles, keys, home=store / "home", person="Bob")


def weight(bundles: Iterable[Sealed]) -> int:
    return sum(len(one.header) + len(one.signature) + sum(map(len, one.chunks)) for one in bundles)


# -- steps


def w2(store: Path) -> None:
    records = workload()["records"]
    workspace = init_workspace(store / "ws", name="Bench", home=store / "home", person="Alice")
    workspace.create_table("cues", FIELDS, title="Cues")
    rows = [record[1:] for record in records]
    start = now()
    with workspace.edit("Import") as edit:
        ids = edit.add_many(TABLE, list(FIELDS), rows)
    taken = now() - start
    workspace.close()
    (store / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    say(s=taken, bytes=size_of(store), rss=peak_mb())


def w1(store: Path) -> None:
    work = workload()
    with opened(store) as workspace:
        taken = change(workspace, names_of(store), work["w1"])
        is_right = is_page(page(workspace), store, [work["q_w1"]])
        say(**spread(taken), ok=is_right, bytes_live=size_of(store))


def w3(store: Path, other: Path) -> None:
    work = workload()
    with opened(store) as giver:
        invitation = giver.invite("Bob")
        start = now()
        bundles = list(giver.bundles())
        joined = newcomer(giver, other, invitation, bundles)
        taken = now() - start
        is_right = is_page(page(joined), store, [work["q_w1"]])
        joined.close()
        say(s=taken, wire=weight(bundles), ok=is_right)


def w4(store: Path, other: Path) -> None:
    work = workload()
    shutil.rmtree(other)
    names = names_of(store)
    with opened(store) as alice, newcomer(alice, other, alice.invite("Bob"), list(alice.bundles())) as bob:
        change(alice, names, work["w4_a"])
        change(bob, names, work["w4_b"])
        start = now()
        there, back = list(alice.bundles(bob.frontier())), list(bob.bundles(alice.frontier()))
        bob.ingest(there)
        alice.ingest(back)
        taken = now() - start
        start = now()
        found = alice.conflicts()
        listed = now() - start
        wanted = {(names[name], f"{TABLE}.{field}"): set[object]() for name, field in work["w4_both"]}
        for name, field, value in (*work["w4_a"], *work["w4_b"]):
            if (names[name], f"{TABLE}.{field}") in wanted:
                wanted[names[name], f"{TABLE}.{field}"].add(value)
        whole = [
            one
            for one in found
            if {value["value"] for value in one["values"]} == wanted.get((one["record"], one["field"]))
            and {value["actor_name"] for value in one["values"]} == {"Alice", "Bob"}
        ]
        is_equal = alice.status()["state_hash"] == bob.status()["state_hash"]
        say(
            s=taken,
            wire=weight(there) + weight(back),
            equal=is_equal,
            conflicts=len(whole) if len(found) == len(whole) else 0,
            list_ms=listed * 1e3,
        )


def w5(store: Path) -> None:
    start = now()
    workspace = opened(store)
    found = page(workspace)
    taken = now() - start
    warm: list[float] = []
    for _ in range(20):
        start = now()
        page(workspace)
        warm.append(now() - start)
    rss = peak_mb()
    work = workload()
    is_right = is_page(found, store, [work["q_w2"], work["q_w1"]])
    say(s=taken, warm_ms=statistics.median(warm) * 1e3, rss=rss, ok=is_right)
    workspace.close()


def w6(store: Path) -> None:
    work = workload()
    name, field = work["w6_target"]
    record = names_of(store)[name]
    with opened(store) as workspace:
        taken: list[float] = []
        for _ in range(5):
            start = now()
            found = workspace.history(record, field)
            taken.append(now() - start)
        values = [op["value"] for entry in reversed(found) for op in entry["ops"]]
        say(
            values=len(values),
            ok=values == work["w6_values"],
            sample=[found[0]["actor_name"], found[0]["at"]],
            ms=statistics.median(taken) * 1e3,
            author=True,
            time=True,
        )


STEPS: dict[str, Callable[..., None]] = {"w1": w1, "w2": w2, "w3": w3, "w4": w4, "w5": w5, "w6": w6}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*map(Path, sys.argv[2:]))
