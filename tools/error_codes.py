"""Writes docs/errors.md from the error classes of the program: code, by whose doing, what happened.

Imports every module of the package once and looks at the classes under `OpenprodError`; run it after adding an error:
`.venv/bin/python tools/error_codes.py`. tests/contract/test_docs.py compares.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import openprod
from openprod.model.errors import Damaged, Missing, OpenprodError, PeerFault, Refused

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"

HEAD = """\
# Error codes

Whatever the program cannot do it says in a sentence: what, why, and what to do next. Behind each sentence stands a
code, for programs: `error.code` in Python, `{"error": {"code", "message"}}` from the command line with `--json` and
from the local server. Codes do not change; sentences may.

| kind | means |
|---|---|
| Refused | what was asked for is not allowed or not possible. Nothing was written |
| Missing | what was asked for is not here. Nothing was written |
| Damaged | stored bytes fail a check. What is damaged is named, and nothing made of it is shown as right |
| PeerFault | bytes from outside broke the form or failed a proof. They were dropped |

On the command line each of these is exit status 1. Beside them the command line says `usage` (status 2, a command was
not understood), `system` (the operating system refused a file or a disk) and `unexpected` (a fault of ours: please
report it).

| code | kind | when | raised in |
|---|---|---|---|
"""


def error_classes() -> list[type[OpenprodError]]:
    """Returns every error class of the package that has a code of its own, by code, then name."""
    for module in pkgutil.walk_packages(openprod.__path__, "openprod."):
        importlib.import_module(module.name)
    return sorted(_below(OpenprodError), key=lambda one: (one.code, one.__module__, one.__name__))


def _below(parent: type[OpenprodError]) -> Iterator[type[OpenprodError]]:
    if parent.__module__.startswith("openprod.") and "code" in vars(parent):
        yield parent
    for child in parent.__subclasses__():
        yield from _below(child)


def kind_of(error: type[OpenprodError]) -> str:
    """Returns which of the four kinds an error is; empty for their common root."""
    return next((kind.__name__ for kind in (Refused, Missing, Damaged, PeerFault) if issubclass(error, kind)), "")


def page() -> str:
    """Returns the text of docs/errors.md."""
    rows: dict[str, str] = {}
    for error in error_classes():
        sentence = inspect.getdoc(error) or ""
        first = " ".join(sentence.split("\n\n", maxsplit=1)[0].split()).replace("|", "\\|")
        place = "/".join(error.__module__.split(".")[1:]) + ".py"
        rows[error.code] = f"| `{error.code}` | {kind_of(error)} | {first} | `{place}` |"
    return HEAD + "\n".join(rows[code] for code in sorted(rows)) + "\n"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
