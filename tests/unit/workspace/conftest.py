"""A company for every test of this room."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.unit.workspace.company import Company


@pytest.fixture
def company(tmp_path: Path) -> Generator[Company]:
    """Devices in a folder of their own, closed in the end."""
    with Company(tmp_path) as made:
        yield made
