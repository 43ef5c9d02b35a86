"""Moments of the past that are looked at again, and what arrives late."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CUES, NAME, PEOPLE, Company, add, meet, put, value

from openprod.workspace import moments
from openprod.workspace.moments import Moments


def test_a_moment_that_is_looked_at_again_is_not_derived_again(company: Company) -> None:
    (ana,) = company.cast("Ana")
    jane = add(ana, PEOPLE, name="Jane")
    ana.milestone("First preview")
    put(ana, jane, {"name": "X"})
    with ana.at("First preview") as then:
        first = then.desk
        assert value(then, jane, NAME) == "Jane"
    put(ana, jane, {"name": "Y"})
    with ana.at("First preview") as then, ana.at("First preview") as also:
        assert then.desk is first is also.desk
        assert value(then, jane, NAME) == "Jane"
    ana.rebuild()
    with ana.at("First preview") as then:
        assert then.desk is not first
        assert value(then, jane, NAME) == "Jane"


def test_late_work_with_an_earlier_clock_belongs_to_a_moment_that_was_looked_at_before(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    company.pass_time(60)
    put(ben, jane, {"name": "Ben's Jane"})
    company.pass_time(60)
    add(ana, CUES, number="1")
    with ana.at("2026-11-21T10:30Z") as then:
        assert value(then, jane, NAME) == "Jane"
    meet(ana, ben)
    with ana.at("2026-11-21T10:30Z") as then:
        assert (value(then, jane, NAME), then.count(CUES)) == ("Ben's Jane", 0)
    company.pass_time(60)
    put(ana, jane, {"name": "Later"})
    with ana.at("2026-11-21T10:30Z") as again:
        assert again.desk is then.desk


def test_every_question_that_can_be_asked_now_can_be_asked_of_a_moment(company: Company) -> None:
    (ana,) = company.cast("Ana")
    jane = add(ana, PEOPLE, name="Jane")
    ana.milestone("Then")
    put(ana, jane, {"name": "X"})
    with ana.at("Then") as then:
        assert [row["name"] for row in then.query("name == 'Jane'", from_=PEOPLE)] == ["Jane"]
        assert then.record(jane)["title"] == "Jane"
        assert len(then.history(jane, NAME)) == 1
        assert [one["title"] for one in then.search("jan")] == ["Jane"]
        assert then.count(PEOPLE) == 1


def test_only_a_few_moments_are_kept_and_none_goes_while_somebody_looks_at_it() -> None:
    closed: list[int] = []

    class Copied:
        def __init__(self, name: int) -> None:
            self.name = name

        def close_copy(self) -> None:
            closed.append(self.name)

    kept: Moments[Copied] = Moments()
    looked_at = kept.look_at(frozenset({0}), lambda: Copied(0))
    for name in range(1, moments.KEPT_MAX + 3):
        kept.leave(kept.look_at(frozenset({name}), lambda name=name: Copied(name)))
    assert closed == [1, 2, 3]
    kept.leave(looked_at)
    kept.forget()
    assert sorted(closed) == list(range(moments.KEPT_MAX + 3))


def test_a_copy_that_was_forgotten_while_somebody_looked_at_it_goes_when_they_leave(company: Company) -> None:
    (ana,) = company.cast("Ana")
    jane = add(ana, PEOPLE, name="Jane")
    then = ana.at("2100-01-01")
    ana.rebuild()
    assert value(then, jane, NAME) == "Jane"
    then.close()
    then.close()
    with pytest.raises(Exception, match="closed"):
        then.desk.db.rows("SELECT 1")
