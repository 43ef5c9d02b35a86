"""Openprod: the paperwork of a theatre production, kept once, on everybody's own machine.

Knows the public names and where they live; loads each on first use, so `import openprod` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openprod.model.errors import OpenprodError

__all__ = ["OpenprodError"]

_HOMES = {"OpenprodError": "openprod.model.errors"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'openprod' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
