"""On which line of a TOML text each key stands, so that a problem can be pointed at.

Knows just enough of TOML to follow headers, keys, brackets and texts over several lines; the text has been read by
tomllib before and is TOML. Must not know what the keys mean.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Keys: TypeAlias = "dict[tuple[str, ...], int]"

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*"
_HEADER = re.compile(rf"\s*\[\[?({_DOTTED})\]\]?")
_ASSIGNMENT = re.compile(rf"({_DOTTED})=")
_PART = re.compile(_KEY)
# What a value is made of as far as brackets and ends of lines go.
_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}' + r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'" + r"|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)


def key_lines(text: str) -> Keys:
    """Returns the line, counted from 1, of every key's path; keys of inline tables stand where these begin."""
    lines: Keys = {}
    prefix: tuple[str, ...] = ()
    at = 0
    number = 1
    while at < len(text):
        header = _HEADER.match(text, at)
        assignment = None if header else _ASSIGNMENT.match(text, at)
        if header is not None:
            prefix = _parts(header[1])
            lines.setdefault(prefix, number + text.count("\n", at, header.start(1)))
        elif assignment is not None:
            lines.setdefault(prefix + _parts(assignment[1]), number + text.count("\n", at, _begin(assignment)))
        end = _statement_end(text, header.end() if header else assignment.end() if assignment else at)
        number += text.count("\n", at, end)
        at = end
    return lines


def line_of(lines: Keys, path: tuple[str, ...]) -> int:
    """Returns the line of a path, or of the longest part of it that stands somewhere; 1 if none does."""
    for length in range(len(path), 0, -1):
        found = lines.get(path[:length])
        if found is not None:
            return found
        inside = [line for key, line in lines.items() if key[:length] == path[:length]]
        if inside:
            return min(inside)
    return 1


def _begin(assignment: re.Match[str]) -> int:
    return assignment.end(1) - len(assignment[1].lstrip())


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _PART.findall(dotted))


def _statement_end(text: str, at: int) -> int:
    """Returns where the line after a statement begins, texts and brackets over several lines passed over."""
    depth = 0
    for piece in _PIECE.finditer(text, at):
        mark = piece[0]
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "\n" and depth <= 0:
            return piece.end()
    return len(text)
