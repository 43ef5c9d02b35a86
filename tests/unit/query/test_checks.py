"""What the shipped checks find: in the Richard III production, and in small cases made for each."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

import pytest
from tests.unit.query.production import ROOT, Production, rows, shipped_catalog
from tests.unit.query.read_model import ReadModel

from openprod.query.problems import QueryFormProblem, QueryMismatch, SyntaxProblem
from openprod.query.tree import Query, read_query


def check(name: str) -> Query:
    """Returns the query of a shipped check, by its full name."""
    module, short = name.split(".")
    text = (ROOT / "modules" / module / "module.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)["check"][short]
    return (
        read_query(found["query"])
        if "query" in found
        else Query(from_=f"{module}.{found['table']}", where=found["where"])
    )


@lru_cache(maxsize=1)
def production() -> Production:
    return Production()


def test_people_called_to_two_things_at_once_are_those_of_the_answers() -> None:
    found = {
        (row["date"], row["name"], *sorted((str(row["event_id"]), str(row["other_id"]))))
        for row in production().model.query(
            {**form("schedule.clash_person"), "first": {"of": ["record", "person", "other"]}}
        )
    }
    wanted = {
        (row["date"], row["name"], *sorted((row["event_a"], row["event_b"]))) for row in rows("answers_clashes.csv")
    }
    assert found == wanted


def form(name: str) -> dict[str, Any]:
    module, short = name.split(".")
    return tomllib.loads((ROOT / "modules" / module / "module.toml").read_text("utf-8"))["check"][short]["query"]


def test_no_room_of_the_production_is_used_twice_at_once() -> None:
    assert production().model.query(check("schedule.clash_room")) == []


class Small:
    """A little show with every module."""

    def __init__(self) -> None:
        self.model = ReadModel(shipped_catalog())

    def add(self, table: str, **values: Any) -> int:
        return self.model.add(table, values)

    def person(self, name: str) -> int:
        eid = self.add("contacts.people", name=name)
        self.model.add("schedule.attendees", {"name": name}, eid=eid)
        return self.model.add("casting.performers", {"name": name}, eid=eid)

    def event(
        self, number: str, start: str, end: str | None, *people: int, day: str = "2026-01-12", **more: Any
    ) -> int:
        eid = self.add(
            "schedule.events", number=number, date=day, start=start, end=end, title=number, status="confirmed", **more
        )
        for person in people:
            self.model.relate("schedule.calls", eid, person)
        return eid

    def found(self, name: str, *columns: str) -> list[Any]:
        return [tuple(row[column] for column in columns) for row in self.model.query(check(name))]


def test_two_things_in_one_room_are_named_once_also_past_midnight() -> None:
    show = Small()
    show.event("A", "10:00", "12:00", room="Hall")
    show.event("B", "11:59", "13:00", room="Hall")
    show.event("C", "12:00", "13:00", room="Studio")
    show.event("D", "23:00", "00:30", room="Stage")
    show.event("E", "23:30", "23:45", room="Stage")
    show.event("F", "23:30", "23:45", room="Stage", day="2026-01-13")
    assert show.found("schedule.clash_room", "event_id", "other_id") == [("A", "B"), ("D", "E")]


def test_who_is_excused_from_one_of_two_things_is_at_no_clash() -> None:
    show = Small()
    jane, ned = show.person("Jane"), show.person("Ned")
    show.event("A", "10:00", "12:00", jane, ned)
    other = show.event("B", "11:00", "13:00", jane, ned)
    show.model.relate("schedule.excuses", other, ned)
    assert show.found("schedule.clash_person", "name", "event_id", "other_id") == [
        ("Jane", "A", "B"),
    ]


def test_called_while_away_looks_at_the_hours_not_at_the_day() -> None:
    show = Small()
    jane = show.person("Jane")
    show.event("A", "10:00", "12:00", jane)
    show.event("B", "14:00", "16:00", jane)
    show.add(
        "schedule.absences",
        attendee=show.model.ref(jane),
        **{"from": "2026-01-12T13:00", "to": "2026-01-12T15:00"},
        kind="not available",
    )
    show.add(
        "schedule.absences",
        attendee=show.model.ref(jane),
        **{"from": "2026-01-12T09:00", "to": "2026-01-12T11:00"},
        agreed="refused",
    )
    assert show.found("schedule.called_while_absent", "event_id", "name") == [("B", "Jane")]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"kind": "latest", "time": "23:00"}, [("C", "C")]),
        ({"kind": "stretch", "length": "3h"}, [("A", "A")]),
        ({"kind": "span", "length": "12h"}, [("A", "C")]),
        ({"kind": "rest", "length": "11h"}, [("C", "D")]),
        ({"kind": "rest", "length": "11h", "active": False}, []),
    ],
)
def test_over_a_working_limit_names_the_limit_and_what_breaks_it(
    limit: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    show = Small()
    jane = show.person("Jane")
    show.event("A", "10:00", "14:00", jane)
    show.event("B", "15:00", "18:00", jane)
    show.event("C", "22:00", "23:30", jane)
    show.event("D", "10:00", "11:00", jane, day="2026-01-13")
    show.add("schedule.limits", **{"name": "L", "active": True, **limit})
    assert show.found("schedule.over_limit", "event_id", "other_id") == expected


def test_a_limit_of_a_group_is_for_its_members_only() -> None:
    show = Small()
    jane, ned = show.person("Jane"), show.person("Ned")
    children = show.add("schedule.groups", name="Children")
    show.model.relate("schedule.in_group", ned, children)
    show.event("A", "20:00", "22:30", jane, ned)
    show.add("schedule.limits", name="L", kind="latest", time="22:00", active=True, group=show.model.ref(children))
    assert show.found("schedule.over_limit", "name") == [("Ned",)]


def test_an_address_used_by_two_channels_and_a_channel_of_two_types_are_found() -> None:
    show = Small()
    for unit, channel, dmx, kind in (
        ("1", "1", "1/1", "Fresnel"),
        ("2", "2", "1/1", "Fresnel"),
        ("3", "2", "1/5", "PAR"),
    ):
        show.add("lighting.fixtures", unit=unit, channel=channel, dmx=dmx, type=kind)
    assert show.found("lighting.double_patched", "unit", "other") == [("1", "2"), ("2", "1")]
    assert show.found("lighting.one_channel_two_types", "unit", "other") == [("2", "PAR"), ("3", "Fresnel")]


def test_two_parts_of_one_performer_in_one_scene_are_found_but_not_what_they_cover() -> None:
    show = Small()
    jane = show.person("Jane")
    scene = show.add("script.scenes", number="1", order=1)
    parts = [show.add("script.characters", code=code, name=code) for code in "ABC"]
    for part in parts:
        show.model.relate("script.appears", part, scene)
        show.model.relate("casting.plays", jane, part, cover=part == parts[2])
    assert show.found("script.two_parts_in_one_scene", "character", "other") == [("A", "B"), ("B", "A")]


def test_a_cover_who_was_called_to_no_rehearsal_of_the_scenes_is_found() -> None:
    show = Small()
    jane, ned = show.person("Jane"), show.person("Ned")
    scene = show.add("script.scenes", number="1", order=1)
    role = show.add("script.characters", code="A", name="A")
    show.model.add("casting.roles", {"code": "A", "name": "A"}, eid=role)
    show.model.relate("script.appears", role, scene)
    show.model.relate("casting.plays", jane, role, cover=True)
    assert show.found("casting.cover_not_rehearsed", "cover") == []
    event = show.event("A", "10:00", "12:00", ned)
    show.model.relate("schedule.works_on", event, scene)
    assert show.found("casting.cover_not_rehearsed", "role", "cover") == [("A", "Jane")]
    show.model.relate("schedule.calls", event, jane)
    assert show.found("casting.cover_not_rehearsed", "cover") == []
    assert show.found("casting.role_without_cover", "name") == []


def test_an_email_of_two_people_and_a_word_on_two_pages_are_found() -> None:
    show = Small()
    for name, email in (("Ann", "a@b.c"), ("Ben", "a@b.c"), ("Cy", None)):
        show.add("contacts.people", name=name, email=email)
    for number, page in (("1", "4"), ("2", "5"), ("3", "4")):
        show.add("sm.cues", dept="LX", number=number, on="Now", page=page)
    assert show.found("contacts.same_email_twice", "name", "other") == [("Ann", "Ben"), ("Ben", "Ann")]
    assert show.found("sm.same_word_other_page", "number") == [("1",), ("3",), ("2",)]


def test_a_cue_that_its_department_calls_no_longer_is_found() -> None:
    show = Small()
    for number, called in (("1", True), ("2", False), ("3", None)):
        cue = show.add("lighting.cues", number=number, is_called=called)
        show.model.add("sm.cues", {"dept": "LX", "number": number}, eid=cue)
    show.add("sm.cues", dept="FLY", number="9")
    assert show.found("sm.no_longer_called", "number") == [("2",), ("3",)]


def test_releases_and_waits_of_a_day() -> None:
    show = Small()
    jane = show.person("Jane")
    show.event("A", "10:00", "12:00", jane)
    show.event("B", "13:30", "15:00", jane)
    show.event("C", "23:00", "00:15", jane)
    folder = ROOT / "modules" / "schedule" / "queries"
    released = show.model.query(read_query((folder / "releases.toml").read_text("utf-8")))
    waits = show.model.query(read_query((folder / "waits.toml").read_text("utf-8")))
    assert [(row["name"], row["release"], row["event_id"]) for row in released] == [("Jane", "00:15", "C")]
    assert [(row["free_from"], row["until"], row["waits"]) for row in waits] == [
        ("12:00", "13:30", 5400),
        ("15:00", "23:00", 28800),
    ]


@pytest.mark.parametrize(
    ("through", "error", "expected"),
    [
        ({"table": "contacts.people"}, QueryFormProblem, "a table needs the condition"),
        ({"table": "contacts.people", "path": "->contacts.in_group"}, QueryFormProblem, "give either a path"),
        ({}, QueryFormProblem, "give either a path"),
        ({"table": "contacts.people", "where": "moment(name, name) > 1"}, QueryMismatch, "moment takes a date"),
        ({"table": "contacts.people", "where": "span(from, to) > 1h"}, QueryMismatch, "span takes two times"),
        ({"table": "contacts.people", "where": "span(from) > 1h"}, SyntaxProblem, "expected span(from, to)"),
    ],
)
def test_what_is_no_way_into_a_table_is_refused_with_a_sentence(
    through: dict[str, Any], error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected.replace("(", r"\(").replace(")", r"\)")):
        Small().model.query({"from": "contacts.people", "through": {"other": {"any": [through]}}})
