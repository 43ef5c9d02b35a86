"""Time: S-70 to S-73, S-95. Each case is played in every world of conftest.py whose clocks are right to begin with."""

from __future__ import annotations

from openprod.merge.fold import fold, sift
from openprod.model.bundle import Bundle, Sealed, claimed, decode_header, id_of, open_bundle
from openprod.model.hlc import COUNTER_MAX, Hlc, counter, hlc, wall_ms
from openprod.model.ids import WorkspaceId, id_from_text
from openprod.testing.clock import HOUR_MS, MINUTE_MS, YEAR_MS
from openprod.testing.device import draft_set
from openprod.testing.world import EMAIL, NAME, PEOPLE, PHONE, Look, Seat, World


def given_old(world: World, *seats: Seat) -> str:
    """Returns a record whose name everybody knows as Old."""
    record = seats[0].add(PEOPLE, {NAME: "Old"})
    world.begin(*seats)
    return record


def opened(seat: Seat) -> list[Bundle]:
    """Returns all bundles that a device holds, decoded."""
    found: list[Bundle] = []
    for sealed in seat.sealed():
        header = decode_header(sealed.header)
        found.append(open_bundle(id_of(sealed, WorkspaceId(header.workspace)), header, sealed))
    return found


def effective_of(seat: Seat, record: str, key: str) -> list[Hlc]:
    """Returns the stamps that order the writes of a slot, in the order of the values' texts."""
    state = fold(sift(opened(seat)).applied)
    writes = [write for write in state.writes.values() if (id_from_text(record), key) in write.slots]
    return [write.eff for write in sorted(writes, key=lambda write: str(write.value))]


def newest_header(before: list[Sealed], seat: Seat) -> Hlc:
    """Returns what the newest bundle of a device claims, given what it held before."""
    (new,) = [sealed for sealed in seat.sealed() if sealed not in before]
    return claimed(decode_header(new.header))


def test_s70_a_clock_that_jumps_back_does_not_put_new_work_before_old(punctual_world: World) -> None:
    world = punctual_world
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "A1")
    ben.set(r, NAME, "B")
    world.set_clock(ana, -HOUR_MS)
    ana.set(r, NAME, "A2")
    world.set_clock(ana, 0)
    world.sync(ana, ben)
    first, second, *_ = effective_of(ben, r, NAME)
    assert first < second

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"A2", "B"}
        assert look.shown[r, NAME] == "A2"

    world.then(check, ana, ben)


def test_s71_work_of_a_clock_hours_fast_is_held_and_comes_in_by_itself(punctual_world: World) -> None:
    world = punctual_world
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    world.set_clock(ben, 3 * HOUR_MS)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def held(look: Look) -> None:
        assert look.shown[r, NAME] == "Old"
        assert look.pending == {"held": 1}

    world.then(held, ana)
    before = ana.sealed()
    ana.set(r, PHONE, "555-0100")
    bens = max(wall_ms(claimed(bundle.header)) for bundle in opened(ben))
    assert wall_ms(newest_header(before, ana)) < bens - 2 * HOUR_MS, "her own clock is not moved"
    world.pass_time(3 * HOUR_MS)

    def applied(look: Look) -> None:
        assert look.shown[r, NAME] == "Y"
        assert look.shown[r, PHONE] == "555-0100"
        assert not look.pending

    world.then(applied, ana)


def test_s72_a_full_counter_carries_into_the_wall_part(punctual_world: World) -> None:
    world = punctual_world
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    dee = world.guest("Dee", ana)
    full = hlc(dee.clock() + MINUTE_MS, COUNTER_MAX)
    dee.seal([draft_set(id_from_text(r), NAME, "1", dee.heads(r, NAME))], claimed=full)
    ana_sees = dee.sealed()
    world.carry(dee, ana, ana_sees)
    ana.set(r, NAME, "2")
    world.sync(ana, ben)
    one, two, _ = effective_of(ben, r, NAME)
    assert (one, counter(one)) == (full, COUNTER_MAX)
    assert two == hlc(wall_ms(full) + 1, 0)

    def check(look: Look) -> None:
        assert look.shown[r, NAME] == "2"
        assert not look.offers

    world.then(check, ana, ben)


def test_s73_equal_clock_readings_are_ordered_by_id_everywhere(punctual_world: World) -> None:
    world = punctual_world
    ana, ben = world.cast("Ana", "Ben")
    r = given_old(world, ana, ben)
    ana.set(r, NAME, "X")
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)
    _, one, two = effective_of(ana, r, NAME)
    assert one == two
    greater = max(fold(sift(opened(ana)).applied).heads[id_from_text(r), NAME], key=lambda head: head.bundle)

    def check(look: Look) -> None:
        assert look.offered(r, NAME) == {"X", "Y"}
        assert look.shown[r, NAME] == greater.value

    world.then(check, ana, ben)


def test_s95_an_edit_made_a_year_fast_is_held_until_somebody_lets_it_in(punctual_world: World) -> None:
    world = punctual_world
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = given_old(world, ana, ben, cy)
    world.set_clock(ana, YEAR_MS)
    ana.set(r, NAME, "X")
    world.set_clock(ana, 0)
    ana.set(r, PHONE, "555-0100")
    world.sync(ana, ben)
    world.sync(ben, cy)

    def held(look: Look) -> None:
        assert look.shown == {(r, NAME): "Old"}
        assert look.pending == {"held": 1, "waiting": 1}

    world.then(held, ben, cy)
    ben.accept_held()
    world.sync(ben, cy)

    def let_in(look: Look) -> None:
        assert look.shown == {(r, NAME): "X", (r, PHONE): "555-0100"}
        assert not look.pending

    world.then(let_in, ben, cy)
    before = cy.sealed()
    cy.set(r, EMAIL, "jane@example.com")
    right = max(wall_ms(claimed(bundle.header)) for bundle in opened(ben) if bundle.header.claimed < hlc(ben_year(ben)))
    assert right <= wall_ms(newest_header(before, cy)) < right + HOUR_MS, "new edits carry right times"
    world.sync(cy, ben, ana)

    def in_order(look: Look) -> None:
        assert look.shown[r, EMAIL] == "jane@example.com"

    world.then(in_order, ana, ben, cy)
    (mail,) = effective_of(cy, r, EMAIL)
    assert mail > max(effective_of(cy, r, NAME)), "canonical order respects what was seen"


def ben_year(seat: Seat) -> int:
    """Returns half a year after the first bundle: what lies behind it was written by a wrong clock."""
    return min(wall_ms(claimed(bundle.header)) for bundle in opened(seat)) + YEAR_MS // 2
