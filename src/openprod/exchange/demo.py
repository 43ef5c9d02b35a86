"""The demo production: finds the loader that ships beside the program and runs it.

Knows where the loader lies and what it offers. Must not know the production: its tables and words are in `demo/`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from openprod.model.errors import Missing
from openprod.store.packages import shipped

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

LOADER = "loader.py"


class NoDemo(Missing):
    """The program was installed without its demo."""

    code = "demo.missing"


class Loader(Protocol):
    """What `demo/loader.py` offers."""

    def build(self, path: str | Path, home: str | Path | None = None) -> Workspace:
        """Returns the demo in a folder, made if need be."""
        ...


def build_demo(path: str | Path, home: str | Path | None = None) -> Workspace:
    """Returns the demo production in a folder: opened if it is there, finished if its making was cut short, else made.

    Raises:
        NoDemo: the loader is not where it ships.
        Refused: the folder holds something else; nothing was changed.
    """
    file = shipped("demo") / LOADER
    spec = importlib.util.spec_from_file_location("openprod_demo", file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise NoDemo(f"The demo is not there: {file} is missing. Install Openprod again.")
    loader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loader)
    return cast("Loader", loader).build(path, home)
