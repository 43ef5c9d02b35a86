"""The tour is followed word by word: every command of it runs, and shows what the text says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
HEADING = "## A tour of five minutes\n"
MARK = "\x1f"


def lines_of(text: str) -> list[str]:
    """Returns the commands of a text's shell blocks, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def follow(lines: list[str], folder: Path) -> dict[str, list[tuple[int, str]]]:
    """Runs commands one after the other in one shell; returns, by command, each status and what was printed."""
    script = "\n".join(f"{line}\nprintf '{MARK}%s{MARK}' \"$?\"" for line in lines)
    program = Path(sys.executable).parent
    environment = {
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(folder), "HOME": str(folder), "TZ": "UTC"
    }  # fmt: skip
    done = subprocess.run(
        ["sh"], input=script, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    parts = done.stdout.split(MARK)
    found: dict[str, list[tuple[int, str]]] = {}
    for line, said, status in zip(lines, parts[0::2], parts[1::2], strict=False):
        found.setdefault(line, []).append((int(status), said))
    assert len(parts) == 2 * len(lines) + 1, done.stdout[-2_000:]
    return found


def test_the_tour_can_be_followed_word_by_word(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    ran = follow(lines_of(text), tmp_path)
    odd = {line: status for line, runs in ran.items() for status, _ in runs if status}
    assert odd == {'openprod sync "$TOUR/stick.opx"': 3}, ran
    assert [status for status, _ in ran['openprod sync "$TOUR/stick.opx"']] == [0, 0, 3, 0, 0]

    (_, question), *_ = ran["openprod conflicts"]
    for promised in re.findall(r"^    (\S.*|\s+\*?\d .*)$", text, re.MULTILINE):
        assert promised.strip() in question

    states = [re.findall(r"state +([0-9a-f]{32})", said)[0] for _, said in ran["openprod status"]]
    assert len(states) == 2
    assert states[0] == states[1]
    assert "All is sound" in ran["openprod verify"][0][1]
    assert 'decided: "Dawn"' in ran["openprod history lighting.cues:11 label"][0][1]
    calls = ran["openprod query schedule.first_calls --param date=2026-01-13 --limit 5"][0][1]
    assert "RICHARD in 1.1" in calls
    assert "Hastings' head" in ran["openprod show workspace.props"][0][1]
