"""The real files of ../shared/data. The folder lies beside the project, not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def folder() -> Path:
    """Returns the folder, or says that it is missing; under CI that is a failure."""
    if not DATA.is_dir():
        sentence = "The real files are not here: shared/data is looked for beside the project."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return DATA


def bytes_of(name: str) -> bytes:
    """Returns the bytes of one file."""
    return (folder() / name).read_bytes()
