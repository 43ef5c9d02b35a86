"""The order of cue numbers, scene numbers and decimals."""

from __future__ import annotations

import random
from decimal import Decimal as PyDecimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprod.model.natural import (
    decimal_key,
    decimal_normal,
    natural_key,
    natural_normal,
    outline_key,
    outline_normal,
    roman_number,
)

CUES = ["0", "0.5", "0.7", "1", "2", "9.9", "10", "11", "11A", "11B", "11.05", "11.1", "11.5", "11.5A", "11.5A2",
        "11.5A10", "11.5B", "11.51", "11.6", "12", "100", "1000", "INT", "POST", "PRE", "Q2", "Q11"]  # fmt: skip
SCENES = ["1", "1.1", "1.2", "1.9", "1.9.1", "1.9A", "1.9B", "1.10", "II", "II.9", "II.9A", "II.10", "III.1", "IV.1",
          "V.1", "9.1", "X.1", "11.2", "Epilogue", "Prologue"]  # fmt: skip


def test_cue_numbers_come_in_the_order_a_stage_manager_calls_them() -> None:
    assert sorted(_shuffled(CUES), key=natural_key) == CUES


def test_scene_numbers_are_compared_part_by_part() -> None:
    assert sorted(_shuffled(SCENES), key=outline_key) == SCENES


@pytest.mark.parametrize("text", ["11.1", "11.10", "011.100", " 11.1 "])
def test_zeros_around_a_cue_number_do_not_matter(text: str) -> None:
    assert natural_key(text) == natural_key("11.1")
    assert natural_normal(text) == "11.1"


def test_a_cue_number_may_begin_with_its_point() -> None:
    assert natural_key(".5") == natural_key("0.50")


def test_case_orders_alike_but_stays_a_difference() -> None:
    assert natural_key("11a") != natural_key("11A")
    assert natural_key("11A") < natural_key("11a") < natural_key("11B")
    assert natural_normal("11a") != natural_normal("11A")


def test_free_text_comes_after_every_number() -> None:
    assert natural_key("99999999") < natural_key("PRE")
    assert natural_key("-5") > natural_key("7")


def test_scene_one_is_not_scene_ten_in_an_outline() -> None:
    assert outline_normal("1.1") != outline_normal("1.10")
    assert outline_normal("01.09") == "1.9"


def test_a_roman_part_counts_as_its_number_but_stays_roman() -> None:
    assert outline_key("2.8") < outline_key("II.9A") < outline_key("2.10")
    assert outline_key("II.9") != outline_key("2.9")


@pytest.mark.parametrize(("text", "number"), [("I", 1), ("IV", 4), ("IX", 9), ("XIV", 14), ("XXXIX", 39)])
def test_roman_numerals_are_read(text: str, number: int) -> None:
    assert roman_number(text) == number


@pytest.mark.parametrize("text", ["", "IIII", "C", "D", "ii", "A", "IIA", "VX"])
def test_what_is_no_small_roman_numeral_is_letters(text: str) -> None:
    assert roman_number(text) is None


def test_text_that_is_no_decimal_has_no_place_among_decimals() -> None:
    assert decimal_key("1e5") is None
    assert decimal_key("-") is None
    assert decimal_normal("1e5") == "1e5"


plain_numbers = st.from_regex(r"[0-9]{1,30}(\.[0-9]{1,6})?", fullmatch=True)
decimals = st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,6})?", fullmatch=True)


@given(plain_numbers, plain_numbers)
def test_numbers_order_by_their_value(a: str, b: str) -> None:
    assert (natural_key(a) < natural_key(b)) == (PyDecimal(a) < PyDecimal(b))
    assert (natural_key(a) == natural_key(b)) == (PyDecimal(a) == PyDecimal(b))


@given(decimals, decimals)
def test_decimals_order_by_their_value(a: str, b: str) -> None:
    key_a, key_b = decimal_key(a), decimal_key(b)
    assert key_a is not None
    assert key_b is not None
    assert (key_a < key_b) == (PyDecimal(a) < PyDecimal(b))
    assert (decimal_normal(a) == decimal_normal(b)) == (PyDecimal(a) == PyDecimal(b)) == (key_a == key_b)


@given(plain_numbers, st.from_regex(r"[A-Z]{1,3}", fullmatch=True))
def test_letters_come_after_their_number_and_before_the_next(number: str, letters: str) -> None:
    assert natural_key(number) < natural_key(number + letters) < natural_key(_next(number))


@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["", "A", "B", "AB"])), min_size=1, max_size=4), st.data()
)
def test_outlines_order_as_their_lists_of_parts(parts: list[tuple[int, str]], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.sampled_from([*parts, (1, ""), (2, "A"), (10, "")]), min_size=1, max_size=4))
    text_a = ".".join(f"{number}{letters}" for number, letters in parts)
    text_b = ".".join(f"{number}{letters}" for number, letters in other)
    assert (outline_key(text_a) < outline_key(text_b)) == (parts < other)


@given(st.text(), st.text())
def test_any_text_has_a_place_and_equal_places_are_equal_forms(a: str, b: str) -> None:
    assert (natural_key(a) == natural_key(b)) == (natural_normal(a) == natural_normal(b))
    assert (outline_key(a) == outline_key(b)) == (outline_normal(a) == outline_normal(b))


mixed = st.text(alphabet='01.9aAIV !"#~-', max_size=8)


@given(mixed, mixed)
def test_equal_places_are_equal_forms_for_awkward_text(a: str, b: str) -> None:
    assert (natural_key(a) == natural_key(b)) == (natural_normal(a) == natural_normal(b))
    assert (outline_key(a) == outline_key(b)) == (outline_normal(a) == outline_normal(b))


@given(mixed)
def test_a_normal_form_is_its_own_normal_form(a: str) -> None:
    assert natural_normal(natural_normal(a)) == natural_normal(a)
    assert outline_normal(outline_normal(a)) == outline_normal(a)


@given(mixed, mixed)
def test_byte_order_is_text_order(a: str, b: str) -> None:
    assert (natural_key(a) < natural_key(b)) == (natural_key(a).encode() < natural_key(b).encode())


def _next(number: str) -> str:
    """Returns the number one step of the last written digit later."""
    whole, _, fraction = number.partition(".")
    digits = str(int(whole + fraction) + 1).rjust(len(fraction) + 1, "0")
    return f"{digits[: -len(fraction)]}.{fraction and digits[-len(fraction) :]}" if fraction else digits


def _shuffled(texts: list[str]) -> list[str]:
    return random.Random(1).sample(texts, len(texts))
