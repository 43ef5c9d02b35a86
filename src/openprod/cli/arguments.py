"""What people write behind a command: name=value, name:type, and the options several commands share.

Knows the form. Must not know what a field or type means: values go to the desk as typed.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

CHOICE = "choice"


def assignment(text: str) -> tuple[str, str]:
    """Returns (name, value) of `name=value`, both as typed; an empty value clears."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"'{text}' is not of the form name=value. Write it like label=\"Blackout, slow\".")
    return name.strip(), value


def field_spec(text: str) -> tuple[str, object]:
    """Returns (name, spec) of `name:type`, or of `name:choice=red,green`."""
    name, colon, kind = text.partition(":")
    if not colon or not name.strip() or not kind.strip():
        raise click.BadParameter(f"'{text}' is not of the form name:type. Write it like colour:text.")
    kind, equals, choices = kind.strip().partition("=")
    if not equals:
        return name.strip(), kind
    if kind != CHOICE:
        raise click.BadParameter(f"'{text}': only a choice lists what it offers, like state:choice=made,painted.")
    return name.strip(), {"type": kind, "choices": names(choices)}


def once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Returns pairs as a mapping; raises UsageError where a name stands twice."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise click.UsageError(f"'{name}' is given twice. Give it once.")
        found[name] = value
    return found


def names(text: str | None) -> list[str]:
    """Returns the parts of `a,b,c`."""
    return [one.strip() for one in (text or "").split(",") if one.strip()]
