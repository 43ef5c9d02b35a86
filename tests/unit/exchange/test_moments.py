"""Dates without a year, times without am or pm, ranges: what is taken, what is said, and how it is said otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pytest

from openprod.exchange.moments import Assume, BadAssume, Dates, Span, Times, assume_of, day_in

TODAY = dt.date(2026, 11, 24)


def dates(cells: Sequence[str], assume: Assume | None = None) -> list[str]:
    found = Dates([(cell, False) for cell in cells], assume or Assume(), TODAY)
    return [found.read(cell, at, is_alone=False)[0] for at, cell in enumerate(cells)]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["Sun. 1/18", "Mon. 2/2"], ["2026-01-18", "2026-02-02"]),
        (["Friday September 12:", "Saturday September 13:"], ["2025-09-12", "2025-09-13"]),
        (["Mon. 12/28", "Sun. 1/3"], ["2026-12-28", "2027-01-03"]),
        (["18/1", "2/2"], ["2027-01-18", "2027-02-02"]),
        (["03/04/2026", "18/04/2026"], ["2026-04-03", "2026-04-18"]),
        (["3/4/2026", "4/18/2026"], ["2026-03-04", "2026-04-18"]),
        (["Mo. 2.2.", "Di. 3.2."], ["2026-02-02", "2026-02-03"]),
        (["12. Januar", "13. Januar"], ["2027-01-12", "2027-01-13"]),
        (["Sept 3rd", "Oct. 1st"], ["2026-09-03", "2026-10-01"]),
    ],
)  # fmt: skip
def test_the_year_and_the_order_follow_from_the_column(cells: Sequence[str], wanted: Sequence[str]) -> None:
    assert dates(cells) == wanted


def test_what_is_said_wins() -> None:
    assert dates(["1/18"], Assume(year=2031)) == ["2031-01-18"]
    assert dates(["3/4"], Assume(dates="dmy", year=2026)) == ["2026-04-03"]
    assert dates(["3/4"], Assume(dates="mdy", year=2026)) == ["2026-03-04"]


def test_a_whole_date_is_left_to_the_fields_reader() -> None:
    assert dates(["2026-01-18", "12 Jan 2026", "nonsense"]) == ["2026-01-18", "12 Jan 2026", "nonsense"]


def test_months_alone_in_a_row_are_headings_and_give_days_their_month() -> None:
    found = Dates([("FEBRUARY 2026", True), ("Sun 1", False), ("MARCH", True), ("Sun 1", False)], Assume(), TODAY)
    rows = [("FEBRUARY 2026", True), ("Sun 1", False), ("MARCH", True), ("Sun 1", False)]
    read = [found.read(text, at, is_alone=is_alone)[0] for at, (text, is_alone) in enumerate(rows)]
    assert read == ["", "2026-02-01", "", "2026-03-01"]


def test_a_day_of_the_week_that_does_not_fit_is_no_date() -> None:
    found = Dates([("Sun. 1/18", False), ("Sun. 1/25", False), ("Sun. 1/26", False)], Assume(), TODAY)
    assert found.read("Sun. 1/26", 3, is_alone=False)[2].startswith("'Sun. 1/26' is a Monday in 2026")
    assert "does not exist" in Dates([("2/30", False)], Assume(), TODAY).read("2/30", 1, is_alone=False)[2]


def test_what_stands_beside_a_date_is_kept() -> None:
    day = day_in("Sat. 4/25 SHMS")
    assert day is not None
    assert day.rest == "SHMS"
    assert day_in("LX 12") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("7:30-10", Span("19:30", "22:00")),
        ("2-5", Span("14:00", "17:00")),
        ("9:30-2:00", Span("09:30", "14:00")),
        ("12-10:30", Span("12:00", "22:30")),
        ("12:10-1:10", Span("12:10", "13:10")),
        ("9-12:30", Span("09:00", "12:30")),
        ("7-10pm", Span("19:00", "22:00")),
        ("11-2 p.m.", Span("11:00", "14:00")),
        ("10pm-1", Span("22:00", "01:00")),
        ("10am – 1pm", Span("10:00", "13:00")),
        ("noon to 2", Span("12:00", "14:00")),
        ("5:00-TBA", Span("17:00", is_open=True)),
        ("6-10 with piano", Span("18:00", "22:00", "with piano")),
        ("0.9166", Span("22:00")),
        ("7:30", Span("19:30")),
        ("07:30", Span("07:30")),
        ("7:30:00", Span("07:30:00".removesuffix(":00"))),
    ],
)
def test_a_time_is_read_in_its_context(text: str, wanted: Span) -> None:
    assert Times([text], Assume()).read(text, 1) == wanted


def test_one_time_after_twelve_tells_that_all_are_of_24_hours() -> None:
    times = Times(["7:30", "19:30", "10-12"], Assume())
    assert times.read("7:30", 1) == Span("07:30")
    assert times.read("10-12", 1) == Span("10:00", "12:00")
    assert list(times.told("Times", "line")) == []


@pytest.mark.parametrize(("halves", "wanted"), [("am", "07:30"), ("pm", "19:30"), ("24", "07:30")])
def test_the_half_of_the_day_is_changed_by_saying_so(halves: str, wanted: str) -> None:
    found = Times(["7:30"], assume_of({"times": halves})).read("7:30", 1)
    assert found is not None
    assert found.start == wanted


def test_what_is_no_time_is_none() -> None:
    times = Times([], Assume())
    assert [times.read(text, 1) for text in ("soon", "25:00", "", "7:75", "x" * 5_000)] == [None] * 5


def test_every_assumption_is_said_with_examples_and_places() -> None:
    times = Times(["7:30-10", "2-5"], Assume())
    times.read("7:30-10", 4)
    times.read("2-5", 5)
    (said,) = times.told("Times", "line")
    assert "'7:30-10' is 19:30-22:00, '2-5' is 14:00-17:00 (lines 4, 5)." in said
    assert "--assume times=am, pm or 24" in said
    found = Dates([("Sun. 1/18", False)], Assume(), TODAY)
    found.read("Sun. 1/18", 7, is_alone=False)
    (said,) = found.told("Date", "line")
    assert "--assume year=2026" in said
    assert "days of the week fit" in said


@pytest.mark.parametrize("said", [{"year": "soon"}, {"times": "noonish"}, {"dates": "ydm"}, {"mood": "good"}])
def test_nonsense_is_refused(said: Mapping[str, str]) -> None:
    with pytest.raises(BadAssume):
        assume_of(said)
