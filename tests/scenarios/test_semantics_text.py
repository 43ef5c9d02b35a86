"""Texts and lists that merge: S-80, S-81, S-96. Each case is played in every world of conftest.py."""

from __future__ import annotations

from openprod.model.values import ListValue
from openprod.testing.clock import MINUTE_MS
from openprod.testing.world import NAME, NOTES, PEOPLE, TAGS, Look, Seat, World


def given_notes(world: World, notes: str | None, *seats: Seat) -> str:
    """Returns a record whose notes everybody knows."""
    record = seats[0].add(PEOPLE, {NAME: "Jane", NOTES: notes})
    world.begin(*seats)
    return record


def test_s80_words_typed_apart_at_one_place_are_both_there_unbroken(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_notes(world, "Standby . Go.", ana, ben)
    for at, (one, other) in enumerate(zip("LX 11", "SQ 22", strict=True)):
        ana.type(r, NOTES, 8 + at, 0, one)
        world.pass_time(MINUTE_MS)
        ben.type(r, NOTES, 8 + at, 0, other)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NOTES] in ("Standby LX 11SQ 22. Go.", "Standby SQ 22LX 11. Go.")
        assert not look.offers

    world.then(check, ana, ben)


def test_s80_three_type_in_an_empty_text_and_delete_in_each_others_words(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_notes(world, None, ana, ben, cy)
    ana.type(r, NOTES, 0, 0, "abc")
    ben.type(r, NOTES, 0, 0, "🎭é")
    world.sync(ana, ben)
    ana.type(r, NOTES, 0, 2, "")
    cy.type(r, NOTES, 0, 0, "xyz")
    ben.type(r, NOTES, 1, 1, "B")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert "xyz" in str(look.shown[r, NOTES])
        assert "B" in str(look.shown[r, NOTES])
        assert not look.offers
        assert not look.flagged

    world.then(check, ana, ben, cy)


def test_s96_the_same_words_set_outright_apart_stand_once(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_notes(world, "Old", ana, ben)
    ana.set(r, NOTES, "New")
    ben.set(r, NOTES, "New")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NOTES] == "New"
        assert not look.offers

    world.then(check, ana, ben)
    # Whoever types on goes on from both, so it stays one text.
    ana.type(r, NOTES, 3, 0, "er")
    world.sync(ana, ben)

    def typed(look: Look) -> None:
        assert look.shown[r, NOTES] == "Newer"
        assert not look.offers

    world.then(typed, ana, ben)


def test_s96_different_words_set_outright_apart_are_both_offered(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_notes(world, "Old", ana, ben)
    ana.set(r, NOTES, "One")
    ben.set(r, NOTES, "Two")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NOTES) == {"One", "Two"}

    world.then(check, ana, ben)


def test_s96_set_outright_against_typing_offers_both_the_typed_version_whole(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_notes(world, "Old", ana, ben, cy)
    ana.set(r, NOTES, "New")
    ben.type(r, NOTES, 3, 0, "er")
    cy.type(r, NOTES, 0, 0, "Much ")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert look.offered(r, NOTES) == {"New", "Much Older"}

    world.then(check, ana, ben, cy)
    ben.decide(r, NOTES, "Much Older")
    world.sync(ana, ben, cy)
    ana.type(r, NOTES, 0, 4, "Far")
    cy.type(r, NOTES, 10, 0, "!")
    world.sync(ana, ben, cy)

    def decided(look: Look) -> None:
        assert look.shown[r, NOTES] == "Far Older!"
        assert not look.offers

    world.then(decided, ana, ben, cy)


def test_typing_on_a_deleted_record_keeps_it_in_sight(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_notes(world, "Old", ana, ben)
    ana.delete(r)
    ben.type(r, NOTES, 3, 0, "er")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert r in look.contested
        assert look.shown[r, NOTES] == "Older"

    world.then(check, ana, ben)


# -- lists


def tags(look: Look, record: str) -> list[str]:
    found = look.shown.get((record, TAGS))
    return [str(one) for one in found] if isinstance(found, list) else []


def test_s81_a_reset_clears_what_its_author_saw(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Jane"})
    ana.put_in(r, TAGS, "high")
    ana.put_in(r, TAGS, "old")
    world.begin(ana, ben)
    ben.put_in(r, TAGS, "urgent")
    world.pass_time(MINUTE_MS)
    ana.refill(r, TAGS, ["low"])
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert sorted(tags(look, r)) == ["low", "urgent"]
        assert not look.offers

    world.then(check, ana, ben)


def test_s81_holds_for_a_list_that_came_whole(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = ana.add(PEOPLE, {NAME: "Jane", TAGS: ListValue(("a", "b", "c"))})
    world.begin(ana, ben, cy)
    ana.take_out(r, TAGS, "a")
    ben.take_out(r, TAGS, "b")
    cy.put_in(r, TAGS, "d")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert tags(look, r) == ["c", "d"]
        assert not look.offers

    world.then(check, ana, ben, cy)
    ana.put_in(r, TAGS, "a", 0)
    ben.refill(r, TAGS, ["z"])
    world.sync(ana, ben, cy)

    def later(look: Look) -> None:
        assert sorted(tags(look, r)) == ["a", "z"]

    world.then(later, ana, ben, cy)


def test_an_element_put_in_twice_apart_stands_once_and_an_addition_beats_a_removal(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Jane"})
    ana.put_in(r, TAGS, "x")
    ana.put_in(r, TAGS, "y")
    world.begin(ana, ben)
    ana.put_in(r, TAGS, "new")
    ben.put_in(r, TAGS, "new")
    ana.take_out(r, TAGS, "x")
    ben.put_in(r, TAGS, "x", 1)
    ana.put_in(r, TAGS, "y", 0)
    world.pass_time(MINUTE_MS)
    ben.put_in(r, TAGS, "y", 9)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert sorted(tags(look, r)) == ["new", "x", "y"]
        assert not look.offers
        assert tags(look, r)[-1] == "y" or not world.is_punctual

    world.then(check, ana, ben)
