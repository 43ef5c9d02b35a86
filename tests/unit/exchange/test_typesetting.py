"""Layouts of modules: set in a process of their own that opens nothing and has only what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.exchange.export import NotWritten
from openprod.exchange.typesetting import Layout, typeset


def pdf(text: str, **others: bytes) -> bytes:
    files = {"paper/x.typ": text.encode(), **{name.replace("__", "."): raw for name, raw in others.items()}}
    return typeset(Layout("paper/x.typ", files), '{"a": "b"}', title="Cues")


def test_a_layout_has_its_data_and_the_files_of_its_module() -> None:
    text = '#import "two.typ": word\n#let data = json(bytes(sys.inputs.data))\n#data.a #word #include "/three.typ"'
    files = {"paper/x.typ": text.encode(), "paper/two.typ": b"#let word = [c]", "three.typ": b"d"}
    assert typeset(Layout("paper/x.typ", files), '{"a": "b"}', title="Cues").startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('#read("/etc/hostname")', "Cues cannot be set on paper"),
        ('#read("../../../../etc/hostname")', "Cues cannot be set on paper"),
        ('#import "@preview/cetz:0.3.1"', "Cues cannot be set on paper"),
        ("#let x = ", "Cues cannot be set on paper"),
        ("#while true {}", "Cues cannot be set on paper"),
    ],
)
def test_a_layout_that_wants_more_or_has_a_mistake_is_refused_with_what_it_is(text: str, words: str) -> None:
    with pytest.raises(NotWritten, match=words):
        pdf(text)


def test_a_file_of_this_device_is_not_there_for_a_layout(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(NotWritten):
        pdf(f'#read("{tmp_path}/secret.txt")')


def test_a_layout_that_is_not_there_or_takes_too_long_is_said_so() -> None:
    with pytest.raises(NotWritten, match="not among the module's files"):
        typeset(Layout("paper/y.typ", {}), "{}", title="Cues")
    endless = b"#for i in range(99999) { for j in range(99999) { let x = i * j } }"
    with pytest.raises(NotWritten, match="longer than 1 seconds"):
        typeset(Layout("x.typ", {"x.typ": endless}), "{}", title="Cues", seconds=1)
