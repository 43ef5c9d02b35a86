"""Sentences as people read them."""

from __future__ import annotations

import pytest

from openprod.model.values import (
    BlobRef,
    Date,
    DateTime,
    Decimal,
    Duration,
    ListValue,
    Natural,
    RecordRef,
    Time,
    Value,
)
from openprod.workspace import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "cleared"),
        (True, "yes"),
        (False, "no"),
        (11, "11"),
        ("Dawn", '"Dawn"'),
        ("", '""'),
        (Natural("11.5A"), "11.5A"),
        (Decimal("1.50"), "1.50"),
        (Time("18:00"), "18:00"),
        (Date("2026-01-12"), "2026-01-12"),
        (DateTime("2026-01-12T18:00", "Europe/London"), "2026-01-12 18:00 Europe/London"),
        (DateTime("2026-01-12T18:00", ""), "2026-01-12 18:00"),
        (Duration(4_500_000), "4.5 s"),
        (Duration(90_000_000), "1:30"),
        (ListValue(("a", Natural("2"))), '"a", 2'),
        (RecordRef(bytes(16)), "a record"),
        (BlobRef(bytes(32), "plan.pdf", 10, "application/pdf"), "plan.pdf (10 bytes)"),
    ],
)
def test_each_kind_of_value_stands_in_a_sentence(value: Value, text: str) -> None:
    assert wording.value_text(value) == text


def test_long_texts_are_cut_and_lines_joined() -> None:
    assert wording.value_text("one\n  two") == '"one two"'
    long = wording.shortened("x" * 500)
    assert (len(long), long[-1]) == (wording.VALUE_CHARACTERS_MAX, "…")


def test_several_are_listed_as_people_do() -> None:
    assert [wording.joined(list(parts)) for parts in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_titles_of_fields_stand_small_but_not_abbreviations() -> None:
    assert wording.field_name("Call time") == "call time"
    assert wording.field_name("DMX address") == "DMX address"


def test_counts_agree_with_their_verbs() -> None:
    assert wording.waiting_notice("Ben", 1, 1) == (
        "1 change by Ben waits for 1 earlier one that has not arrived here yet."
    )
    assert wording.waiting_notice("Ben", 2, 3) == (
        "2 changes by Ben wait for 3 earlier ones that have not arrived here yet."
    )
    assert wording.unread_notice(1).startswith("1 change needs a newer version")
    assert wording.unread_notice(2).startswith("2 changes need a newer version")
