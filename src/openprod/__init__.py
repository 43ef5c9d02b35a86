"""Openprod: the paperwork of a theatre production, kept once, on everybody's own machine.

Knows the public names and where they live; loads each on first use, so `import openprod` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openprod.model.errors import OpenprodError
    from openprod.workspace.opening import init_workspace as init
    from openprod.workspace.opening import join_workspace as join
    from openprod.workspace.opening import open_workspace as open
    from openprod.workspace.workspace import Workspace

__all__ = ["OpenprodError", "Workspace", "init", "join", "open"]

_HOMES = {
    "OpenprodError": ("openprod.model.errors", "OpenprodError"),
    "Workspace": ("openprod.workspace.workspace", "Workspace"),
    "init": ("openprod.workspace.opening", "init_workspace"),
    "join": ("openprod.workspace.opening", "join_workspace"),
    "open": ("openprod.workspace.opening", "open_workspace"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'openprod' has no attribute {name!r}")
    home, real = _HOMES[name]
    return getattr(importlib.import_module(home), real)
