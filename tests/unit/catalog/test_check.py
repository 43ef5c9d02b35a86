"""What people type, and what it becomes in a field of each type."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import zoneinfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprod.catalog.check import (
    ColumnRefused,
    FieldRefused,
    FieldsRefused,
    check_fields,
    check_new,
    missing_required,
    parse,
    parse_column,
)
from openprod.catalog.tables import FIELD_TYPES, Field, FieldType, Relation, Table
from openprod.model.values import (
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
    plain,
)

RECORD = bytes(range(16))
RECORD_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"


def field(type_: FieldType, **more: object) -> Field:
    base = Field(key="lighting.cues.up", name="up", table="lighting.cues", type=type_, title="Up")
    return msgspec.structs.replace(base, **more)


def s(number: float) -> Duration:
    return Duration(round(number * 1_000_000))


@pytest.mark.parametrize(
    ("type_", "raw", "value"),
    [
        *(("bool", raw, True) for raw in ("yes", "Y", "true", "x", "✓", 1, "1", True, " Yes ")),
        *(("bool", raw, False) for raw in ("no", "N", "FALSE", "off", 0, False)),
        ("int", "12", 12),
        ("int", "-3", -3),
        ("int", 12.0, 12),
        ("int", "12.0", 12),
        ("float", "2.5", 2.5),
        ("float", ".5", 0.5),
        ("float", 3, 3.0),
        ("float", "-0", 0.0),
        ("decimal", "1.50", Decimal("1.50")),
        ("decimal", "+007.5", Decimal("7.5")),
        ("decimal", ".5", Decimal("0.5")),
        ("decimal", "5.", Decimal("5")),
        ("decimal", "-0.00", Decimal("0.00")),
        ("decimal", "−2", Decimal("-2")),
        ("decimal", 1.1, Decimal("1.1")),
        ("decimal", 1e-7, Decimal("0.0000001")),
        ("decimal", 3, Decimal("3")),
        ("decimal", decimal.Decimal("1E+2"), Decimal("100")),
        ("text", " as typed ", " as typed "),
        ("text", 11, "11"),
        ("natural", "11.5A", Natural("11.5A")),
        ("natural", 11, Natural("11")),
        ("natural", 11.5, Natural("11.5")),
        ("natural", 11.0, Natural("11")),
        ("natural", " PRE ", Natural("PRE")),
        ("outline", "II.9A", Outline("II.9A")),
        ("outline", 1.1, Outline("1.1")),
        ("date", "2026-01-12", Date("2026-01-12")),
        ("date", "2026/1/2", Date("2026-01-02")),
        ("date", "20260112", Date("2026-01-12")),
        ("date", "12 Jan 2026", Date("2026-01-12")),
        ("date", "Mon 12th January, 2026", Date("2026-01-12")),
        ("date", "January 12 2026", Date("2026-01-12")),
        ("date", "1 Sept 2026", Date("2026-09-01")),
        ("date", "25/01/2026", Date("2026-01-25")),
        ("date", "01/25/2026", Date("2026-01-25")),
        ("date", "05/05/2026", Date("2026-05-05")),
        ("date", "12.01.2026", Date("2026-01-12")),
        ("date", dt.date(2026, 1, 12), Date("2026-01-12")),
        ("time", "18:00", Time("18:00")),
        ("time", "18:00:00", Time("18:00")),
        ("time", "18:00:30", Time("18:00:30")),
        ("time", "7:30", Time("07:30")),
        ("time", "7:30p", Time("19:30")),
        ("time", "7:30 PM", Time("19:30")),
        ("time", "7pm", Time("19:00")),
        ("time", "7 p.m.", Time("19:00")),
        ("time", "12am", Time("00:00")),
        ("time", "12pm", Time("12:00")),
        ("time", "18.30", Time("18:30")),
        ("time", "18h30", Time("18:30")),
        ("time", "noon", Time("12:00")),
        ("time", dt.time(18, 0, 5), Time("18:00:05")),
        ("datetime", "2026-01-12T18:00", DateTime("2026-01-12T18:00")),
        ("datetime", "2026-01-12 18:00:30", DateTime("2026-01-12T18:00:30")),
        ("datetime", "2026-01-12T18:00[Europe/London]", DateTime("2026-01-12T18:00", "Europe/London")),
        ("datetime", "2026-01-12T18:00Z", DateTime("2026-01-12T18:00", "UTC")),
        ("datetime", "12 Jan 2026 7:30pm", DateTime("2026-01-12T19:30")),
        ("datetime", dt.datetime(2026, 1, 12, 18, 0), DateTime("2026-01-12T18:00")),  # noqa: DTZ001 - venue-local
        (
            "datetime",
            dt.datetime(2026, 1, 12, 18, 0, tzinfo=zoneinfo.ZoneInfo("Europe/London")),
            DateTime("2026-01-12T18:00", "Europe/London"),
        ),
        ("duration", 5, s(5)),
        ("duration", "5", s(5)),
        ("duration", "2.5", s(2.5)),
        ("duration", "11sec", s(11)),
        ("duration", "2m 30s", s(150)),
        ("duration", "2 min", s(120)),
        ("duration", "1.5h", s(5400)),
        ("duration", "500ms", s(0.5)),
        ("duration", "1:02:30", s(3750)),
        ("duration", dt.timedelta(minutes=2), s(120)),
        ("record", RECORD_TEXT, RecordRef(RECORD)),
        ("record", RECORD_TEXT.upper(), RecordRef(RECORD)),
        ("record", RECORD, RecordRef(RECORD)),
        ("field", f"{RECORD_TEXT} a.b.c", FieldRef(RECORD, "a.b.c")),
        ("blob", {"hash": "00" * 32, "name": "a.png", "size": 3}, BlobRef(bytes(32), "a.png", 3, "")),
        ("list", "quiet, dark; rail", ListValue(("quiet", "dark", "rail"))),
        ("list", ["a", 1], ListValue(("a", "1"))),
        ("list", [], None),
    ],
)
def test_typed_text_becomes_the_value_it_means(type_: FieldType, raw: object, value: Value) -> None:
    parsed, assumed = parse(field(type_), raw)
    assert parsed == value
    assert type(parsed) is type(value)
    assert assumed is None


@pytest.mark.parametrize(
    ("type_", "more", "raw", "value", "assumed"),
    [
        ("float", {}, "1,5", 1.5, "Up: '1,5' read as 1.5"),
        ("decimal", {}, "1,50", Decimal("1.50"), "Up: '1,50' read as 1.50"),
        ("date", {}, "12 Jan 26", Date("2026-01-12"), "Up: year '26' read as 2026"),
        ("time", {}, "1830", Time("18:30"), "Up: '1830' read as 18:30"),
        ("time", {}, "24:00", Time("00:00"), "Up: '24:00' read as 00:00"),
        (
            "datetime",
            {},
            "2026-01-12",
            DateTime("2026-01-12T00:00"),
            "Up: '2026-01-12' read as the beginning of the day",
        ),
        (
            "datetime",
            {},
            "2026-01-12T18:00+01:00",
            DateTime("2026-01-12T17:00", "UTC"),
            "Up: '2026-01-12T18:00+01:00' kept as 2026-01-12T17:00[UTC]",
        ),
        ("duration", {}, "1:30", s(90), "Up: '1:30' read as 1 min 30 s"),
        ("duration", {"unit": "min"}, "1:30", s(90), "Up: '1:30' read as 1 min 30 s"),
        ("duration", {"unit": "h"}, "1:30", s(5400), "Up: '1:30' read as 1 h 30 min"),
        ("duration", {"unit": "h"}, "1h30", s(5400), "Up: '1h30' read with 30 minutes"),
        ("duration", {}, "2m30", s(150), "Up: '2m30' read with 30 seconds"),
        ("duration", {}, "2,5", s(2.5), "Up: '2,5' read as 2.5s"),
        ("duration", {}, "0.0000001", s(0), "Up: '0.0000001' rounded to a millionth of a second"),
        (
            "choice",
            {"choices": ("Lighting", "Sound"), "open": True},
            "Lightng",
            "Lightng",
            "Up: 'Lightng' is a new choice; did you mean 'Lighting'?",
        ),
    ],
)
def test_what_could_mean_two_things_is_reported_as_assumed(
    type_: FieldType, more: dict[str, object], raw: object, value: Value, assumed: str
) -> None:
    assert parse(field(type_, **more), raw) == (value, assumed)


@pytest.mark.parametrize(
    ("unit", "raw", "value"),
    [("min", 5, s(300)), ("min", "5", s(300)), ("h", 1.5, s(5400)), ("min", "5s", s(5)), ("", 5, s(5))],
)
def test_a_bare_number_has_the_unit_of_its_field(unit: str, raw: object, value: Value) -> None:
    assert parse(field("duration", unit=unit), raw) == (value, None)


def test_a_number_may_be_typed_with_its_unit() -> None:
    assert parse(field("decimal", unit="W"), "575 W") == (Decimal("575"), None)
    assert parse(field("int", unit="kg"), "12KG") == (12, None)
    assert parse(field("decimal", unit="£"), "£12.50") == (Decimal("12.50"), None)


@pytest.mark.parametrize("type_", FIELD_TYPES)
@pytest.mark.parametrize("raw", [None, "", "  \n"])
def test_nothing_typed_means_no_value(type_: FieldType, raw: object) -> None:
    assert parse(field(type_), raw) == (None, None)


@pytest.mark.parametrize(
    ("type_", "raw", "words"),
    [
        ("bool", "maybe", "'maybe' is neither yes nor no; write yes or no."),
        ("int", "12.5", "is no whole number; write one like 12."),
        ("int", "1,200", "is no whole number"),
        ("int", True, "is no whole number"),
        ("int", 1 << 63, "is too big"),
        ("float", "1,234", "could be a thousand or a fraction"),
        ("float", "nan", "is no number; write one like 2.5."),
        ("float", float("inf"), "is no number that can be stored"),
        ("float", 10**400, "the number is too big"),
        ("float", "9" * 59 + "9" * 400, "is no number"),
        ("decimal", "1e5", "is no number"),
        ("text", "a\0b", "zero byte"),
        ("text", "\ud800", "lone surrogate"),
        ("text", b"bytes", "is no text"),
        ("natural", "a\nb", "write one like 11, 11.5 or 11.5A"),
        ("natural", -5, "write one like 11, 11.5 or 11.5A"),
        ("natural", True, "write one like 11"),
        ("outline", "x" * 101, "write one like 1.10 or II.9A"),
        ("date", "03/04/2026", "could be two days; write 2026-04-03 or 2026-03-04."),
        ("date", "2026-02-30", "is a day that does not exist"),
        ("date", "12 Jan", "lacks the year"),
        ("date", "Tue 12 Jan 2026", "is a Monday"),
        ("date", "banana", "is no date; write it like 2026-01-12."),
        ("date", "Jan 2026 12 3", "is no date"),
        ("date", 20260112, "is no date"),
        ("date", dt.datetime(2026, 1, 12, 18, 0), "is no date"),  # noqa: DTZ001 - no zone is what is tested
        ("time", "7", "could be morning or evening; write 7:00 or 19:00, 7am or 7pm."),
        ("time", "25:00", "is no time of day; write it like 18:30."),
        ("time", "18:60", "is no time of day"),
        ("time", "18:00pm", "says both 24 hours and am or pm"),
        ("time", "teatime", "is no time of day"),
        ("time", 18, "is no time of day"),
        ("datetime", "2026-01-12T18:00[No/Where]", "'No/Where' is no time zone"),
        ("datetime", "later", "is no date"),
        ("duration", "30ish", "'ish' is no unit of time; write it like 5s, 2m 30s or 1:30."),
        ("duration", "1:75", "more than 59 minutes or seconds"),
        ("duration", "-5", "is less than nothing"),
        ("duration", "99999999999999999999", "is too long"),
        ("duration", "5 and 6", "'and' is no unit of time"),
        ("duration", "5s 30", "is no length of time"),
        ("duration", True, "is no length of time"),
        ("record", "Jane", "is no record; give its id, or TABLE:KEY like lighting.cues:11."),
        ("field", RECORD_TEXT, "names no field"),
        ("blob", "photo.png", "Put one there with: openprod attach"),
        ("blob", {"hash": "zz", "name": "a", "size": 1}, "is no file kept here"),
        ("list", 5, "is no list"),
    ],
)
def test_what_fits_nothing_is_refused_with_what_to_write(type_: FieldType, raw: object, words: str) -> None:
    with pytest.raises(FieldRefused) as caught:
        parse(field(type_), raw)
    assert words in str(caught.value)
    assert str(caught.value).startswith("Up (lighting.cues.up): ")
    assert caught.value.field == "lighting.cues.up"


def test_a_choice_ignores_case_and_offers_the_nearest() -> None:
    choices = field("choice", choices=("draft", "confirmed"))
    assert parse(choices, "Confirmed") == ("confirmed", None)
    with pytest.raises(FieldRefused, match="did you mean 'confirmed'"):
        parse(choices, "confirmd")
    with pytest.raises(FieldRefused, match="choose 'draft' or 'confirmed'"):
        parse(choices, "whenever")


def test_an_open_choice_takes_new_words() -> None:
    assert parse(field("choice", choices=("A",), open=True), "Orchestra") == ("Orchestra", None)
    with pytest.raises(FieldRefused, match="too long or odd"):
        parse(field("choice", choices=("A",), open=True), "x" * 201)


def test_a_list_reads_its_items_as_its_own_type_says() -> None:
    needs = field("list", item_type="choice", choices=("stage", "dark"))
    assert parse(needs, "Stage, dark") == (ListValue(("stage", "dark")), None)
    with pytest.raises(FieldRefused):
        parse(needs, ["rain"])


EXAMPLES: dict[FieldType, Value] = {
    "bool": True,
    "int": 3,
    "float": 1.5,
    "decimal": Decimal("1.50"),
    "text": "Dawn",
    "natural": Natural("11.5A"),
    "outline": Outline("II.9A"),
    "date": Date("2026-01-12"),
    "time": Time("18:00"),
    "datetime": DateTime("2026-01-12T18:00", "Europe/London"),
    "duration": Duration(2_500_000),
    "choice": "show",
    "record": RecordRef(RECORD),
    "field": FieldRef(RECORD, "a.b.c"),
    "blob": BlobRef(bytes(32), "a.png", 3, "image/png"),
    "list": ListValue(("a", "b")),
}


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_a_value_and_its_plain_form_are_read_as_the_same(type_: FieldType) -> None:
    here = field(type_, choices=("show",))
    assert parse(here, EXAMPLES[type_]) == (EXAMPLES[type_], None)
    assert parse(here, plain(EXAMPLES[type_])) == (EXAMPLES[type_], None)


anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.binary(max_size=20))


@given(st.sampled_from(FIELD_TYPES), st.one_of(anything, st.lists(anything, max_size=3)))
def test_whatever_is_given_is_read_or_refused_with_a_sentence(type_: FieldType, raw: object) -> None:
    with contextlib.suppress(FieldRefused):
        value, _ = parse(field(type_, choices=("show",)), raw)
        assert parse(field(type_, choices=("show",), open=True), value)[0] == value


@given(st.sampled_from(FIELD_TYPES), st.text(alphabet="0123456789:.-/,hmsapJan MonZT+'\"[]", max_size=14))
def test_odd_dates_times_and_numbers_are_read_or_refused(type_: FieldType, raw: str) -> None:
    with contextlib.suppress(FieldRefused):
        parse(field(type_, choices=("show",)), raw)


def table(*fields: Field) -> Table:
    return Table(name="lighting.cues", title="Cues", module="lighting", fields={f.name: f for f in fields})


def named(name: str, type_: FieldType = "text", **more: object) -> Field:
    return field(type_, key=f"lighting.cues.{name}", name=name, title=name.title(), **more)


CUES = table(
    named("list", "natural", default=Natural("1")),
    named("number", "natural", required=True),
    named("label"),
    named("up", "duration", unit="s"),
)


def test_a_new_record_gets_its_defaults() -> None:
    checked = check_new(CUES, {"number": "11", "lighting.cues.up": "1:30", "label": ""})
    assert checked.values == {
        "lighting.cues.number": Natural("11"),
        "lighting.cues.up": s(90),
        "lighting.cues.list": Natural("1"),
    }
    assert checked.assumed == ("Up: '1:30' read as 1 min 30 s",)


def test_a_new_record_needs_its_required_fields() -> None:
    with pytest.raises(FieldsRefused, match=r"Number \(lighting.cues.number\) is required; give it a value."):
        check_new(CUES, {"label": "Dawn"})
    with pytest.raises(FieldsRefused, match="is required"):
        check_new(CUES, {"number": ""})
    assert missing_required(CUES, ["label"]) == ["number"]


def test_a_change_touches_only_what_it_names() -> None:
    assert check_fields(CUES, {"label": None}).values == {"lighting.cues.label": None}
    with pytest.raises(FieldsRefused, match="is required"):
        check_fields(CUES, {"number": None})


def test_every_problem_of_a_record_is_named_at_once() -> None:
    with pytest.raises(FieldsRefused) as caught:
        check_new(CUES, {"lable": "Dawn", "up": "soon", "gobo": 1, "list": "2", "lighting.cues.list": "3"})
    assert caught.value.problems == (
        "There is no field 'lable' in lighting.cues. Did you mean 'label'?",
        "Up (lighting.cues.up): 'soon' is no length of time; write it like 5s, 2m 30s or 1:30.",
        "There is no field 'gobo' in lighting.cues. 'openprod fields lighting.cues' lists them.",
        "List (lighting.cues.list) is given twice; give it once.",
        "Number (lighting.cues.number) is required; give it a value.",
    )


def test_properties_of_a_relation_are_checked_alike() -> None:
    cover = field("bool", key="casting.plays.cover", name="cover", table="casting.plays", default=False)
    plays = Relation(name="casting.plays", title="Plays", inverse="", source="a.b", properties={"cover": cover})
    assert check_new(plays, {}).values == {"casting.plays.cover": False}
    with pytest.raises(FieldsRefused, match=r"There is no property 'covers' in casting.plays. Did you mean 'cover'"):
        check_new(plays, {"covers": True})


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_a_column_is_read_like_its_values_one_by_one(type_: FieldType) -> None:
    here = field(type_, choices=("show",))
    raws: list[object] = [EXAMPLES[type_], None, plain(EXAMPLES[type_]), plain(EXAMPLES[type_]), "", True]
    if type_ != "bool":
        raws.pop()
    assert parse_column(here, raws) == ([parse(here, raw)[0] for raw in raws], [])


texts = st.one_of(st.none(), st.text(max_size=4), st.text(alphabet="01.A a", max_size=4), st.just("1" * 101))
numbers = st.one_of(st.none(), st.integers(), st.integers(-3, 3))


@given(
    st.sampled_from(("text", "natural", "outline", "int", "float")),
    st.one_of(st.lists(texts, max_size=8), st.lists(numbers, max_size=8)),
)
def test_a_column_of_any_raws_is_read_like_its_values_one_by_one(type_: FieldType, raws: list[object]) -> None:
    def one_by_one() -> list[Value] | None:
        try:
            return [parse(field(type_), raw)[0] for raw in raws]
        except FieldRefused:
            return None

    try:
        assert parse_column(field(type_), raws)[0] == one_by_one()
    except ColumnRefused:
        assert one_by_one() is None


def test_a_column_tells_one_and_true_apart() -> None:
    assert parse_column(field("text"), [1, 1.0])[0] == ["1", "1.0"]


def test_a_column_names_every_row_that_cannot_be_read() -> None:
    with pytest.raises(ColumnRefused, match=r"Row 2: Up .* \(and 1 more like this\)") as caught:
        parse_column(field("int"), ["1", "x", "2", "y"])
    assert [position for position, _ in caught.value.problems] == [1, 3]


def test_a_column_says_where_something_was_assumed() -> None:
    assert parse_column(field("duration"), ["5", "1:30"])[1] == [(1, "Up: '1:30' read as 1 min 30 s")]


@pytest.mark.parametrize(
    ("typed", "start", "end", "said"),
    [
        ("2-5", "14:00", "17:00", True),
        ("7:30-10", "19:30", "22:00", True),
        ("10-6", "10:00", "18:00", True),
        ("12-2", "12:00", "14:00", True),
        ("10a-2p", "10:00", "14:00", False),
        ("9-5p", "09:00", "17:00", True),
        ("11p – 1a", "23:00", "01:00", False),
        ("22:00 to 01:00", "22:00", "01:00", False),
        ("14-17", "14:00", "17:00", False),
        ("noon until 13:30", "12:00", "13:30", False),
    ],
)
def test_a_range_typed_into_a_start_is_a_start_and_an_end_and_what_was_assumed_is_said(
    typed: str, start: str, end: str, *, said: bool
) -> None:
    found = check_fields(EVENTS, {"start": typed})
    assert found.values == {"t.events.start": Time(start), "t.events.end": Time(end)}
    assert [f"'{typed}' read as {start} to {end}" in note for note in found.assumed] == ([True] if said else [])


def test_a_range_is_one_only_where_the_end_is_not_given_and_there_is_one() -> None:
    for raws in ({"start": "2-5", "end": "18:00"}, {"start": "27-29"}, {"end": "2-5"}):
        with pytest.raises(FieldsRefused):
            check_fields(EVENTS, raws)


def test_feet_and_inches_stay_text_and_are_no_length_of_time() -> None:
    trim = Field(key="t.x.trim", name="trim", table="t.x", type="text", title="Trim")
    up = Field(key="t.x.up", name="up", table="t.x", type="duration", title="Up", unit="s")
    assert parse(trim, "1'2\"") == ("1'2\"", None)
    with pytest.raises(FieldRefused, match="reads as feet and inches; for a length of time write 1m 2s"):
        parse(up, "1'2\"")
    for raw, us, note in (("11sec", 11_000_000, None), ("1:30", 90_000_000, "read as 1 min 30 s")):
        value, assumed = parse(up, raw)
        assert value == Duration(us)
        assert (assumed is None) if note is None else (note in (assumed or ""))
    at = Field(key="t.x.at", name="at", table="t.x", type="time", title="At")
    assert parse(at, "7:30p") == (Time("19:30"), None)


EVENTS = Table(
    name="t.events",
    title="Events",
    module="t",
    fields={
        name: Field(key=f"t.events.{name}", name=name, table="t.events", type="time", title=name.title())
        for name in ("start", "end")
    },
)
