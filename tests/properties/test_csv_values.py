"""Every value that a field can hold is written to a file so that reading it gives the same value."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from openprod.catalog.check import FieldRefused, parse
from openprod.catalog.tables import Field, FieldType
from openprod.exchange.csv import read_csv, write_csv
from openprod.exchange.export import writer_of
from openprod.model.values import (
    Date,
    DateTime,
    Decimal,
    Duration,
    Natural,
    Outline,
    Time,
    Value,
    plain,
    value_key,
)

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
NUMBERING = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?[A-Z]?", fullmatch=True)
DECIMALS = st.decimals(-10_000, 10_000, places=3).map(lambda number: Decimal(f"{number:f}"))
TIMES = st.times().map(lambda time: Time(f"{time:%H:%M:%S}" if time.second else f"{time:%H:%M}"))
DATES = st.dates().map(lambda date: Date(date.isoformat()))


def moment(date: Date, time: Time, zone: str) -> DateTime:
    return DateTime(f"{date.iso}T{time.text}", zone)


def unsigned(number: float) -> float:
    return number + 0.0


VALUES: dict[FieldType, st.SearchStrategy[Value]] = {
    "bool": st.booleans(),
    "int": st.integers(-(1 << 63), (1 << 63) - 1),
    # Numbers that people would write; one of more than 60 digits is refused on its way in, with a sentence.
    "float": st.floats(-1e12, 1e12).filter(lambda number: not number or abs(number) > 1e-30).map(unsigned),
    "decimal": DECIMALS,
    "text": TEXT,
    "natural": NUMBERING.map(Natural),
    "outline": NUMBERING.map(Outline),
    "date": DATES,
    "time": TIMES,
    "datetime": st.builds(moment, DATES, TIMES, st.sampled_from(["", "Europe/London", "UTC"])),
    "duration": st.integers(0, 10**12).map(Duration),
}


@given(
    case=st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])),
    unit=st.sampled_from(["", "s", "min", "h"]),
)
def test_a_value_written_to_a_file_is_read_as_itself(case: tuple[FieldType, Value], unit: str) -> None:
    kind, value = case
    one = Field(key="m.t.f", name="f", table="m.t", type=kind, title="F", unit=unit if kind == "duration" else "")
    try:
        canonical, _ = parse(one, value)
    except FieldRefused:
        assume(condition=False)
        return
    assume(canonical is not None)
    sheet = read_csv(write_csv(["f"], [[writer_of(one)(plain(canonical))]]))
    read, assumed = parse(one, sheet.rows[0][0])
    assert value_key(read) == value_key(canonical)
    assert assumed is None
