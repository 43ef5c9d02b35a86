"""Values: their bytes, when two are the same, their plain form, their limits."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprod.model.values import (
    NESTING_MAX,
    BlobRef,
    Date,
    DateTime,
    Decimal,
    Duration,
    FieldRef,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Time,
    Value,
    ValueRefused,
    check_value,
    check_values,
    decode_value,
    encode_value,
    is_value,
    plain,
    sort_key,
    value_key,
)

RECORD = bytes(range(16))
GOLDEN: list[tuple[Value, str]] = [
    (None, "c0"),
    (True, "c3"),
    (11, "0b"),
    (1.5, "cb3ff8000000000000"),
    ("Dawn", "a44461776e"),
    (Decimal("1.50"), "9201a4312e3530"),
    (Natural("11.5A"), "9202a531312e3541"),
    (Outline("II.9A"), "9203a549492e3941"),
    (Date("2026-01-12"), "9204aa323032362d30312d3132"),
    (Time("18:00"), "9205a531383a3030"),
    (
        DateTime("2026-01-12T18:00", "Europe/London"),
        "9306b0323032362d30312d31325431383a3030ad4575726f70652f4c6f6e646f6e",
    ),
    (Duration(5_000_000), "9207ce004c4b40"),
    (RecordRef(RECORD), "9208c410000102030405060708090a0b0c0d0e0f"),
    (FieldRef(RECORD, "a.b.c"), "9309c410000102030405060708090a0b0c0d0e0fa5612e622e63"),
    (BlobRef(bytes(32), "a.png", 3, "image/png"), "950ac420" + "00" * 32 + "a5612e706e6703a9696d6167652f706e67"),
    (ListValue((1, "a")), "920b9201a161"),
]

texts = st.text(max_size=8)
scalars: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
    texts,
    st.builds(Decimal, st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)),
    st.builds(Natural, texts),
    st.builds(Outline, texts),
    st.builds(Date, st.dates().map(str)),
    st.builds(Time, st.times().map(lambda t: t.strftime("%H:%M"))),
    st.builds(DateTime, st.datetimes().map(lambda d: d.strftime("%Y-%m-%dT%H:%M")), st.sampled_from(["", "UTC"])),
    st.builds(Duration, st.integers(-(1 << 40), 1 << 40)),
    st.builds(RecordRef, st.binary(min_size=16, max_size=16)),
    st.builds(FieldRef, st.binary(min_size=16, max_size=16), texts),
    st.builds(BlobRef, st.binary(min_size=32, max_size=32), texts, st.integers(0, 1 << 40), texts),
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars, lambda inner: st.builds(ListValue, st.lists(inner, max_size=3).map(tuple)), max_leaves=5
)


@pytest.mark.parametrize(("value", "hexed"), GOLDEN, ids=[type(value).__name__ for value, _ in GOLDEN])
def test_bytes_of_each_type_stay_as_written_down(value: Value, hexed: str) -> None:
    assert encode_value(value).hex() == hexed
    assert decode_value(bytes.fromhex(hexed)) == value


@given(values)
def test_what_is_written_reads_back_as_the_same_bytes(value: Value) -> None:
    data = encode_value(value)
    again = decode_value(data)
    assert type(again) is type(value)
    assert encode_value(again) == data
    assert value_key(again) == value_key(value)


@pytest.mark.parametrize("hexed", ["920ca161", "91", "9208c40100", "9201", "81a16101", "c40100", "920401"])
def test_other_bytes_are_no_value(hexed: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_value(bytes.fromhex(hexed))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Natural("11.1"), Natural("011.100")),
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("-0"), Decimal("0.0")),
        (Time("18:00"), Time("18:00:00")),
        (DateTime("2026-01-12T18:00:00"), DateTime("2026-01-12T18:00")),
        (1, 1.0),
        (ListValue((Natural("1.0"),)), ListValue((Natural("1"),))),
    ],
)
def test_the_same_value_written_differently_is_no_conflict(a: Value, b: Value) -> None:
    assert value_key(a) == value_key(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, "1"),
        (1, True),
        (0, None),
        ("", None),
        (Decimal("1"), 1),
        (Natural("1.1"), Outline("1.1")),
        (Outline("1.1"), Outline("1.10")),
        (DateTime("2026-01-12T18:00", "UTC"), DateTime("2026-01-12T18:00")),
        (ListValue(("ab", "c")), ListValue(("a", "bc"))),
        (Date("2026-01-12"), "2026-01-12"),
    ],
)
def test_values_of_another_meaning_are_different(a: Value, b: Value) -> None:
    assert value_key(a) != value_key(b)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1.50"), "1.50"),
        (Natural("011"), "011"),
        (DateTime("2026-01-12T18:00", "UTC"), "2026-01-12T18:00[UTC]"),
        (DateTime("2026-01-12T18:00"), "2026-01-12T18:00"),
        (Duration(5_000_000), 5),
        (Duration(2_500_000), 2.5),
        (RecordRef(RECORD), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (FieldRef(RECORD, "a.b.c"), {"record": "00010203-0405-0607-0809-0a0b0c0d0e0f", "field": "a.b.c"}),
        (ListValue((1, Natural("2"))), [1, "2"]),
    ],
)
def test_the_plain_form_is_what_people_read(value: Value, shown: object) -> None:
    assert plain(value) == shown


@given(values)
def test_every_value_has_a_plain_form_that_json_holds(value: Value) -> None:
    msgspec.json.encode(plain(value))


@given(values)
def test_every_generated_value_is_within_the_limits(value: Value) -> None:
    check_value(value)
    check_values([value, "x"])
    assert is_value(value)


def test_only_numberings_have_a_sort_key() -> None:
    assert sort_key(Natural("1")) is not None
    assert sort_key(Outline("1")) is not None
    assert sort_key(Decimal("1")) is not None
    assert sort_key("1") is None


def _nested(depth: int) -> Value:
    value: Value = 1
    for _ in range(depth):
        value = ListValue((value,))
    return value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -0.0,
        1 << 63,
        -(1 << 63) - 1,
        "x" * ((1 << 20) + 1),
        "é" * (1 << 20),
        "\ud800",
        Natural("x" * ((1 << 20) + 1)),
        Duration(1 << 63),
        RecordRef(b"short"),
        BlobRef(b"short", "", 0, ""),
        b"bytes",
        {"a": 1},
        ListValue((math.nan,)),
        _nested(NESTING_MAX + 1),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_what_the_format_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueRefused):
        check_value(value)
    with pytest.raises(ValueRefused):
        check_values([1, value])


def test_lists_may_nest_as_deep_as_the_format_says() -> None:
    check_value(_nested(NESTING_MAX))
