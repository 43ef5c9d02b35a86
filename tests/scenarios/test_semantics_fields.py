"""Field values: S-01 to S-08. Each case is played in every world of conftest.py."""

from __future__ import annotations

from openprod.testing.clock import DAY_MS, MINUTE_MS
from openprod.testing.world import EMAIL, NAME, PEOPLE, PHONE, Look, Seat, World


def given_old(world: World, *seats: Seat) -> str:
    """Returns a record whose name everybody knows as Old."""
    record = seats[0].add(PEOPLE, {NAME: "Old"})
    world.begin(*seats)
    return record


def test_s01_a_write_by_somebody_who_saw_the_last_one_replaces_it(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "X")
    world.sync(ana, ben)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "Y"
        assert not look.offers

    world.then(check, ana, ben)


def test_s02_two_writes_apart_are_both_on_offer_and_the_later_is_shown(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "X")
    world.pass_time(5 * MINUTE_MS)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}
        assert look.shown[r, NAME] == "Y" or not world.is_punctual

    world.then(check, ana, ben)


def test_s02_three_days_apart_do_not_make_it_an_overwrite(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "X")
    world.pass_time(3 * DAY_MS)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}
        assert look.shown[r, NAME] == "Y"

    world.then(check, ana, ben)


def test_s03_the_tip_of_each_branch_is_on_offer_and_not_its_steps(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    for value in ("1", "2", "3"):
        ana.set(r, NAME, value)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"3", "Y"}

    world.then(check, ana, ben)


def test_s04_what_one_of_three_replaced_is_gone_and_what_nobody_saw_stays(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    ana.set(r, NAME, "X")
    ben.set(r, NAME, "Y")
    world.sync(ana, cy)
    cy.set(r, NAME, "Z")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"Y", "Z"}

    world.then(check, ana, ben, cy)


def test_s05_cleared_is_a_value_like_any_other(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, None)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {None, "Y"}

    world.then(check, ana, ben)


def test_s06_a_save_replaces_what_the_editor_showed_and_not_what_was_stored_meanwhile(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    editor = ana.heads(r, NAME)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)
    ana.set(r, NAME, "X", heads=editor)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}

    world.then(check, ana, ben)


def test_s06_the_same_for_a_paste_over_many_rows_in_one_bundle(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    rows = [ana.add(PEOPLE, {NAME: f"Old {n}"}) for n in range(4)]
    world.begin(ana, ben)
    screen = {row: ana.heads(row, NAME) for row in rows}
    ben.set(rows[2], NAME, "Y")
    world.sync(ana, ben)
    with ana.edit():
        for row in rows:
            ana.set(row, NAME, "X", heads=screen[row])
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offers.keys() == {(rows[2], NAME)}
        assert look.offered(rows[2], NAME) == {"X", "Y"}
        assert all(look.shown[row, NAME] == "X" for row in rows if row != rows[2])

    world.then(check, ana, ben)


def test_s07_typing_over_a_question_that_the_screen_shows_settles_it(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "X")
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)
    ana.set(r, NAME, "Z")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "Z"
        assert not look.offers
        assert look.settled[r, NAME] == ("'X'", "'Y'")

    world.then(check, ana, ben)


def test_s08_different_fields_of_one_record_are_nothing_to_decide(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, PHONE, "555-0100")
    ben.set(r, EMAIL, "jane@example.com")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert (look.shown[r, PHONE], look.shown[r, EMAIL]) == ("555-0100", "jane@example.com")
        assert not look.offers
        assert not look.contested

    world.then(check, ana, ben)
