"""USITT ASCII (.asc): the cues of a light show, as ETC Expression, Eos, OLC and others write them.

Knows the keywords of the format and of those consoles, in any case and with any indent. Must not know which field a
column is; the lighting module says that (`[import.usitt]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from openprod.exchange.calling import SAID, Cue, called
from openprod.exchange.csv import decode_text
from openprod.exchange.sheet import Choice, Sheet, Unreadable, canonical_number, make_sheet

HEADER = (
    "List", "Cue", "Part", "Text", "Up", "Up delay", "Down", "Down delay", "Focus time", "Focus delay", "Color time",
    "Color delay", "Beam time", "Beam delay", "Follow", "Follow time", "Link", "Block", "Assert", "Rate", "Scene text",
    "Scene end", "Notes", "Called",
)  # fmt: skip
# Primary keywords: each ends the cue above it. A keyword of a maker begins with one $, the details of a record with $$.
PRIMARY = frozenset(
    {"cue", "group", "sub", "patch", "clear", "set", "ident", "manufacturer", "console", "enddata", "macro", "effect"}
)
TIMES = {
    "up": ("Up", "Up delay"), "down": ("Down", "Down delay"), "$$timeup": ("Up", "Up delay"),
    "$$timedown": ("Down", "Down delay"), "$$timefocus": ("Focus time", "Focus delay"),
    "$$timecolor": ("Color time", "Color delay"), "$$timebeam": ("Beam time", "Beam delay"),
}  # fmt: skip
FOLLOWS = {"followon": "follow", "$$follow": "follow", "$$hang": "hang"}
TEXTS = {"$$cuenotes": "Notes", "$$scenetext": "Scene text"}
MARKS = {"$$block": "Block", "$$intblock": "Block", "$$assert": "Assert"}
_WORD = re.compile(r"\s*(\$*[A-Za-z][A-Za-z0-9]*)(?:\s+(.*?))?\s*$")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_TIME = re.compile(r"[0-9]*\.?[0-9]+")
_HEAD = re.compile(r"^\s*(ident\s+3:|\$?cue\s+[0-9])", re.IGNORECASE | re.MULTILINE)


def is_usitt(head: str) -> bool:
    """Tells whether a text says that it is such a file, or is a block of cues cut out of one."""
    lines = [line for line in head.splitlines() if line.strip() and not line.lstrip().startswith("!")]
    return bool(lines) and _HEAD.match("\n".join(lines[:1])) is not None and "," not in lines[0]


@dataclass(slots=True)
class _Record:
    line: int
    values: dict[str, str] = field(default_factory=dict[str, str])
    has_unicode: bool = False


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the cues of a USITT ASCII file, one row for each cue and each part; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    reader = _Reader()
    for line, keyword, rest in _lines(text):
        if not reader.take(line, keyword, rest):
            break
    if not reader.found and not reader.bad:
        raise Unreadable("The file holds no cues: no line in it begins with Cue and a number.")
    if reader.others:
        count = ", ".join(sorted(reader.others))
        assumed.append(f"Only cues were read, without their levels; left out: {count}.")
    cues = [
        Cue(one["List"], one["Cue"], one.get("Part", ""), one.get("Follow", "none") != "none", _link(one))
        for one in (record.values for record in reader.found)
    ]
    for record, word in zip(reader.found, called(cues), strict=True):
        record.values.setdefault("Follow", "none")
        record.values["Called"] = word
    assumed.append(SAID.format(follow="follow-on or hang"))
    rows = ((one.line, [one.values.get(name, "") for name in HEADER]) for one in reader.found)
    return make_sheet(HEADER, rows, bad=reader.bad, assumed=assumed, derived=("Called",))


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    for line, whole in enumerate(text.splitlines(), 1):
        found = _WORD.fullmatch(whole)
        if found is not None:
            yield line, found[1].lower(), found[2] or ""


class _Reader:
    """Keywords on their way to cues."""

    def __init__(self) -> None:
        self.found: list[_Record] = []
        self.bad: list[tuple[int, str]] = []
        self.others: set[str] = set()
        self._cue: _Record | None = None
        self._list = "1"

    def take(self, line: int, keyword: str, rest: str) -> bool:
        """Takes one line; returns whether the data goes on."""
        if keyword == "enddata":
            return False
        if keyword in ("cue", "$cue"):
            self._begin(line, keyword, rest)
        elif keyword in ("$cuelist", "$sequence"):
            self._cue = None
            self._list = canonical_number(rest.split(maxsplit=1)[0]) if rest.split() else "1"
        elif keyword == "part" and self._cue is not None:
            self._begin_part(line, rest)
        elif keyword in PRIMARY or (keyword.startswith("$") and not keyword.startswith("$$")):
            self._cue = None
            if keyword not in ("clear", "set", "ident", "manufacturer", "console"):
                self.others.add(keyword)
        elif self._cue is not None:
            _add(self._cue, keyword, rest)
        return True

    def _begin(self, line: int, keyword: str, rest: str) -> None:
        """Begins a cue: `Cue 11`, Eos `Cue 11 2`, `Cue 11/1 2` (list last), OLC `$CUE 2 400.0` (list first)."""
        self._cue = None
        words = rest.split()
        numbers = [word for word in words if _NUMBER.fullmatch(word.partition("/")[0])]
        if not words or not numbers or words[0] != numbers[0]:
            self.bad.append((line, f"'{keyword} {rest[:40]}' has no cue number"))
            return
        first = words[0]
        number, _, part = first.partition("/")
        cue_list = self._list
        rest_words = words[1:]
        if (
            keyword == "$cue"
            and len(words) > 1
            and canonical_number(words[0]) == self._list
            and _NUMBER.fullmatch(words[1])
        ):
            number, rest_words = words[1], words[2:]
        elif rest_words and _NUMBER.fullmatch(rest_words[0]):
            cue_list, rest_words = canonical_number(rest_words[0]), rest_words[1:]
        if len(rest_words) > 1 and rest_words[0].lower() == "part":
            part = rest_words[1]
        values = {"List": "1" if cue_list == "0" else cue_list, "Cue": canonical_number(number)}
        if canonical_number(part) not in ("", "0"):
            values["Part"] = canonical_number(part)
        self._cue = _Record(line, values)
        self.found.append(self._cue)

    def _begin_part(self, line: int, rest: str) -> None:
        assert self._cue is not None
        if not _NUMBER.fullmatch(rest.partition(" ")[0]):
            self.bad.append((line, f"'Part {rest[:40]}' has no number"))
            return
        of = self._cue.values
        self._cue = _Record(
            line, {"List": of["List"], "Cue": of["Cue"], "Part": canonical_number(rest.partition(" ")[0])}
        )
        self.found.append(self._cue)


def _add(record: _Record, keyword: str, rest: str) -> None:
    """Adds one detail to a cue; what is not known is left out."""
    values = record.values
    words = rest.split()
    if keyword == "text":
        values.setdefault("Text", rest)
    elif keyword in ("$$text", "$$utext"):
        text = rest if keyword == "$$text" else _wide(words)
        if text:
            values["Text"] = text
    elif keyword in TIMES:
        _add_times(values, TIMES[keyword], words)
    elif keyword in FOLLOWS:
        if words and _TIME.fullmatch(words[0]):
            values["Follow"], values["Follow time"] = FOLLOWS[keyword], words[0]
    elif keyword in ("link", "$$link") and rest:
        values["Link"] = rest
    elif keyword in TEXTS:
        values[TEXTS[keyword]] = rest
    elif keyword in MARKS:
        values[MARKS[keyword]] = "I" if keyword == "$$intblock" else rest or "yes"
    elif keyword == "$$sceneend":
        values["Scene end"] = "yes"
    elif keyword == "$$rate":
        values["Rate"] = rest


def _add_times(values: dict[str, str], names: tuple[str, str], words: Sequence[str]) -> None:
    """Adds a time and a delay; a delay of nothing is no delay."""
    if words and _TIME.fullmatch(words[0]):
        values[names[0]] = canonical_number(words[0])
    if len(words) > 1 and _TIME.fullmatch(words[1]) and float(words[1]) > 0:
        values[names[1]] = canonical_number(words[1])


def _wide(words: Sequence[str]) -> str:
    """Returns the text that Eos writes in hexadecimal UTF-16; empty where it is none."""
    try:
        return bytes.fromhex("".join(words)).decode("utf-16-le").rstrip("\0")
    except ValueError:
        return ""


def _link(values: dict[str, str]) -> str:
    return canonical_number(values.get("Link", "").rpartition("/")[2])
