"""Decisions: S-10 to S-14. Each case is played in every world of conftest.py."""

from __future__ import annotations

from openprod.testing.clock import MINUTE_MS
from openprod.testing.world import NAME, PEOPLE, Look, Seat, World


def given_question(world: World, *seats: Seat) -> str:
    """Returns a record whose name the first two have written apart, X and Y; everybody sees both."""
    ana, ben, *_ = seats
    record = ana.add(PEOPLE, {NAME: "Old"})
    world.sync(*seats)
    ana.set(record, NAME, "X")
    ben.set(record, NAME, "Y")
    world.begin(*seats)
    return record


def test_s10_a_late_edit_reopens_a_question_and_the_decision_stays_shown(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben, cy)
    ana.set(r, NAME, "X")
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)
    ana.decide(r, NAME, "X")
    world.sync(ana, ben)
    world.pass_time(20 * MINUTE_MS)
    cy.set(r, NAME, "Z")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Z"}
        assert look.shown[r, NAME] == "X"

    world.then(check, ana, ben, cy)


def test_s11_two_people_who_decide_alike_have_settled_it(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_question(world, ana, ben)
    ana.decide(r, NAME, "X")
    ben.decide(r, NAME, "X")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "X"
        assert not look.offers

    world.then(check, ana, ben)


def test_s12_two_people_who_decide_differently_are_asked_again(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_question(world, ana, ben)
    ana.decide(r, NAME, "X")
    world.pass_time(20 * MINUTE_MS)
    ben.decide(r, NAME, "Y")
    world.sync(ana, ben)

    def open_again(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}
        assert look.shown[r, NAME] == "Y" or not world.is_punctual
        assert look.deciders[r, NAME] == 2

    world.then(open_again, ana, ben)
    ana.decide(r, NAME, "X")
    world.sync(ana, ben)

    def settled(look: Look) -> None:
        assert look.shown[r, NAME] == "X"
        assert not look.offers

    world.then(settled, ana, ben)


def test_s13_a_decision_can_be_revised(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_question(world, ana, ben)
    ana.decide(r, NAME, "X")
    world.sync(ana, ben)
    ana.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "Y"
        assert not look.offers
        assert look.settled[r, NAME] == ("'X'",)

    world.then(check, ana, ben)


def test_s14_a_question_can_be_settled_with_a_third_value(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_question(world, ana, ben)
    ana.decide(r, NAME, "W")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "W"
        assert not look.offers
        assert look.settled[r, NAME] == ("'X'", "'Y'")

    world.then(check, ana, ben)
