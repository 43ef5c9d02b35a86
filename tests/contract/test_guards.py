"""The guards of the house bite: each is shown what it must refuse, and refuses it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ASKED_FOR_A_BROWSER = """\
def test_browser(chromium: str) -> None:
    assert chromium
"""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("import time\n\nSEEN = time.time()", "TID251"),
        ("from datetime import UTC, datetime\n\nSEEN = datetime.now(UTC)", "TID251"),
        ("import uuid\n\nSEEN = uuid.uuid4()", "TID251"),
        ("import random\n\nSEEN = random.random()", "TID251"),
        ("import random\n\nrandom.shuffle([])", "TID251"),
        ('print("seen")', "T201"),
    ],
    ids=["time", "now", "uuid4", "random", "shuffle", "print"],
)
def test_clock_chance_and_print_are_refused_outside_their_doors(line: str, code: str) -> None:
    ruff = shutil.which("ruff", path=Path(sys.executable).parent)
    assert ruff is not None
    asked = (
        ruff,
        "check",
        "--no-cache",
        "--output-format",
        "concise",
        "--stdin-filename",
        "src/openprod/merge/guarded.py",
        "-",
    )
    said = subprocess.run(asked, cwd=ROOT, input=line + "\n", capture_output=True, text=True, check=False)
    assert f" {code} " in said.stdout


def run_browser_test(folder: Path, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """Runs one test that asks for the browser, on a machine that has none."""
    shutil.copy(ROOT / "tests" / "e2e" / "conftest.py", folder / "conftest.py")
    (folder / "test_browser.py").write_text(ASKED_FOR_A_BROWSER, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser\n", encoding="utf-8")
    # The conftest takes its helpers from the tests of this checkout.
    env = {"PATH": str(folder), "HOME": str(folder), "PYTHONPATH": str(ROOT)} | ({"CI": "true"} if ci else {})
    command = (sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", folder)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.skipif(
    sys.platform == "darwin", reason="Chrome is found at a fixed place on macOS, so it cannot be hidden"
)
@pytest.mark.parametrize("ci", [False, True], ids=["at a person's", "in CI"])
def test_a_missing_browser_is_said_plainly_and_is_a_failure_in_ci(tmp_path: Path, *, ci: bool) -> None:
    ended = run_browser_test(tmp_path, ci=ci)
    assert "No Chromium or Chrome is installed here, so the browser tests did not run." in ended.stdout
    assert ended.returncode == (1 if ci else 0)
    assert ("1 skipped" in ended.stdout) is not ci


def test_every_make_target_that_people_are_told_of_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = {
        target
        for document in ("README.md", "CONTRIBUTING.md")
        for target in re.findall(
            r"(?:`|^    )make ([a-z-]+)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"run", "test"} <= told <= targets


@pytest.mark.parametrize(
    ("python3", "sentence"),
    [
        (None, "Openprod needs Python 3.11 or newer: install it"),
        ("exit 1", "and Openprod needs 3.11 or newer: install it"),
        ('case "$*" in *ensurepip*) exit 1 ;; esac', "(its venv module is missing)"),
    ],
    ids=["no python", "an old python", "a python without venv"],
)
def test_a_missing_tool_gets_a_sentence_that_says_what_to_do(
    tmp_path: Path, python3: str | None, sentence: str
) -> None:
    stub = tmp_path / "python3"
    if python3 is not None:
        stub.write_text(f"#!/bin/sh\n{python3}\n", encoding="utf-8")
        stub.chmod(0o755)
    make = shutil.which("make")
    assert make is not None
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    asked = (make, "-f", ROOT / "Makefile", f"PYTHON={stub}", ".venv/.stamp-venv")
    said = subprocess.run(asked, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert sentence in said.stdout
    assert not (tmp_path / ".venv").exists()
