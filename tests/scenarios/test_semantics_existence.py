"""Deletion, return and tables: S-20 to S-24, S-30, S-94. Each case is played in every world of conftest.py."""

from __future__ import annotations

from openprod.testing.world import ATTENDEES, KNOWS, NAME, PEOPLE, Look, World


def test_s20_a_deletion_does_not_hide_work_that_it_had_not_seen(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben)
    ana.delete(r)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def stays(look: Look) -> None:
        assert look.contested == {r}
        assert look.shown[r, NAME] == "Y"
        assert r in look.members[PEOPLE]

    world.then(stays, ana, ben)
    ana.delete(r)
    world.sync(ana, ben)

    def gone(look: Look) -> None:
        assert r not in look.alive
        assert not look.contested

    world.then(gone, ana, ben)


def test_s21_restoring_writes_no_values(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "Old"})
    world.begin(ana, ben)
    ana.delete(r)
    ana.restore(r)
    ben.set(r, NAME, "Y")
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert r in look.alive
        assert look.shown[r, NAME] == "Y"
        assert not look.offers
        assert not look.contested

    world.then(check, ana, ben)


def test_s22_a_relation_to_a_deleted_record_is_kept_and_shown_once_it_is_back(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, q = (ana.add(PEOPLE, {NAME: name}) for name in ("R", "Q"))
    world.begin(ana, ben)
    ana.delete(r)
    ben.relate(q, KNOWS, r)
    world.sync(ana, ben)

    def hidden(look: Look) -> None:
        assert r not in look.alive
        assert not look.contested
        assert not look.relations

    world.then(hidden, ana, ben)
    ben.restore(r)
    world.sync(ana, ben)

    def shown(look: Look) -> None:
        assert look.relations == {(KNOWS, q, r)}

    world.then(shown, ana, ben)


def test_s23_taking_out_of_the_last_table_and_putting_into_another_leaves_the_other(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "R"})
    world.begin(ana, ben)
    ana.remove(r, PEOPLE)
    ben.put(r, ATTENDEES)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert r in look.alive
        assert look.members == {ATTENDEES: {r}}
        assert not look.contested

    world.then(check, ana, ben)


def test_s24_a_relation_comes_back_when_both_its_ends_are_there(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r, p, q = (ana.add(PEOPLE, {NAME: name}) for name in ("R", "P", "Q"))
    ana.relate(r, KNOWS, p)
    ana.relate(r, KNOWS, q)
    world.begin(ana, ben)
    ana.delete(r)
    ben.delete(p)
    world.sync(ana, ben)
    ana.restore(r)
    world.sync(ana, ben)

    def one_is_back(look: Look) -> None:
        assert look.relations == {(KNOWS, r, q)}

    world.then(one_is_back, ana, ben)
    ben.restore(p)
    world.sync(ana, ben)

    def both_are(look: Look) -> None:
        assert look.relations == {(KNOWS, r, q), (KNOWS, r, p)}

    world.then(both_are, ana, ben)


def test_s30_an_addition_stands_against_a_removal_that_had_not_seen_it(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "R"})
    world.begin(ana, ben)
    ana.remove(r, PEOPLE)
    ben.put(r, PEOPLE)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert r in look.members[PEOPLE]

    world.then(check, ana, ben)


def test_s94_taking_out_of_a_table_does_not_contest_a_deletion(world: World) -> None:
    ana, ben = world.cast("Ana", "Ben")
    r = ana.add(PEOPLE, {NAME: "R"})
    ana.put(r, ATTENDEES)
    world.begin(ana, ben)
    ana.delete(r)
    ben.remove(r, ATTENDEES)
    world.sync(ana, ben)

    def check(look: Look) -> None:
        assert r not in look.alive
        assert not look.contested
        assert not look.flagged

    world.then(check, ana, ben)
