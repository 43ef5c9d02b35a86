"""Terminals for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal
from openprod.workspace.opening import open_workspace


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of somebody whose production uses the modules of stage management, none joined to another."""
    made = Terminal(tmp_path / "home", tmp_path / "hamlet")
    made.did("init", str(made.folder), "--name", "Hamlet", "--person", "Ann Ash")
    with open_workspace(made.folder, home=made.home) as workspace:
        for module in ("contacts", "script", "casting", "schedule", "lighting", "sound", "sm"):
            workspace.adopt(module)
    return made


@pytest.fixture
def joined(tmp_path: Path) -> Terminal:
    """A terminal of somebody who started a production with the stage management template."""
    made = Terminal(tmp_path / "home", tmp_path / "hamlet")
    made.did("init", str(made.folder), "--name", "Hamlet", "--template", "stage-management", "--person", "Ann Ash")
    return made


@pytest.fixture
def other(terminal: Terminal, tmp_path: Path) -> Terminal:
    """A second device, whose person joined from a file."""
    made = Terminal(tmp_path / "home-2", tmp_path / "hamlet-2")
    invitation = terminal.did("invite")
    stick = str(tmp_path / "join.opx")
    terminal.did("sync", stick)
    made.did("join", "-", str(made.folder), "--from", stick, "--person", "Bob Birch", stdin=invitation)
    return made
