"""Finds a browser and node for the tests of this folder, or says in one sentence why they do not run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_browser() -> str | None:
    named = os.environ.get("OPENPROD_BROWSER")
    if named:
        return named
    on_path = next((found for name in BROWSERS if (found := shutil.which(name)) is not None), None)
    return on_path or next((path for path in MAC_BROWSERS if Path(path).exists()), None)


@pytest.fixture(scope="session")
def browser() -> str:
    found, node = find_browser(), shutil.which("node")
    if found is None or node is None:
        missing = "Chromium or Chrome" if found is None else "node"
        sentence = f"no {missing} on this machine, so nothing was tried in a real browser"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found
