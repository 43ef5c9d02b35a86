"""Finding the line of a key in TOML."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from openprod.catalog.lines import key_lines, line_of

TEXT = '''# [not.a.header]
a = 1
b = """
c = 2
[d]
"""
[table . cues]  # comment
"quoted key" = 'x # no comment'
list = [
  "[", # ]
  { x = 1 },
]
dotted.key = 5

[[array.of]]
name = "one"
[[array.of]]
name = "two"
'''


def test_keys_stand_where_they_are_written() -> None:
    lines = key_lines(TEXT)
    assert lines == {
        ("a",): 2,
        ("b",): 3,
        ("table", "cues"): 7,
        ("table", "cues", "quoted key"): 8,
        ("table", "cues", "list"): 9,
        ("table", "cues", "dotted", "key"): 13,
        ("array", "of"): 15,
        ("array", "of", "name"): 16,
    }


def test_a_path_without_a_line_has_that_of_what_holds_it() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("table", "cues", "list", "x")) == 9
    assert line_of(lines, ("table",)) == 7
    assert line_of(lines, ("nothing", "here")) == 1


@given(st.text(alphabet="ab.=[]{}\"'#\n \\1", max_size=40))
def test_any_toml_is_followed_to_its_end(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    assert {path[0] for path in lines} == set(data)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
