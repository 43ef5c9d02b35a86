"""Runs one scenario of `browser.mjs` in a real browser, on a real workspace behind the real server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openprod.server.app import Server
from openprod.workspace.workspace import Workspace

HERE = Path(__file__).resolve().parent
WEB = HERE.parents[1] / "web"
SECONDS_MAX = 90

Seen = dict[str, Any]
Play = Callable[[str], Seen]
Browser = tuple[str, tuple[str, ...]]


def played(workspace: Workspace, browser: Browser, scenario: str, shots: Path) -> Seen:
    """Runs one scenario of browser.mjs against a server of its own; codes travel on standard input."""
    shots = Path(os.environ.get("OPENPROD_SHOTS", shots))
    shots.mkdir(parents=True, exist_ok=True)
    with Server(workspace, export=lambda _: b"", state=workspace.home.path) as server:
        told = {
            "scenario": scenario,
            "browser": browser[0],
            "flags": browser[1],
            "web": str(WEB),
            "shots": str(shots),
            "entrances": [server.entrance() for _ in range(4)],
            "file": server.open_browser(lambda _: True).as_uri(),
        }
        done = subprocess.run(
            ["node", str(HERE / "browser.mjs")],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: Seen = json.loads(done.stdout)
    assert seen["elsewhere"] == []
    return seen
