"""Log and sync: S-35, S-60 to S-64, S-66, S-67, S-97, S-98. Each case is played in every world of conftest.py."""

from __future__ import annotations

from random import Random

from openprod.model.bundle import Sealed, decode_header, encode_sealed
from openprod.model.ids import id_from_text
from openprod.testing.clock import FakeClock
from openprod.testing.device import draft_later, draft_set
from openprod.testing.link import stream, whole_ones
from openprod.testing.world import EMAIL, NAME, PEOPLE, PHONE, Look, PaperSeat, Seat, World, last_of

PRONOUNS = "stage.people.pronouns"


def given_old(world: World, *seats: Seat) -> str:
    """Returns a record whose name everybody knows as Old."""
    record = seats[0].add(PEOPLE, {NAME: "Old"})
    world.begin(*seats)
    return record


def newest_bundle(before: list[Sealed], seat: Seat) -> list[Sealed]:
    """Returns what a device holds and did not hold before."""
    return [sealed for sealed in seat.sealed() if sealed not in before]


def test_s35_a_field_of_a_newer_module_is_kept_relayed_and_readable(world: World) -> None:
    ben, cy = world.cast("Ben", "Cy")
    r = given_old(world, ben, cy)
    ana = world.guest("Ana", ben)
    ana.set(r, PRONOUNS, "she/her")
    world.sync(ana, ben)
    ben.set(r, PHONE, "555-0100")
    world.sync(ben, cy)

    def check(look: Look) -> None:
        assert look.shown[r, PRONOUNS] == "she/her"
        assert look.shown[r, PHONE] == "555-0100"
        assert not look.offers

    world.then(check, ben, cy)


def test_s60_a_bundle_waits_for_what_its_author_had_seen(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    held = ana.sealed()
    ana.set(r, NAME, "X")
    anas = newest_bundle(held, ana)
    world.sync(ana, ben)
    held = ben.sealed()
    ben.set(r, NAME, "Y")
    world.carry(ben, cy, newest_bundle(held, ben))

    def waits(look: Look) -> None:
        assert look.shown[r, NAME] == "Old"
        assert look.pending == {"waiting": 1}
        assert not look.offers

    world.then(waits, cy)
    world.carry(ana, cy, anas)

    def applied(look: Look) -> None:
        assert look.shown[r, NAME] == "Y"
        assert not look.pending
        assert not look.offers

    world.then(applied, cy)


def test_s61_a_restored_backup_splits_a_log_and_both_branches_take_effect(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    put_back = world.back_up(ana)
    ana.set(r, NAME, "X")
    world.sync(ana, ben)
    put_back()
    ana.set(r, NAME, "Y")
    world.sync(ana, ben, cy)

    def both(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}
        assert "fork" in look.flagged

    world.then(both, ana, ben, cy)
    logs = {decode_header(sealed.header).log for sealed in ana.sealed()}
    ana.set(r, PHONE, "555-0100")
    ben.set(r, EMAIL, "jane@example.com")
    world.sync(ana, ben, cy)
    assert {decode_header(sealed.header).log for sealed in ana.sealed()} > logs, "she goes on under a fresh log"

    def goes_on(look: Look) -> None:
        assert (look.shown[r, PHONE], look.shown[r, EMAIL]) == ("555-0100", "jane@example.com")
        assert look.offered(r, NAME) == {"X", "Y"}
        assert not look.pending

    world.then(goes_on, ana, ben, cy)


def test_s62_a_bundle_of_a_newer_version_has_no_effect_until_the_upgrade(world: World) -> None:
    ben, cy = world.cast("Ben", "Cy")
    r = given_old(world, ben, cy)
    ana = world.guest("Ana", ben, is_newer=True)
    heads = ana.heads(r, NAME)
    ana.seal([draft_set(id_from_text(r), NAME, "X", heads), draft_later(id_from_text(r))])
    world.sync(ana, ben)
    world.sync(ben, cy)

    def unread(look: Look) -> None:
        assert look.shown[r, NAME] == "Old"
        assert look.unread == 1
        assert not look.offers

    world.then(unread, ben, cy)
    world.upgrade(ben)
    world.upgrade(cy)

    def read(look: Look) -> None:
        assert look.shown[r, NAME] == "X"
        assert look.unread == 0
        assert look.state_hash == ana.look().state_hash

    world.then(read, ben, cy)


def test_s63_bundles_pass_through_others_with_their_signatures_intact(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    held = ana.sealed()
    ana.set(r, NAME, "X")
    new = newest_bundle(held, ana)
    world.sync(ana, ben)
    world.sync(ben, cy)
    assert {encode_sealed(one) for one in new} <= {encode_sealed(one) for one in cy.sealed()}

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "X"

    world.then(check, cy)


def test_s64_a_bundle_of_500_ops_comes_whole_and_once_however_it_is_cut(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    held = ana.sealed()
    with ana.edit():
        rows = [ana.add(PEOPLE, {NAME: f"Dane {n}"}) for n in range(500)]
    raw = stream(newest_bundle(held, ana))
    before = ben.look()
    chance = Random(64)
    for cut in [0, 1, 4, 5, len(raw) - 1, *(chance.randrange(len(raw)) for _ in range(10))]:
        world.carry(ana, ben, whole_ones(raw[:cut]))
        assert ben.look() == before
    for _ in range(3):
        world.carry(ana, ben, whole_ones(raw))

    def check(look: Look) -> None:
        assert look.members[PEOPLE] == {r, *rows}
        assert not look.pending

    world.then(check, ben)


def test_s66_a_gap_in_a_log_is_filled_by_anybody(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    held = ana.sealed()
    for n in range(9):
        ana.set(r, NAME, str(n))
    new = newest_bundle(held, ana)
    new.sort(key=lambda sealed: decode_header(sealed.header).seq)
    world.carry(ana, cy, new)
    world.carry(ana, ben, new[:5] + new[6:])

    def has_a_gap(look: Look) -> None:
        assert look.shown[r, NAME] == "4"
        assert look.pending == {"waiting": 3}

    world.then(has_a_gap, ben)
    world.sync(ben, cy)

    def is_whole(look: Look) -> None:
        assert look.shown[r, NAME] == "8"
        assert not look.pending

    world.then(is_whole, ben, cy)


def test_s67_nothing_of_another_workspace_is_ever_accepted(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    other = PaperSeat.found("Ben", FakeClock(), Random(67))
    other.set(r, NAME, "From elsewhere")
    before = ana.look()
    world.carry(other, ana, other.sealed())
    theirs = other.look()
    other.receive(ana.sealed())
    assert other.look() == theirs

    def check(look: Look) -> None:
        assert look == before

    world.then(check, ana)


def test_s97_naming_a_write_that_was_never_seen_replaces_nothing_and_is_flagged(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    liar = world.guest("Dee", ana)
    held = ben.sealed()
    ben.set(r, NAME, "Y")
    log = decode_header(newest_bundle(held, ben)[0].header).log
    unseen = PaperSeat.join("Eve", FakeClock(liar.clock.true), Random(97), liar)
    unseen.receive(last_of(ben, log))
    bens = unseen.heads(r, NAME)
    assert bens
    liar.seal([draft_set(id_from_text(r), NAME, "Z", (*bens, *liar.heads(r, NAME)))])
    world.sync(liar, ana)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"Y", "Z"}
        assert "void_over" in look.flagged

    world.then(check, ana, ben)


def test_s97_naming_a_write_of_another_slot_replaces_nothing_and_is_flagged(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, PHONE, "555-0100")
    liar = world.guest("Dee", ana)
    liar.seal([draft_set(id_from_text(r), PHONE, "555-0199", liar.heads(r, NAME))])
    world.sync(liar, ana)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "Old"
        assert look.offered(r, PHONE) == {"555-0100", "555-0199"}
        assert "void_over" in look.flagged

    world.then(check, ana, ben)


def test_s98_an_older_build_offers_nothing_false_about_work_it_cannot_read(world: World) -> None:
    ben, cy = world.cast("Ben", "Cy")
    r = given_old(world, ben, cy)
    ana = world.guest("Ana", ben, is_newer=True)
    entity = id_from_text(r)
    held = ana.sealed()
    ana.seal([draft_set(entity, NAME, "X", ana.heads(r, NAME)), draft_later(entity)])
    world.carry(ana, ben, newest_bundle(held, ana))

    def marked(look: Look) -> None:
        assert look.shown[r, NAME] == "Old"
        assert not look.offers
        assert "replaced_unread" in look.flagged

    world.then(marked, ben)
    ana.set(r, NAME, "X2")
    world.sync(ana, ben)

    def follows(look: Look) -> None:
        assert look.shown[r, NAME] == "X2"
        assert not look.offers

    world.then(follows, ben)
    world.upgrade(ben)

    def upgraded(look: Look) -> None:
        assert look.shown[r, NAME] == "X2"
        assert not look.offers
        assert look.state_hash == ana.look().state_hash

    world.then(upgraded, ben)


def test_s98_a_deletion_by_an_older_build_does_not_swallow_work_it_cannot_read(world: World) -> None:
    ben, cy = world.cast("Ben", "Cy")
    r = given_old(world, ben, cy)
    ana = world.guest("Ana", ben, is_newer=True)
    entity = id_from_text(r)
    ana.seal([draft_set(entity, NAME, "X", ana.heads(r, NAME)), draft_later(entity)])
    world.sync(ana, ben)
    ben.delete(r)
    world.sync(ben, cy)

    def stays(look: Look) -> None:
        assert look.contested == {r}

    world.then(stays, ben, cy)
    world.upgrade(ben)

    def upgraded(look: Look) -> None:
        assert look.contested == {r}
        assert look.shown[r, NAME] == "X"

    world.then(upgraded, ben)
