"""A TOML document taken apart strictly: every problem is noted with file, line and key, and all are raised at once.

Knows TOML's kinds and how a problem is said. Must not know what a manifest or a template holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import TypeAlias, cast

from msgspec import Struct

from openprod.catalog.lines import Keys, key_lines, line_of
from openprod.catalog.tables import either, near_names
from openprod.model.errors import Refused

Raw: TypeAlias = "dict[str, object]"

NAME_CHARACTERS_MAX = 60
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOML_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class Problem(Struct, frozen=True):
    """One thing wrong in a manifest: where, and a sentence that says what and what to do."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        """The problem on one line, as compilers write them."""
        return f"{self.file}:{self.line}: {self.key + ': ' if self.key else ''}{self.text}"


class ManifestError(Refused):
    """A manifest cannot be used; `problems` has everything that is wrong with it."""

    code = "manifest.invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class Reader:
    """A TOML document with the lines of its keys, that collects problems while its parts are taken out."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._text = text
        self._lines: Keys | None = None
        try:
            self.data: Raw = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            # Not only what tomllib calls wrong: also a number of thousands of digits, or brackets without end.
            self.data = {}
            place = _TOML_POSITION.search(str(error))
            line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
            what = _TOML_POSITION.sub("", str(error))
            self.problems.append(Problem(file, line, "", f"this is not TOML: {what}. Mend the line."))
            self.finish()

    def finish(self) -> None:
        """Raises ManifestError if there were problems."""
        if self.problems:
            raise ManifestError(sorted(self.problems, key=lambda problem: problem.line))

    def problem(self, path: tuple[str, ...], text: str) -> None:
        """Notes a problem at a key."""
        if self._lines is None:
            self._lines = key_lines(self._text)
        self.problems.append(Problem(self.file, line_of(self._lines, path), ".".join(path), text))

    def mapping(self, path: tuple[str, ...], raw: object) -> Raw:
        """Returns a TOML table, or an empty one and a problem."""
        if isinstance(raw, dict):
            return cast("Raw", raw)
        self.problem(path, f"this must be a table, not {_kind(raw)}.")
        return {}

    def text(self, path: tuple[str, ...], data: Raw, key: str, default: str = "") -> str:
        """Returns a text that may be missing."""
        raw = data.get(key, default)
        if isinstance(raw, str):
            return raw
        self.problem((*path, key), f"this must be a text in quotes, not {_kind(raw)}.")
        return default

    def flag(self, path: tuple[str, ...], data: Raw, key: str) -> bool:
        """Returns true or false; missing is false."""
        raw = data.get(key, False)
        if isinstance(raw, bool):
            return raw
        self.problem((*path, key), f"this must be true or false, not {_kind(raw)}.")
        return False

    def texts(self, path: tuple[str, ...], data: Raw, key: str) -> tuple[str, ...]:
        """Returns a list of texts; missing is an empty one."""
        raw = data.get(key, [])
        items = _items(raw)
        if all(isinstance(item, str) for item in items):
            return tuple(map(str, items))
        self.problem((*path, key), f'this must be a list of texts like ["a", "b"], not {_kind(raw)}.')
        return ()

    def one_of(self, path: tuple[str, ...], data: Raw, key: str, allowed: Sequence[str]) -> str:
        """Returns one of the allowed texts; missing is the first of them."""
        found = self.text(path, data, key, allowed[0])
        if found in allowed:
            return found
        self.problem((*path, key), f"'{found}' is not known here. Write {either(allowed)}.")
        return allowed[0]

    def known(self, path: tuple[str, ...], data: Raw, allowed: Sequence[str]) -> None:
        """Notes every key that is not allowed, with near names."""
        for key in data:
            if key not in allowed:
                near = near_names(key, allowed)
                hint = f"Did you mean {either(near)}?" if near else f"Known here: {', '.join(allowed)}."
                self.problem((*path, key), f"there is no key '{key}' here. {hint}")

    def name(self, path: tuple[str, ...], name: str, what: str) -> bool:
        """Tells whether a name can be one; notes a problem if not."""
        if _NAME.fullmatch(name) is not None and len(name) <= NAME_CHARACTERS_MAX:
            return True
        self.problem(
            path, f"'{name}' cannot be the name of a {what}: use small letters, digits and _, beginning with a letter."
        )
        return False

    def path(self, path: tuple[str, ...], data: Raw, key: str, default: str = "") -> str:
        """Returns the path of a file in the package; it may not lead out of it."""
        found = self.text(path, data, key, default)
        if is_inside(found):
            return found
        self.problem((*path, key), f"'{found}' must be a path inside the package, with / and without '..'.")
        return default


def is_inside(path: str) -> bool:
    """Tells whether a path is one of a file below the package's folder."""
    parts = path.split("/")
    return (
        "\\" not in path and ":" not in path and not path.startswith("/") and ".." not in parts and path.isprintable()
    )


def _items(raw: object) -> list[object]:
    return cast("list[object]", raw) if isinstance(raw, list) else [None]


def _kind(raw: object) -> str:
    match raw:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list like this"
        case dict():
            return "a table"
        case _:
            return "a date or time"
