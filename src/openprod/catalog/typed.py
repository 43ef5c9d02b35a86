"""What every reader of typed values needs: how a value is refused, and how text is looked at before it is read."""

from __future__ import annotations

import re
from typing import NoReturn, TypeAlias

from openprod.catalog.tables import Field
from openprod.model.errors import Refused
from openprod.model.values import Value, is_value, plain

# A value, and what was assumed in reading it, if anything.
Parsed: TypeAlias = tuple[Value, str | None]

NUMBER_CHARACTERS_MAX = 60
_SHOWN_CHARACTERS = 40
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
NUMBER_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


class FieldRefused(Refused):
    """What was given for a field is no value of its type; the sentence says what to write instead."""

    code = "field.refused"

    def __init__(self, field: Field, raw: object, why: str) -> None:
        self.field = field.key
        self.raw = raw
        super().__init__(f"{field.title} ({field.key}): {why}")


def refuse(field: Field, raw: object, why: str) -> NoReturn:
    """Raises FieldRefused."""
    raise FieldRefused(field, raw, why)


def shown(raw: object) -> str:
    """Returns something that was typed or given, short and in quotation marks, for a sentence."""
    text = str(plain(raw)) if is_value(raw) else str(raw)
    return f"'{text[:_SHOWN_CHARACTERS]}…'" if len(text) > _SHOWN_CHARACTERS else f"'{text}'"


def text_of(field: Field, raw: object, what: str) -> str:
    """Returns a text without the spaces around it; raises FieldRefused for anything else, saying what it is not."""
    if type(raw) is not str:
        refuse(field, raw, f"{shown(raw)} is {what}.")
    return raw.strip()
