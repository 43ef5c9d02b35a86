"""Fields mapped, records merged, entries in order: S-31 to S-34, S-40 to S-43, S-82 to S-85, S-90 to S-93.

Each case is played in every world of conftest.py. A mapped field is asked about under the smallest of its keys, a
merged record is known by the smallest of its ids.
"""

from __future__ import annotations

import pytest

from openprod.testing.world import (
    ATTENDEES,
    EMAIL,
    FRIEND,
    LABEL,
    NAME,
    ORDER,
    PEOPLE,
    PHONE,
    SINCE,
    WORD,
    Look,
    Seat,
    World,
)


def in_both(seat: Seat, name: str | None, label: str | None) -> str:
    """Returns a record that is in both tables."""
    record = seat.add(PEOPLE, {NAME: name} if name is not None else {})
    seat.put(record, ATTENDEES)
    if label is not None:
        seat.set(record, LABEL, label)
    return record


# -- mapping


@pytest.mark.parametrize("writers", ["one", "two"])
def test_s31_a_mapping_chooses_nothing_silently_also_where_one_person_wrote_both(world: World, writers: str) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = in_both(ana, "Jane Doe", None)
    world.begin(ana, ben)
    (ana if writers == "one" else ben).set(r, LABEL, "J. Doe")
    world.sync(ana, ben)
    ana.map_fields(NAME, LABEL)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, LABEL) == {"Jane Doe", "J. Doe"}
        assert look.shown[r, NAME] == look.shown[r, LABEL]
        assert len(look.offers) == 1

    world.then(check, ana, ben)
    ben.decide(r, LABEL, "Jane Doe")
    world.sync(ana, ben)

    def settled(look: Look) -> None:
        assert not look.offers
        assert look.shown[r, NAME] == look.shown[r, LABEL] == "Jane Doe"

    world.then(settled, ana, ben)


def test_s32_writes_on_either_side_of_a_mapping_made_apart_are_one_question(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = in_both(ana, "J", "J")
    world.begin(ana, ben, cy)
    ana.map_fields(NAME, LABEL)
    ben.set(r, NAME, "B1")
    cy.set(r, LABEL, "C1")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert look.offered(r, LABEL) == {"B1", "C1"}
        assert len(look.offers) == 1
        assert look.shown[r, NAME] == look.shown[r, LABEL]

    world.then(check, ana, ben, cy)


def test_s33_a_mapping_taken_back_leaves_on_both_sides_what_was_written_to_both(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = in_both(ana, "K", "K")
    ana.map_fields(NAME, LABEL)
    world.begin(ana, ben)
    ana.unmap_fields(NAME, LABEL)
    ben.set(r, NAME, "L")
    world.sync(ana, ben)

    def both(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, LABEL]) == ("L", "L")
        assert not look.offers

    world.then(both, ana, ben)
    ana.set(r, NAME, "M")
    world.sync(ana, ben)

    def apart(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, LABEL]) == ("M", "L")
        assert not look.offers

    world.then(apart, ana, ben)


def test_s90_what_was_written_while_mapped_stands_beside_what_was_written_since(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = in_both(ana, "K", None)
    ana.map_fields(NAME, LABEL)
    world.begin(ana, ben)
    ana.set(r, NAME, "K2")
    ana.unmap_fields(NAME, LABEL)
    ana.set(r, NAME, "M")
    ana.map_fields(NAME, LABEL)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, LABEL) == {"K2", "M"}

    world.then(check, ana, ben)


def test_s92_both_values_of_one_import_can_be_told_apart_and_taken(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    world.begin(ana, ben)
    with ana.edit():
        r = ana.add(PEOPLE, {NAME: "Jane Doe"})
        ana.put(r, ATTENDEES)
        ana.set(r, LABEL, "J. Doe", [])
    ana.map_fields(NAME, LABEL)
    world.sync(ana, ben)

    def both(look: Look) -> None:
        assert look.offered(r, LABEL) == {"Jane Doe", "J. Doe"}

    world.then(both, ana, ben)
    ben.decide(r, LABEL, "J. Doe")
    world.sync(ana, ben)

    def taken(look: Look) -> None:
        assert not look.offers
        assert look.shown[r, NAME] == "J. Doe"

    world.then(taken, ana, ben)


def test_s93_a_value_that_one_side_only_borrowed_is_kept_there_and_not_offered_against_a_later_one(
    world: World,
) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = in_both(ana, "K", None)
    ana.map_fields(NAME, LABEL)
    world.begin(ana, ben)
    ana.unmap_fields(NAME, LABEL)

    def borrowed(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, LABEL]) == ("K", "K")

    world.then(borrowed, ana)
    ben.set(r, NAME, "L")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, LABEL]) == ("L", "L")
        assert not look.offers

    world.then(check, ana, ben)


def test_a_mapping_confirmed_again_stands_against_its_being_taken_back_elsewhere(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    r = in_both(ana, "K", "K")
    ana.map_fields(NAME, LABEL)
    world.begin(ana, ben, cy)
    ana.unmap_fields(NAME, LABEL)
    ben.unmap_fields(NAME, LABEL)
    ben.map_fields(NAME, LABEL)
    world.sync(ana, ben)
    ben.set(r, LABEL, "N")
    cy.set(r, PHONE, "1")
    world.sync(ana, ben, cy)

    def check(look: Look) -> None:
        assert (look.shown[r, NAME], look.shown[r, LABEL]) == ("N", "N")
        assert not look.offers

    world.then(check, ana, ben, cy)


def test_what_was_typed_before_the_mapping_was_on_screen_writes_its_own_field_only(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = in_both(ana, "J", "J. Doe")
    world.begin(ana, ben)
    editor = ben.heads(r, NAME)
    ana.map_fields(NAME, LABEL)
    world.sync(ana, ben)
    ben.set(r, NAME, "Jane", editor)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, LABEL) == {"J. Doe", "Jane"}

    world.then(check, ana, ben)


# -- linking


def test_s34_of_a_record_unlinked_twice_apart_there_is_just_one_copy_with_the_same_id_everywhere(
    world: World,
) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Jane"})
    ana.link(PEOPLE, ATTENDEES)
    ana.set(r, LABEL, "J. Doe")
    world.begin(ana, ben)
    ana.unlink(PEOPLE, ATTENDEES)
    ben.unlink(PEOPLE, ATTENDEES)
    world.sync(ana, ben)
    copies: set[frozenset[str]] = set()

    def check(look: Look) -> None:
        assert look.members[PEOPLE] == {r}
        (copy,) = look.members[ATTENDEES]
        assert copy != r
        assert look.shown[copy, LABEL] == "J. Doe"
        assert not look.offers
        copies.add(look.members[ATTENDEES])

    world.then(check, ana, ben)
    assert len(copies) == 1
    ana.set(r, LABEL, "mine")
    (copy,) = next(iter(copies))
    ben.set(copy, LABEL, "its own")
    world.sync(ana, ben)

    def apart(look: Look) -> None:
        assert look.shown[copy, LABEL] == "its own"
        assert not look.offers

    world.then(apart, ana, ben)


# -- merging


def test_s40_a_chain_of_merges_made_apart_is_one_record_reached_by_every_id(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2, r3 = (ana.add(PEOPLE, {NAME: "J"}) for _ in range(3))
    world.begin(ana, ben)
    ana.merge(r1, r2)
    ben.merge(r2, r3)
    world.sync(ana, ben)
    smallest = min(r1, r2, r3)

    def check(look: Look) -> None:
        assert look.members[PEOPLE] == {smallest}
        assert look.alive == {smallest}

    world.then(check, ana, ben)
    for seat, at, key, value in ((ana, r1, NAME, "A"), (ben, r2, PHONE, "2"), (ana, r3, EMAIL, "c@d")):
        seat.set(at, key, value)
    world.sync(ana, ben)

    def reached(look: Look) -> None:
        assert [look.shown[smallest, key] for key in (NAME, PHONE, EMAIL)] == ["A", "2", "c@d"]
        assert not look.offers

    world.then(reached, ana, ben)


def test_merges_in_a_circle_are_one_record_until_every_one_of_them_is_taken_back(world: World) -> None:
    ana, ben, cy = world.cast("Ana", "Ben", "Cy")
    ids = sorted(ana.add(PEOPLE, {NAME: name}) for name in ("J", "J", "J"))
    world.begin(ana, ben, cy)
    ana.merge(ids[0], ids[1])
    ben.merge(ids[1], ids[2])
    cy.merge(ids[0], ids[2])
    world.sync(ana, ben, cy)

    def one(look: Look) -> None:
        assert look.members[PEOPLE] == {ids[0]}

    world.then(one, ana, ben, cy)
    ana.put(ids[0], ATTENDEES)
    ana.split(ids[2], [ATTENDEES])
    world.sync(ana, ben, cy)

    def two(look: Look) -> None:
        assert look.members == {PEOPLE: {ids[0]}, ATTENDEES: {ids[2]}}

    world.then(two, ana, ben, cy)


def test_s41_work_on_the_absorbed_id_made_without_knowing_of_the_merge_counts(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = sorted(ana.add(PEOPLE, {NAME: "J"}) for _ in range(2))
    world.begin(ana, ben)
    ana.merge(r1, r2)
    ben.set(r2, PHONE, "2")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[r1, PHONE] == "2"
        assert look.members[PEOPLE] == {r1}
        assert not look.offers

    world.then(check, ana, ben)


def test_s42_a_merge_offers_both_values_and_is_in_every_table_of_either(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = ana.add(PEOPLE, {NAME: "Old"}), ana.add(ATTENDEES, {LABEL: "x"})
    ana.put(r2, PEOPLE)
    ana.set(r2, NAME, "J. Smith")
    world.begin(ana, ben)
    ana.merge(r1, r2)
    world.sync(ana, ben)
    low = min(r1, r2)

    def check(look: Look) -> None:
        assert look.offered(low, NAME) == {"Old", "J. Smith"}
        assert look.members == {PEOPLE: {low}, ATTENDEES: {low}}
        assert look.shown[low, LABEL] == "x"

    world.then(check, ana, ben)


def test_s43_after_a_split_work_made_apart_is_on_the_record_whose_table_it_was_in(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = sorted((ana.add(PEOPLE, {NAME: "J"}), ana.add(ATTENDEES, {LABEL: "J"})))
    lighting, calling = (r1, r2) if r1 in ana.look().members[PEOPLE] else (r2, r1)
    ana.map_fields(NAME, LABEL)
    ana.merge(r1, r2)
    world.begin(ana, ben)
    ana.split(r2, [ATTENDEES if calling == r2 else PEOPLE])
    ben.set(r1, PHONE, "2")
    ben.set(r1, NAME, "Jo")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.members == {PEOPLE: {lighting}, ATTENDEES: {calling}}
        assert look.shown[lighting, PHONE] == "2"
        assert (look.shown[lighting, NAME], look.shown[calling, LABEL]) == ("Jo", "Jo")
        assert not look.offers

    world.then(check, ana, ben)


def test_s91_of_records_split_after_they_were_deleted_as_one_only_the_restored_one_is_back(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = sorted((ana.add(PEOPLE, {NAME: "A"}), ana.add(ATTENDEES, {LABEL: "B"})))
    second = ATTENDEES if r1 in ana.look().members[PEOPLE] else PEOPLE
    ana.merge(r1, r2)
    world.begin(ana, ben)
    ana.delete(r1)
    ana.split(r2, [second])
    ana.restore(r1)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.alive == {r1}
        assert not look.contested

    world.then(check, ana, ben)


def test_a_merge_stands_against_deletions_that_had_not_seen_it(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = sorted(ana.add(PEOPLE, {NAME: name}) for name in ("A", "A"))
    world.begin(ana, ben)
    ana.merge(r1, r2)
    ben.delete(r1)
    ben.delete(r2)
    world.sync(ana, ben)

    def stays(look: Look) -> None:
        assert look.alive == look.contested == {r1}

    world.then(stays, ana, ben)
    ben.delete(r1)
    world.sync(ana, ben)

    def gone(look: Look) -> None:
        assert not look.alive

    world.then(gone, ana, ben)


def test_one_of_two_merged_records_deleted_by_somebody_who_had_not_seen_the_merge_stays_with_the_other(
    world: World,
) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2 = sorted(ana.add(PEOPLE, {NAME: "A"}) for _ in range(2))
    world.begin(ana, ben)
    ana.merge(r1, r2)
    ben.delete(r1)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.alive == {r1}
        assert look.shown[r1, NAME] == "A"

    world.then(check, ana, ben)


def test_relations_of_merged_records_are_those_of_both(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r1, r2, p, q = (ana.add(PEOPLE, {NAME: name}) for name in ("R", "R", "P", "Q"))
    ana.relate(r1, "stage.knows", p)
    ana.relate(q, "stage.knows", r2)
    world.begin(ana, ben)
    ana.merge(r1, r2)
    world.sync(ana, ben)
    low = min(r1, r2)

    def check(look: Look) -> None:
        assert look.relations == {("stage.knows", low, p), ("stage.knows", q, low)}

    world.then(check, ana, ben)


# -- order


def three_cues(seat: Seat) -> tuple[str, list[str]]:
    """Returns a list and its entries, in order."""
    page, *cues = (seat.add(PEOPLE, {NAME: name}) for name in ("page", "11", "12", "13"))
    return page, [seat.relate(page, ORDER, cue) for cue in cues]


def test_s82_a_cue_moved_twice_apart_is_in_the_list_once_at_the_later_place(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    page, (one, two, three) = three_cues(ana)
    world.begin(ana, ben)
    ana.move(one, after=three)
    world.pass_time(60_000)
    ben.move(one, after=two)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        found = look.lists[ORDER, page]
        assert found == (two, one, three) or not world.is_punctual
        assert sorted(found) == sorted((one, two, three))
        assert not look.offers

    world.then(check, ana, ben)


def test_s83_a_cue_placed_behind_one_that_is_deleted_meanwhile_is_where_that_was(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    page, *cues = (ana.add(PEOPLE, {NAME: name}) for name in ("page", "11", "12", "13"))
    one, two, three = (ana.relate(page, ORDER, cue) for cue in cues)
    new = ana.add(PEOPLE, {NAME: "12.5"})
    world.begin(ana, ben)
    entry = ana.relate(page, ORDER, new, after=two)
    ben.delete(cues[1])
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.lists[ORDER, page] == (one, entry, three)

    world.then(check, ana, ben)


def test_s84_taking_out_of_a_list_beats_moving_and_a_return_has_a_definite_place(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    page, (one, two, three) = three_cues(ana)
    world.begin(ana, ben)
    ana.move(one, after=three)
    ben.unrelate(one)
    world.sync(ana, ben)

    def out(look: Look) -> None:
        assert look.lists[ORDER, page] == (two, three)

    world.then(out, ana, ben)
    ben.restore_relation(one)
    world.sync(ana, ben)

    def back(look: Look) -> None:
        assert look.lists[ORDER, page] == (two, three, one)

    world.then(back, ana, ben)


def test_s85_one_cue_placed_twice_is_two_entries(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    page, cue = (ana.add(PEOPLE, {NAME: name}) for name in ("page", "11"))
    world.begin(ana, ben)
    standby = ana.relate(page, ORDER, cue, {WORD: "standby"})
    go = ben.relate(page, ORDER, cue, {WORD: "go"})
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert set(look.lists[ORDER, page]) == {standby, go}
        assert not look.offers

    world.then(check, ana, ben)


def test_s85_a_unique_relation_made_twice_is_one_and_differing_properties_are_offered(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    p, q = (ana.add(PEOPLE, {NAME: name}) for name in ("P", "Q"))
    world.begin(ana, ben)
    first = ana.relate(p, FRIEND, q, {SINCE: "May"})
    second = ben.relate(p, FRIEND, q, {SINCE: "June"})
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert first == second
        assert look.relations == {(FRIEND, p, q)}
        assert look.offered(first, SINCE) == {"May", "June"}

    world.then(check, ana, ben)


def test_runs_inserted_apart_at_one_place_stay_together(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    page, (one, two, three) = three_cues(ana)
    cues = [ana.add(PEOPLE, {NAME: f"n{n}"}) for n in range(6)]
    world.begin(ana, ben)
    runs: list[list[str]] = []
    for seat, mine in ((ana, cues[:3]), (ben, cues[3:])):
        behind, run = one, list[str]()
        for cue in mine:
            behind = seat.relate(page, ORDER, cue, after=behind)
            run.append(behind)
        runs.append(run)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        found = list(look.lists[ORDER, page])
        assert found in ([one, *runs[0], *runs[1], two, three], [one, *runs[1], *runs[0], two, three])

    world.then(check, ana, ben)


# -- smart fields


def test_a_smart_field_follows_its_source_and_work_on_both_made_apart_meets(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, q = ana.add(PEOPLE, {NAME: "Jane", PHONE: "1"}), ana.add(ATTENDEES, {LABEL: "x"})
    ana.refer(q, LABEL, r, PHONE)
    world.begin(ana, ben)
    ana.set(q, LABEL, "2")
    ben.set(r, PHONE, "3")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.offered(r, PHONE) == {"2", "3"}
        assert look.shown[q, LABEL] == look.shown[r, PHONE]
        assert len(look.offers) == 1

    world.then(check, ana, ben)
    ben.decide(r, PHONE, "3")
    ana.delete(r)
    world.sync(ana, ben)

    def there(look: Look) -> None:
        assert look.shown[q, LABEL] == "3"

    world.then(there, ana, ben)
    ben.delete(r)
    world.sync(ana, ben)

    def away(look: Look) -> None:
        assert look.shown[q, LABEL] is None

    world.then(away, ana, ben)


def test_two_fields_that_two_people_take_from_each_other_show_nothing(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, q = ana.add(PEOPLE, {NAME: "Jane", PHONE: "1"}), ana.add(ATTENDEES, {LABEL: "x"})
    world.begin(ana, ben)
    ana.refer(q, LABEL, r, PHONE)
    ben.refer(r, PHONE, q, LABEL)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[q, LABEL] is look.shown[r, PHONE] is None

    world.then(check, ana, ben)


def test_a_smart_field_of_a_merged_record_and_of_a_mapped_field_is_one_field(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, twin = ana.add(PEOPLE, {NAME: "Jane", PHONE: "1"}), ana.add(PEOPLE, {NAME: "Jane"})
    q = ana.add(ATTENDEES, {LABEL: "x"})
    world.begin(ana, ben)
    ana.refer(q, LABEL, twin, PHONE)
    ben.merge(r, twin)
    ben.map_fields(PHONE, EMAIL)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert look.shown[q, LABEL] == "1"

    world.then(check, ana, ben)
    ana.set(q, LABEL, "2")
    world.sync(ana, ben)

    def through(look: Look) -> None:
        assert look.shown[q, LABEL] == look.shown[min(r, twin), EMAIL] == "2"
        assert not look.offers

    world.then(through, ana, ben)
