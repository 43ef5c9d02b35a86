"""What people write behind a command: name=value, name:type, and the options several commands share.

Knows the form. Must not know what a field or type means: values go to the desk as typed.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

CHOICE = "choice"


class Assignments(click.ParamType[object]):
    """One `name=value`."""

    name = "field=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str] | object:
        """Returns (name, value) as typed; an empty value clears."""
        if not isinstance(value, str):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            self.fail(f"'{value}' is not of the form name=value. Write it like label=\"Blackout, slow\".", param, ctx)
        return name.strip(), text


class FieldSpec(click.ParamType[object]):
    """One `name:type`, or `name:choice=red,green`."""

    name = "name:type"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, object] | object:
        """Returns (name, spec)."""
        if not isinstance(value, str):
            return value
        name, colon, kind = value.partition(":")
        if not colon or not name.strip() or not kind.strip():
            self.fail(f"'{value}' is not of the form name:type. Write it like colour:text.", param, ctx)
        kind, equals, choices = kind.strip().partition("=")
        if not equals:
            return name.strip(), kind
        if kind != CHOICE:
            self.fail(f"'{value}': only a choice lists what it offers, like state:choice=made,painted.", param, ctx)
        return name.strip(), {"type": kind, "choices": [one.strip() for one in choices.split(",") if one.strip()]}


ASSIGNMENT = Assignments()
FIELD_SPEC = FieldSpec()


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
