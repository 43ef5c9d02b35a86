"""A person at a terminal: runs commands of the program in this process and keeps what they printed.

Each terminal has a state directory of its own, so two of them are two devices.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openprod.cli.main import main

HOME, WORKSPACE = "OPENPROD_HOME", "OPENPROD_WORKSPACE"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; raises ValueError where it is not just one."""
        return json.loads(self.out)


class Terminal:
    """One device: a state directory, and the production its commands are about.

    Args:
        home: the state directory.
        folder: the production's folder, which need not be there yet; None names none.
    """

    def __init__(self, home: Path, folder: Path | None) -> None:
        self.home = home
        self._named = folder

    @property
    def folder(self) -> Path:
        """The production's folder."""
        assert self._named is not None, "this terminal names no folder"
        return self._named

    def run(self, *arguments: str, stdin: str = "") -> Ran:
        """Runs a command and returns what came of it, whatever its status."""
        out, err = io.StringIO(), io.StringIO()
        with self._around(stdin), redirect_stdout(out), redirect_stderr(err):
            status = main([str(one) for one in arguments])
        return Ran(status, out.getvalue(), err.getvalue())

    def did(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        """Runs a command that must end with a status, and returns what it printed."""
        ran = self.run(*arguments, stdin=stdin)
        assert ran.status == status, f"openprod {' '.join(arguments)} gave {ran.status}: {ran.err}{ran.out}"
        return ran.out

    def asked(self, *arguments: str, status: int = 0) -> Any:
        """Runs a command with --json, and returns its document."""
        return json.loads(self.did("--json", *arguments, status=status))

    @contextmanager
    def _around(self, stdin: str) -> Generator[None]:
        kept = {name: os.environ.get(name) for name in (HOME, WORKSPACE)}
        before = sys.stdin
        os.environ[HOME] = str(self.home)
        os.environ[WORKSPACE] = "" if self._named is None else str(self._named)
        sys.stdin = io.StringIO(stdin)
        try:
            yield
        finally:
            sys.stdin = before
            for name, value in kept.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
