"""The browser that the tests in this folder drive: an installed Chromium or Chrome, never a downloaded one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.play import Browser, Play, played
from tests.e2e.stage import set_up

from openprod.workspace.workspace import Workspace

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# Without the quiet ones Chromium looks up its maker's hosts at every start.
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed_browser() -> str | None:
    """Returns the path of an installed Chromium or Chrome; `OPENPROD_CHROMIUM` names another one."""
    named = os.environ.get("OPENPROD_CHROMIUM")
    found = [path for path in (named, *map(shutil.which, NAMES)) if path]
    if MAC.is_file():
        found.append(str(MAC))
    return found[0] if found else None


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. Where there is none the tests say so and do not run; with `CI=true` that is a failure."""
    browser = installed_browser()
    if browser is not None:
        return browser
    sentence = "No Chromium or Chrome is installed here, so the browser tests did not run."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def chromium_flags() -> tuple[str, ...]:
    """The flags to start it with, each time with a new and empty `--user-data-dir`."""
    return (*FLAGS, "--no-sandbox") if os.geteuid() == 0 else FLAGS  # its sandbox refuses to run for root


@pytest.fixture
def browser(chromium: str, chromium_flags: tuple[str, ...]) -> Browser:
    return chromium, chromium_flags


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Workspace]:
    with set_up(tmp_path) as workspace:
        yield workspace


@pytest.fixture
def play(show: Workspace, browser: Browser, tmp_path: Path) -> Play:
    return lambda scenario: played(show, browser, scenario, tmp_path / "shots")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test here as a browser test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
