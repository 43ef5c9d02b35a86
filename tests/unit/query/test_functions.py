"""What generated statements ask of Python."""

from __future__ import annotations

import pytest

from openprod.catalog.names import SqlValue
from openprod.model.values import Decimal, FieldRef, ListValue, encode_value
from openprod.query.functions import (
    SQL_FUNCTIONS,
    contains,
    key,
    like,
    list_has,
    matches,
    pattern,
    search_words,
    text,
    total,
)


def test_wrong_typed_values_match_nothing_and_raise_nothing() -> None:
    for value in (b"\x92\x02", b"\xc1", None, 5, 1.5):
        assert matches(value, ".*") == 0
        assert like(value, "%") == 0
        assert contains(value, "x") == 0
        assert list_has(value, "x") == 0


def test_a_pattern_that_cannot_be_read_says_why() -> None:
    with pytest.raises(ValueError, match=r"missing \)"):
        pattern("(")


def test_a_hostile_pattern_takes_no_time_worth_speaking_of() -> None:
    assert matches("a" * 20_000 + "b", "(a+)+") == 0
    assert like("a" * 5_000, "%é".join("%a" for _ in range(20))) == 0


def test_search_words_are_folded_and_may_only_begin_a_word() -> None:
    assert search_words("Crème  BRÛLÉE* x-y* *") == "creme brulee* x y*"
    assert contains("x y-axis", "x y") == 1
    assert contains("straße", search_words("STRASSE")) == 1


def test_lists_are_looked_into() -> None:
    stored = encode_value(ListValue(("dark", 5, Decimal("1.50"))))
    assert [list_has(stored, item) for item in ("dark", 5, "1.50", "quiet")] == [1, 1, 1, 0]


def test_values_become_text_in_templates() -> None:
    stored: tuple[tuple[str, SqlValue, str | None], ...] = (
        ("bool", 1, "yes"),
        ("bool", 0, "no"),
        ("int", 5, "5"),
        ("float", 2.0, "2"),
        ("float", 2.5, "2.5"),
        ("duration", 1_500_000, "1.5s"),
        ("text", "x", "x"),
        ("text", None, None),
        ("text", encode_value(5), "5"),
        ("list", encode_value(ListValue(("a", True, None))), "a, yes"),
        ("field", encode_value(FieldRef(bytes(16), "m.a.x")), "00000000-0000-0000-0000-000000000000"),
        ("text", encode_value(None), None),
        ("text", b"\xc1", None),
    )
    for kind, value, expected in stored:
        assert text(kind, value) == expected


def test_sums_of_decimals_are_exact() -> None:
    assert total('["0.1","0.2"]') == "0.3"
    assert total('["1.50","-2"]') == "-0.50"
    assert total('["1","2"]') == "3"
    assert total("[]") is None
    assert total(None) is None


def test_keys_are_made_of_numbers_and_texts() -> None:
    assert key("natural", 11) == key("natural", "11.0")
    assert key("decimal", "x") is None
    assert key("outline", 1.5) == key("outline", "1.5")
    assert key("natural", b"") is None


def test_every_function_is_registered_with_its_number_of_arguments() -> None:
    for name, (function, count) in SQL_FUNCTIONS.items():
        assert name.startswith("openprod_")
        assert function.__code__.co_argcount == count
