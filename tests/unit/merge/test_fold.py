"""Fold: the rules of meaning one by one, told with devices made of paper."""

from __future__ import annotations

from random import Random

import pytest

from openprod.merge.fold import Flag, Slot, fold, sift, writes_of
from openprod.model.bundle import ADMISSION_ASKS, ADMISSION_KNOWN, Admission, Seen
from openprod.model.hlc import hlc
from openprod.model.ids import EntityId, derived_id, id_from_text, id_text
from openprod.model.ops import (
    Admit,
    AdmitPayload,
    Ends,
    InviteClose,
    Place,
    Relate,
    Relations,
    RelationsPayload,
    Set,
)
from openprod.model.slots import EXISTS, INVITE, LOG, POSITION, RELATION
from openprod.model.values import Natural, RecordRef
from openprod.testing.clock import DAY_MS, HOUR_MS, MINUTE_MS, FakeClock, TrueTime
from openprod.testing.device import (
    AUTOMATION,
    Draft,
    PaperDevice,
    draft_decide,
    draft_exist,
    draft_later,
    draft_set,
)

PEOPLE = "stage.people"
NAME, PHONE = "stage.people.name", "stage.people.phone"
KNOWS = "stage.knows"


class Cast:
    """Ana, Ben and Cy in one workspace, and a record that all know."""

    def __init__(self) -> None:
        self.time = TrueTime()
        chance = Random(1)
        self.ana = PaperDevice.found("Ana", FakeClock(self.time), chance)
        self.ben = PaperDevice.join("Ben", FakeClock(self.time), chance, self.ana)
        self.cy = PaperDevice.join("Cy", FakeClock(self.time), chance, self.ana)
        self.record = self.ana.add(PEOPLE, {NAME: "Old"})
        self.entity = id_from_text(self.record)
        self.slot: Slot = (self.entity, NAME)
        self.sync()

    def sync(self, *devices: PaperDevice) -> None:
        """Brings these, or all, everything; a minute passes."""
        self.time.advance(MINUTE_MS)
        for _ in range(2):
            for one in devices or (self.ana, self.ben, self.cy):
                for other in devices or (self.ana, self.ben, self.cy):
                    other.receive(one.sealed())


@pytest.fixture
def cast() -> Cast:
    return Cast()


def texts(device: PaperDevice, slot: Slot) -> list[str]:
    """Returns the values of a slot's heads, oldest first."""
    return [str(head.value) for head in device.state.heads.get(slot, ())]


def kinds(device: PaperDevice) -> set[str]:
    """Returns the kinds of flags that a device shows."""
    return {flag.kind for flag in device.state.flags}


def test_nothing_at_all_means_an_empty_state() -> None:
    state = fold([])
    assert (state.heads, state.alive, state.state_hash, state.conflicts) == ({}, frozenset(), 0, {})
    assert state.shown((EntityId(bytes(16)), NAME)) is None
    assert state.value((EntityId(bytes(16)), NAME)) is None
    assert state.offers((EntityId(bytes(16)), NAME)) == ()


def test_equal_values_are_no_question_and_stay_two_writes(cast: Cast) -> None:
    cast.ana.set(cast.record, NAME, Natural("11.1"))
    cast.ben.set(cast.record, NAME, Natural("011.10"))
    cast.sync()
    assert len(cast.cy.state.heads[cast.slot]) == 2
    assert not cast.cy.state.conflicts
    (offer,) = cast.cy.state.offers(cast.slot)
    assert len(offer.heads) == 2
    assert offer.newest == offer.heads[-1]


def test_one_op_over_several_slots_is_one_choice_and_can_be_replaced_in_one_of_them(cast: Cast) -> None:
    draft = Draft(
        (cast.entity,), (NAME, PHONE), cast.ana.heads(cast.record, NAME), lambda c, s, k, o: Set(c, s, k, o, "W")
    )
    cast.ana.seal([draft])
    cast.ana.set(cast.record, PHONE, "1")
    assert texts(cast.ana, cast.slot) == ["W"]
    assert texts(cast.ana, (cast.entity, PHONE)) == ["1"]


def test_an_entry_that_counts_replaces_in_every_slot_that_the_write_covers(cast: Cast) -> None:
    wide = Draft(
        (cast.entity,), (NAME, PHONE), cast.ana.heads(cast.record, NAME), lambda c, s, k, o: Set(c, s, k, o, "W")
    )
    one = cast.ana.seal([wide])
    cast.ana.seal([Draft((cast.entity,), (NAME, PHONE), ((one, 0),), lambda c, s, k, o: Set(c, s, k, o, "V"))])
    assert texts(cast.ana, cast.slot) == texts(cast.ana, (cast.entity, PHONE)) == ["V"]


def test_a_cell_of_a_row_block_is_an_op_of_its_own(cast: Cast) -> None:
    first, second = cast.ana.add_many(PEOPLE, (NAME, PHONE), [("A", None), (None, "2")])
    assert texts(cast.ana, (id_from_text(first), NAME)) == ["A"]
    assert (id_from_text(first), PHONE) not in cast.ana.state.heads
    assert cast.ana.heads(second, PHONE)[0][1] == 7
    cast.ana.set(second, PHONE, "3")
    assert texts(cast.ana, (id_from_text(second), PHONE)) == ["3"]
    assert cast.ana.state.members[PEOPLE] >= {id_from_text(first), id_from_text(second)}


def test_naming_a_cell_that_was_not_written_replaces_nothing_and_is_flagged(cast: Cast) -> None:
    (one,) = cast.ana.add_many(PEOPLE, (NAME, PHONE), [("A", None)])
    bundle = cast.ana.tip
    assert bundle
    cast.ana.seal([draft_set(id_from_text(one), PHONE, "1", [(bundle, 3)])])
    assert kinds(cast.ana) == {"void_over"}


def test_naming_what_is_outside_the_authors_past_replaces_nothing_and_is_flagged(cast: Cast) -> None:
    cast.ben.set(cast.record, NAME, "Y")
    unseen = cast.ben.heads(cast.record, NAME)
    liar = cast.ana.seal([draft_set(cast.entity, NAME, "X", [*unseen, *cast.ana.heads(cast.record, NAME)])])
    cast.sync()
    assert sorted(texts(cast.cy, cast.slot)) == ["X", "Y"]
    assert cast.cy.state.flags == {Flag("void_over", liar, 0)}


def test_naming_a_write_of_another_slot_replaces_nothing(cast: Cast) -> None:
    cast.ana.seal([draft_set(cast.entity, PHONE, "1", cast.ana.heads(cast.record, NAME))])
    assert texts(cast.ana, cast.slot) == ["Old"]
    assert kinds(cast.ana) == {"void_over"}


def test_the_newest_decision_is_shown_although_a_write_is_newer(cast: Cast) -> None:
    cast.ana.decide(cast.record, NAME, "D")
    cast.time.advance(DAY_MS)
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    assert cast.cy.state.value(cast.slot) == "D"
    assert [offer.value for offer in cast.cy.state.conflicts[cast.slot]] == ["D", "Y"]


def test_a_decision_by_automation_counts_as_a_plain_write(cast: Cast) -> None:
    cast.ana.seal([draft_decide(cast.entity, NAME, "D", cast.ana.heads(cast.record, NAME))], cause=AUTOMATION)
    cast.time.advance(MINUTE_MS)
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    assert cast.cy.state.value(cast.slot) == "Y"


def test_automation_may_follow_one_value_but_never_settles_a_question(cast: Cast) -> None:
    cast.ana.seal([draft_set(cast.entity, NAME, "A", cast.ana.heads(cast.record, NAME))], cause=AUTOMATION)
    assert texts(cast.ana, cast.slot) == ["A"]
    cast.sync()
    cast.ana.set(cast.record, NAME, "X")
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    robot = cast.ana.seal([draft_set(cast.entity, NAME, "Z", cast.ana.heads(cast.record, NAME))], cause=AUTOMATION)
    assert sorted(texts(cast.ana, cast.slot)) == ["X", "Y", "Z"]
    assert cast.ana.state.flags == {Flag("automation", robot, 0)}


def test_automation_does_not_bring_a_deleted_record_back(cast: Cast) -> None:
    cast.ana.delete(cast.record)
    cast.ana.seal([draft_exist(cast.entity, cast.ana.heads(cast.record, EXISTS), is_live=True)], cause=AUTOMATION)
    assert cast.entity not in cast.ana.state.alive
    assert kinds(cast.ana) == {"automation"}


def test_automation_apart_from_a_deletion_does_not_contest_it(cast: Cast) -> None:
    cast.ana.delete(cast.record)
    cast.ben.seal([draft_set(cast.entity, NAME, "Z", cast.ben.heads(cast.record, NAME))], cause=AUTOMATION)
    cast.sync()
    assert cast.entity not in cast.cy.state.alive


def test_a_record_nobody_created_is_not_there(cast: Cast) -> None:
    stray = cast.ana.new_id()
    cast.ana.set(id_text(stray), NAME, "X")
    assert stray not in cast.ana.state.alive
    assert not cast.ana.state.conflicts


def test_questions_on_a_deleted_record_rest_until_it_is_back(cast: Cast) -> None:
    cast.ana.set(cast.record, NAME, "X")
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    cast.cy.delete(cast.record)
    assert not cast.cy.state.conflicts
    cast.cy.restore(cast.record)
    assert cast.slot in cast.cy.state.conflicts


def test_work_contests_a_deletion_that_had_not_seen_it_also_when_its_author_replaced_it_since(cast: Cast) -> None:
    cast.ana.delete(cast.record)
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    assert cast.ana.state.contested == {cast.entity}
    cast.ben.set(cast.record, NAME, "Y2")
    assert cast.ben.state.contested == {cast.entity}
    cast.ben.delete(cast.record)
    assert cast.entity not in cast.ben.state.alive


def test_one_deletion_that_saw_the_work_is_enough(cast: Cast) -> None:
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync(cast.ben, cast.cy)
    cast.ana.delete(cast.record)
    cast.cy.delete(cast.record)
    cast.sync()
    assert len(cast.ana.state.heads[cast.entity, EXISTS]) == 2
    assert cast.entity not in cast.ana.state.alive


def test_a_restore_apart_from_a_deletion_keeps_the_record_and_asks(cast: Cast) -> None:
    cast.ana.delete(cast.record)
    cast.sync()
    cast.ana.restore(cast.record)
    cast.ben.delete(cast.record)
    cast.sync()
    assert cast.cy.state.contested == {cast.entity}


def test_an_addition_to_a_table_contests_a_deletion_and_a_removal_does_not(cast: Cast) -> None:
    other = cast.ana.add(PEOPLE, {NAME: "Other"})
    cast.sync()
    cast.ana.delete(cast.record)
    cast.ana.delete(other)
    cast.ben.put(cast.record, "stage.attendees")
    cast.ben.remove(other, PEOPLE)
    cast.sync()
    assert cast.cy.state.contested == {cast.entity}
    assert id_from_text(other) not in cast.cy.state.alive


def test_a_deletion_with_a_narrowed_view_had_not_seen_the_work_that_it_had_applied(cast: Cast) -> None:
    cast.ben.set(cast.record, NAME, "Y")
    cast.sync()
    heads = cast.ana.heads(cast.record, EXISTS)
    narrowed = (Seen(cast.ben.log, 0, b""),)
    cast.ana.seal([draft_exist(cast.entity, heads, is_live=False)], view=narrowed)
    cast.sync()
    assert cast.cy.state.contested == {cast.entity}


def test_a_view_that_reaches_the_work_had_seen_it(cast: Cast) -> None:
    cast.ben.set(cast.record, NAME, "Y")
    tip = cast.ben.tip
    assert tip
    seq = cast.ben.bundles[tip].header.seq
    cast.ben.set(cast.record, PHONE, "1")
    cast.sync()
    view = (Seen(cast.ben.log, seq, tip),)
    cast.ana.seal([draft_exist(cast.entity, cast.ana.heads(cast.record, EXISTS), is_live=False)], view=view)
    assert cast.ana.state.contested == {cast.entity}, "the phone number was behind the view"
    cast.ana.delete(cast.record)
    assert cast.entity not in cast.ana.state.alive


def test_a_deletion_knows_the_work_of_its_own_bundle_also_where_the_screen_lagged_behind_the_own_log(
    cast: Cast,
) -> None:
    tip = cast.ana.tip
    assert tip
    view = (Seen(cast.ana.log, cast.ana.bundles[tip].header.seq, tip),)
    other = cast.ana.add(PEOPLE, {NAME: "Other"})
    assert other
    drafts = [
        draft_set(cast.entity, PHONE, "1", ()),
        draft_exist(cast.entity, cast.ana.heads(cast.record, EXISTS), is_live=False),
    ]
    cast.ana.seal(drafts, view=view)
    assert cast.entity not in cast.ana.state.alive


def test_a_relation_is_shown_while_it_and_both_its_ends_are_there(cast: Cast) -> None:
    other = cast.ana.add(PEOPLE, {NAME: "Other"})
    relation = cast.ana.relate(cast.record, KNOWS, other, {"stage.knows.note": "N"})
    made = cast.ana.state.relations[id_from_text(relation)]
    assert (made.type, made.source, made.target, made.shown) == (KNOWS, cast.entity, id_from_text(other), True)
    cast.ana.delete(other)
    assert not cast.ana.state.relations[id_from_text(relation)].shown
    cast.ana.restore(other)
    cast.ana.unrelate(relation)
    assert id_from_text(relation) not in cast.ana.state.relations


def test_questions_on_a_relation_rest_while_an_end_is_deleted(cast: Cast) -> None:
    other = cast.ana.add(PEOPLE, {NAME: "Other"})
    relation = cast.ana.relate(cast.record, KNOWS, other, {"stage.knows.note": "N"})
    cast.sync()
    cast.ana.set(relation, "stage.knows.note", "A")
    cast.ben.set(relation, "stage.knows.note", "B")
    cast.sync()
    assert cast.cy.state.conflicts.keys() == {(id_from_text(relation), "stage.knows.note")}
    cast.cy.delete(other)
    assert not cast.cy.state.conflicts


def test_a_relation_made_again_apart_from_its_end_stands(cast: Cast) -> None:
    other = id_from_text(cast.ana.add(PEOPLE, {NAME: "Other"}))
    relation = cast.ana.relate(cast.record, KNOWS, id_text(other))
    cast.sync()
    cast.ana.unrelate(relation)
    heads = cast.ben.heads(relation, RELATION)
    ends = Ends(KNOWS, cast.entity, other)
    cast.ben.seal([Draft((id_from_text(relation),), (RELATION,), heads, lambda c, s, k, o: Relate(c, s, k, o, ends))])
    cast.sync()
    assert cast.cy.state.relations[id_from_text(relation)].shown


def test_a_block_of_relations_makes_them_with_positions_and_properties(cast: Cast) -> None:
    other = id_from_text(cast.ana.add(PEOPLE, {NAME: "Other"}))
    one, two = cast.ana.new_id(), EntityId(bytes(15) + b"\1")
    rows = (
        (RecordRef(cast.entity), RecordRef(other), "a", "N"),
        (RecordRef(other), RecordRef(cast.entity), None, None),
    )
    payload = RelationsPayload(KNOWS, rows)
    cast.ana.seal([Draft((one, two), ("stage.knows.note",), (), lambda c, s, k, o: Relations(c, s, k, o, payload))])
    state = cast.ana.state
    assert {(made.source, made.target) for made in state.relations.values()} == {
        (cast.entity, other),
        (other, cast.entity),
    }
    assert [head.holds for head in state.heads[one, POSITION]] == ["a"]
    assert state.value((one, "stage.knows.note")) == "N"
    assert (two, POSITION) not in state.heads
    assert [head.ordinal for head in state.heads[two, RELATION]] == [3]
    heads = cast.ana.heads(id_text(one), POSITION)
    cast.ana.seal([Draft((one,), (POSITION,), heads, lambda c, s, k, o: Place(c, s, k, o, "b"))])
    assert [head.holds for head in cast.ana.state.heads[one, POSITION]] == ["b"]


def test_unread_work_is_no_head_and_marks_what_it_replaced(cast: Cast) -> None:
    newer = PaperDevice.join("Dee", FakeClock(cast.time), Random(5), cast.ana, is_newer=True)
    newer.seal([draft_set(cast.entity, NAME, "X", newer.heads(cast.record, NAME)), draft_later(cast.entity)])
    cast.sync(newer, cast.ana)
    assert texts(cast.ana, cast.slot) == ["Old"]
    assert cast.ana.state.unread == {newer.tip}
    assert cast.ana.state.flags == {Flag("replaced_unread", subject=cast.entity, key=NAME)}


def test_a_write_that_names_unread_work_replaces_what_stands_behind_it(cast: Cast) -> None:
    newer = PaperDevice.join("Dee", FakeClock(cast.time), Random(5), cast.ana, is_newer=True)
    for value in ("X", "X2"):
        drafts = [
            draft_set(cast.entity, NAME, value, newer.heads(cast.record, NAME)),
            draft_later(cast.entity),
        ]
        newer.seal(drafts)
    newer.set(cast.record, NAME, "X3")
    cast.sync(newer, cast.ana)
    assert texts(cast.ana, cast.slot) == ["X3"]
    assert len(cast.ana.state.unread) == 2
    cast.ana.upgrade()
    assert texts(cast.ana, cast.slot) == ["X3"]
    assert cast.ana.state == newer.state


def test_work_behind_unread_work_stays_in_slots_that_the_unread_op_does_not_cover(cast: Cast) -> None:
    wide = Draft(
        (cast.entity,), (NAME, PHONE), cast.ana.heads(cast.record, NAME), lambda c, s, k, o: Set(c, s, k, o, "W")
    )
    cast.ana.seal([wide])
    newer = PaperDevice.join("Dee", FakeClock(cast.time), Random(5), cast.ana, is_newer=True)
    ghost = newer.seal([draft_set(cast.entity, NAME, "X", newer.heads(cast.record, NAME)), draft_later(cast.entity)])
    newer.seal([Draft((cast.entity,), (NAME, PHONE), ((ghost, 0),), lambda c, s, k, o: Set(c, s, k, o, "V"))])
    cast.sync(newer, cast.ana)
    assert texts(cast.ana, cast.slot) == ["V"]
    assert texts(cast.ana, (cast.entity, PHONE)) == ["W", "V"]
    cast.ana.upgrade()
    assert texts(cast.ana, cast.slot) == ["V"]
    assert texts(cast.ana, (cast.entity, PHONE)) == ["W", "V"]


def test_an_author_cannot_replace_what_had_no_effect_on_the_own_screen(cast: Cast) -> None:
    newer = PaperDevice.join("Dee", FakeClock(cast.time), Random(5), cast.ana, is_newer=True)
    ghost = newer.seal([draft_set(cast.entity, NAME, "X", newer.heads(cast.record, NAME)), draft_later(cast.entity)])
    cast.sync(newer, cast.ana)
    cast.ana.seal([draft_set(cast.entity, NAME, "Z", [(ghost, 0)])])
    assert kinds(cast.ana) == {"void_over", "replaced_unread"}
    cast.ana.upgrade()
    assert sorted(texts(cast.ana, cast.slot)) == ["X", "Z"]


def test_unread_work_contests_a_deletion_that_could_not_read_it(cast: Cast) -> None:
    newer = PaperDevice.join("Dee", FakeClock(cast.time), Random(5), cast.ana, is_newer=True)
    newer.seal([draft_later(cast.entity)])
    cast.sync(newer, cast.ana)
    cast.ana.delete(cast.record)
    assert cast.ana.state.contested == {cast.entity}


def test_effective_stamps_never_go_back_along_what_was_seen(cast: Cast) -> None:
    cast.ana.clock.set_off(-HOUR_MS)
    cast.ana.set(cast.record, NAME, "1")
    cast.sync()
    cast.ben.set(cast.record, NAME, "2")
    writes = {str(write.value): write for write in cast.ben.state.writes.values() if cast.slot in write.slots}
    assert writes["Old"].eff < writes["1"].eff < writes["2"].eff
    assert cast.ana.tip
    assert cast.ana.bundles[cast.ana.tip].header.claimed < hlc(cast.time.now_ms - HOUR_MS // 2)


def test_two_bundles_in_one_place_of_a_log_are_both_kept_and_the_log_is_flagged(cast: Cast) -> None:
    twin = cast.ana.twin("Ana's other laptop")
    cast.ana.set(cast.record, NAME, "X")
    cast.time.advance(MINUTE_MS)
    twin.set(cast.record, NAME, "Y")
    cast.sync(twin, cast.ana, cast.ben)
    assert texts(cast.ben, cast.slot) == ["X", "Y"]
    assert cast.ben.state.flags == {Flag("fork", bundle=cast.ana.log)}
    assert len([seen for seen in cast.ben.frontier if seen.log == cast.ana.log]) == 2
    cast.ben.set(cast.record, NAME, "Z")
    cast.sync(twin, cast.ana, cast.ben)
    assert texts(cast.ana, cast.slot) == ["Z"]


def test_a_bundle_waits_for_everything_its_author_had_applied(cast: Cast) -> None:
    cast.ana.set(cast.record, NAME, "X")
    cast.sync(cast.ana, cast.ben)
    cast.ben.set(cast.record, NAME, "Y")
    cast.cy.receive([cast.ben.bundles[cast.ben.tip].sealed] if cast.ben.tip else [])
    assert list(cast.cy.sifted.pending.values()) == ["waiting"]
    assert texts(cast.cy, cast.slot) == ["Old"]


def test_a_stamp_far_ahead_is_held_until_the_clock_gets_there_or_somebody_accepts_it(cast: Cast) -> None:
    cast.ana.clock.set_off(6 * MINUTE_MS)
    cast.ana.set(cast.record, NAME, "X")
    cast.sync()
    cast.ana.clock.set_off(HOUR_MS)
    cast.ana.set(cast.record, NAME, "X2")
    cast.ben.receive(cast.ana.sealed())
    assert texts(cast.ben, cast.slot) == ["X"], "a minute has passed: five are left"
    assert list(cast.ben.sifted.pending.values()) == ["held"]
    cast.ben.accept_held()
    assert texts(cast.ben, cast.slot) == ["X2"]
    cast.cy.receive(cast.ben.sealed())
    assert not cast.cy.sifted.pending


def test_a_log_counts_by_genesis_invitation_known_actor_or_admission(cast: Cast) -> None:
    stranger = PaperDevice("Eve", FakeClock(cast.time), Random(9), cast.ana.company, cast.ben.actor)
    stranger.receive(cast.ana.sealed())
    stranger.seal([], admission=Admission(ADMISSION_KNOWN))
    cast.cy.receive(stranger.sealed())
    assert not cast.cy.sifted.pending, "Ben's second device"

    asks = PaperDevice(
        "Fay", FakeClock(cast.time), Random(10), cast.ana.company, PaperDevice.found("x", FakeClock(), Random(3)).actor
    )
    asks.receive(cast.ana.sealed())
    asks.seal([], admission=Admission(ADMISSION_ASKS))
    cast.cy.receive(asks.sealed())
    assert list(cast.cy.sifted.pending.values()) == ["admission"]
    payload = AdmitPayload(asks.log, asks.actor.public)
    subject = derived_id("log", asks.log)
    cast.ana.seal([Draft((subject,), (LOG,), (), lambda c, s, k, o: Admit(c, s, k, o, payload))])
    cast.cy.receive(cast.ana.sealed())
    assert not cast.cy.sifted.pending

    odd = PaperDevice("Gus", FakeClock(cast.time), Random(11), cast.ana.company, asks.actor)
    odd.seal([], admission=Admission(9))
    held = sift([*cast.ana.bundles.values(), *odd.bundles.values()])
    assert list(held.pending.values()) == ["admission"]


def test_whom_an_admitted_log_has_seen_is_admitted_where_the_invitation_was_closed(cast: Cast) -> None:
    key = cast.ana.company.invitation.public
    subject = derived_id("invite", key)
    over = cast.ana.heads(id_text(subject), INVITE)
    for _ in range(3):
        cast.ben.seal([])
    late = PaperDevice.join("Eve", FakeClock(cast.time), Random(9), cast.ben)
    cast.ana.seal([Draft((subject,), (INVITE,), over, InviteClose)])
    cast.ana.receive(late.sealed())
    assert list(cast.ana.sifted.pending.values()) == ["admission"]
    cast.ben.receive(late.sealed())
    cast.ben.seal([])
    cast.ana.receive(cast.ben.sealed())
    assert not cast.ana.sifted.pending


def test_a_closed_invitation_lets_nobody_in_any_more(cast: Cast) -> None:
    key = cast.ana.company.invitation.public
    subject = derived_id("invite", key)
    late = PaperDevice.join("Eve", FakeClock(cast.time), Random(9), cast.cy)
    over = cast.ana.heads(id_text(subject), INVITE)
    assert len(over) == 1
    cast.ana.seal([Draft((subject,), (INVITE,), over, InviteClose)])
    cast.ana.receive([late.bundles[late.tip].sealed] if late.tip else [])
    # A fresh look at the same set takes the opening first: who had been let in stays in.
    assert not sift(late.bundles.values()).pending
    third = PaperDevice.join("Fay", FakeClock(cast.time), Random(12), cast.ana)
    assert list(sift(third.bundles.values()).pending.values()) == ["admission"]


def test_writes_of_a_bundle_come_in_the_order_of_their_ordinals(cast: Cast) -> None:
    with cast.ana.edit():
        cast.ana.set(cast.record, NAME, "1")
        cast.ana.add_many(PEOPLE, (NAME,), [("A",), ("B",)])
        cast.ana.set(cast.record, PHONE, "2")
    assert cast.ana.tip
    writes = list(writes_of(cast.ana.bundles[cast.ana.tip]))
    assert [write.ordinal for write in writes] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [write.deed for write in writes] == [
        "value",
        "exist",
        "member",
        "value",
        "exist",
        "member",
        "value",
        "value",
    ]
    assert writes[0].sameness != writes[1].sameness
    assert writes[1].value is None
