"""The list of other people's work is what the lock files say, with every licence text that must travel."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def the_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("third_party", ROOT / "tools" / "third_party.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_third_party_is_written_from_the_lock_files_as_they_are() -> None:
    if not (ROOT / "web" / "node_modules").is_dir():
        pytest.skip("web/node_modules is not there; make test sets it up")
    written = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert written == the_tool().third_party(), "make notices writes it anew"


def test_the_typeface_the_play_and_every_bundled_package_have_their_terms() -> None:
    written = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in written
    assert "Open Source Shakespeare" in written
    assert "CC0 1.0 Universal" in written
    listed = re.findall(
        r"^\| (\S+) \|", written.partition("## Inside the web pages")[2].partition("## Python")[0], re.MULTILINE
    )
    assert [name for name in listed if name != "package" and f"\n### {name} " not in written] == []
