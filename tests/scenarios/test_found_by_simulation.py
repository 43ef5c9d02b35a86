"""What the simulator and the comparison with `fold` once found, each as a small history of its own."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from random import Random

import pytest

from openprod.model.bundle import Sealed, decode_header
from openprod.model.ids import id_from_text
from openprod.model.ops import Set
from openprod.testing.desks import DeskWorld
from openprod.testing.device import AUTOMATION, Draft, draft_carry, draft_later, draft_set
from openprod.testing.world import EMAIL, KNOWS, NAME, PEOPLE, PHONE, Look, PaperSeat, Seat

NOTE = "stage.knows.note"


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[DeskWorld]:
    """Real workspaces; every check compares with fold as well."""
    made = DeskWorld(tmp_path, Random(request.node.name))
    yield made
    made.close()


def wide(guest: PaperSeat, records: list[str], keys: tuple[str, ...], value: str, *, auto: bool) -> None:
    """Writes one value by one op into every field of these, over whatever stands in any of them."""
    over = dict.fromkeys(op for record in records for key in keys for op in guest.heads(record, key))
    entities = tuple(id_from_text(record) for record in records)
    draft = Draft(entities, keys, tuple(over), lambda c, s, k, o: Set(c, s, k, o, value))
    guest.seal([draft], cause=AUTOMATION) if auto else guest.seal([draft])


def nothing_open(look: Look) -> None:
    """Checks that there is nothing to decide."""
    assert not look.offers
    assert not look.contested


def flagged_as(look: Look, kind: str) -> None:
    """Checks that something of a kind is worth knowing."""
    assert kind in look.flagged


def in_one_go(world: DeskWorld, to: Seat, *sources: Seat) -> None:
    """Brings a device everything of several others in one batch."""
    found: dict[bytes, Sealed] = {}
    for source in sources:
        found.update({sealed.header: sealed for sealed in source.sealed()})
    order = sorted(found.values(), key=lambda sealed: decode_header(sealed.header).seq)
    world.carry(sources[0], to, order)


def test_a_tip_seen_behind_the_newest_of_its_log_is_found_in_the_same_batch(world: DeskWorld) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben, cy)
    ana.set(r, NAME, "1")
    world.sync(ana, ben)
    ana.set(r, NAME, "2")
    ben.set(r, PHONE, "555-0100")
    in_one_go(world, cy, ana, ben)
    world.then(nothing_open, cy)


def test_a_log_that_splits_within_one_batch_keeps_what_its_authors_had_seen(world: DeskWorld) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben, cy)
    ben.set(r, EMAIL, "a@example.com")
    world.sync(ana, ben)
    ana.set(r, PHONE, "555-0100")
    put_back = world.back_up(ana)
    ana.set(r, NAME, "X")
    world.sync(ana, ben)
    put_back()
    ana.set(r, EMAIL, "b@example.com")
    in_one_go(world, cy, ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r, EMAIL] == "b@example.com"
        assert look.shown[r, NAME] == "X"
        assert not look.offers

    world.then(check, cy)


def test_automation_over_many_fields_is_void_only_where_it_would_settle_a_question(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, q = (ana.add(PEOPLE, {NAME: name}) for name in ("R", "Q"))
    world.begin(ana, ben)
    ana.set(r, NAME, "X")
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)
    rule = world.guest("Rule", ana)
    wide(rule, [r, q], (NAME,), "Z", auto=True)
    world.sync(rule, ana)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y", "Z"}
        assert look.shown[q, NAME] == "Z"
        assert (q, NAME) not in look.offers
        assert "automation" in look.flagged

    world.then(check, ana)


def listed_too(guest: PaperSeat, record: str, of: str, to: str) -> None:
    """Lists the one value of a field in another field of its record too, as unmapping does."""
    (head,) = guest.heads(record, of)
    guest.seal([draft_carry((id_from_text(record),), to, head)])


def test_automation_that_replaced_two_fields_is_not_judged_by_what_is_carried_there_later(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "X", EMAIL: "Y"})
    world.begin(ana, ben)
    rule, other = world.guest("Rule", ana), world.guest("Other", ana)
    wide(rule, [r], (NAME, EMAIL), "Z", auto=True)
    listed_too(other, r, NAME, EMAIL)
    world.sync(rule, ana)
    world.sync(other, ana)
    world.sync(other, ben)
    world.sync(rule, ben)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == look.shown[r, EMAIL] == "Z"
        assert "automation" not in look.flagged
        nothing_open(look)

    world.then(check, ana, ben)


def test_automation_that_saw_what_was_carried_beside_another_value_settles_nothing(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "X", EMAIL: "Y"})
    world.begin(ana, ben)
    other = world.guest("Other", ana)
    listed_too(other, r, NAME, EMAIL)
    rule = world.guest("Rule", other)
    wide(rule, [r], (EMAIL,), "Z", auto=True)
    world.sync(rule, ana)
    world.sync(rule, ben)

    def check(look: Look) -> None:
        assert look.offered(r, EMAIL) == {"X", "Y", "Z"}
        assert look.shown[r, NAME] == "X"
        assert "automation" in look.flagged

    world.then(check, ana, ben)


def test_a_write_that_names_what_is_carried_to_its_field_later_named_it_with_right(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "X", EMAIL: "Y"})
    world.begin(ana, ben)
    early, other = world.guest("Early", ana), world.guest("Other", ana)
    early.seal([draft_set(id_from_text(r), EMAIL, "Z", [*early.heads(r, NAME), *early.heads(r, EMAIL)])])
    world.sync(early, ana)
    world.then(lambda look: flagged_as(look, "void_over"), ana)
    listed_too(other, r, NAME, EMAIL)
    world.sync(other, ana)
    world.sync(other, ben)
    world.sync(early, ben)

    def check(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, EMAIL]) == ("X", "Z")
        assert not look.flagged
        nothing_open(look)

    world.then(check, ana, ben)


def test_what_a_carried_value_replaced_goes_where_the_carried_value_is_itself_replaced(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Old", EMAIL: "Y"})
    world.begin(ana, ben)
    first = world.guest("First", ana)
    listed_too(first, r, NAME, EMAIL)
    second = world.guest("Second", ana)
    (old,) = second.heads(r, NAME)
    second.seal([draft_set(id_from_text(r), NAME, "X", [old])])
    (new,) = second.heads(r, NAME)
    second.seal([draft_set(id_from_text(r), EMAIL, "Z", [new, *second.heads(r, EMAIL)])])
    second.seal([draft_carry((id_from_text(r),), EMAIL, new)])
    for seats in ((first, second), (second, first)):
        for seat in seats:
            world.sync(seat, ana if seats[0] is first else ben)

    def check(look: Look) -> None:
        assert look.shown[r, EMAIL] == "Z"
        nothing_open(look)

    world.then(check, ana, ben)


def test_a_write_that_names_unread_work_reaches_only_where_that_work_does(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben)
    newer = world.guest("Dee", ana, is_newer=True)
    wide(newer, [r], (NAME, PHONE), "W", auto=False)
    entity = id_from_text(r)
    ghost = newer.seal([draft_set(entity, NAME, "X", newer.heads(r, NAME)), draft_later(entity)])
    newer.seal([Draft((entity,), (NAME, PHONE), ((ghost, 0),), lambda c, s, k, o: Set(c, s, k, o, "V"))])
    world.sync(newer, ana)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "V"
        assert look.offered(r, PHONE) == {"W", "V"}

    world.then(check, ana)
    world.upgrade(ana)
    world.then(check, ana)


def test_automation_that_names_unread_work_beside_other_work_settles_nothing(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben)
    newer = world.guest("Dee", ana, is_newer=True)
    ben.set(r, NAME, "Y")
    entity = id_from_text(r)
    newer.seal([draft_set(entity, NAME, "X", newer.heads(r, NAME)), draft_later(entity)])
    world.sync(newer, ben)
    newer.seal([draft_set(entity, NAME, "Z", newer.heads(r, NAME))], cause=AUTOMATION)
    world.sync(newer, ana)

    def older(look: Look) -> None:
        assert look.offered(r, NAME) == {"Y", "Z"}

    world.then(older, ana)
    world.upgrade(ana)

    def upgraded(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y", "Z"}

    world.then(upgraded, ana)


def test_questions_on_a_relation_rest_while_an_end_is_deleted(world: DeskWorld) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, q = (ana.add(PEOPLE, {NAME: name}) for name in ("R", "Q"))
    relation = ana.relate(r, KNOWS, q)
    world.begin(ana, ben)
    ana.set(relation, NOTE, "A")
    ben.set(relation, NOTE, "B")
    world.sync(ana, ben)

    def is_open(look: Look) -> None:
        assert look.offered(relation, NOTE) == {"A", "B"}

    world.then(is_open, ana, ben)
    ana.delete(q)
    world.sync(ana, ben)
    world.then(nothing_open, ana, ben)
    ben.restore(q)
    world.sync(ana, ben)
    world.then(is_open, ana, ben)
