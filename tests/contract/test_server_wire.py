"""What is generated from the list of calls is what is checked in."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.server.describe import API_FILE, WIRE_FILE, api, wire
from openprod.server.every import CALLS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("name", "made"), [(API_FILE, api), (WIRE_FILE, wire)])
def test_generated_files_are_those_the_calls_make(name: str, made: object) -> None:
    assert callable(made)
    assert (ROOT / name).read_text(encoding="utf-8") == made(), "run: python -m openprod.server.describe"


def test_every_call_is_documented_and_typed_for_the_page() -> None:
    documented, typed = api(), wire()
    for name, call in CALLS.items():
        assert f"### `{name}`" in documented
        assert f'"{name}":' in typed
        assert call.about.endswith(".")
