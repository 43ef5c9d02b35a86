"""What must hold for every history: R1, R5, R7, and the state hash as a sum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprod.merge.fold import Slot, State, Write, fold, sift
from openprod.merge.state_hash import PRIME, bundle_factors, head_term, key_factor
from openprod.model.bundle import Bundle
from openprod.model.ids import BundleId
from openprod.model.values import value_key
from openprod.testing.device import PaperDevice
from openprod.testing.strategies import History, histories

MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def everything(history: History) -> list[Bundle]:
    """Returns all bundles of a history, decoded as an older build decodes them."""
    found = {one: bundle for device in history.devices for one, bundle in device.bundles.items()}
    return [found[one] for one in sorted(found)]


@MANY
@given(history=histories(), seed=st.integers(0, 1 << 16))
def test_any_order_grouping_and_repetition_of_the_same_bundles_gives_the_same_state(
    history: History, seed: int
) -> None:
    bundles = everything(history)
    wanted = fold(sift(bundles).applied)
    chance = Random(seed)
    shuffled = chance.sample(bundles, len(bundles)) + chance.choices(bundles, k=5)
    chance.shuffle(shuffled)
    assert fold(shuffled) == wanted

    first = history.devices[0]
    late = PaperDevice("late", first.clock, chance, first.company, first.actor)
    sealed = [bundle.sealed for bundle in shuffled]
    while sealed:
        many = chance.randint(1, 4)
        late.receive(sealed[:many])
        sealed = sealed[many:]
        assert late.state == fold(late.sifted.applied)
    late.clock.mend()
    late.clock.true.advance(1 << 40)
    late.tick()
    assert late.state == wanted
    assert not late.sifted.pending


@MANY
@given(history=histories())
def test_an_honest_log_declares_exactly_what_its_device_had_applied(history: History) -> None:
    bundles = {bundle.id: bundle for bundle in everything(history)}
    for one, had in history.had.items():
        assert declared_past(bundles, one) == had
        assert set(bundles[one].header.unread) == {other for other in had if bundles[other].chunks is None}


def declared_past(bundles: Mapping[BundleId, Bundle], one: bytes) -> set[bytes]:
    """Returns what a log declares as applied: its own bundles, and the chains of all tips it has seen up to here."""
    past: set[bytes] = set()
    at: bytes | None = one
    while at:
        header = bundles[BundleId(at)].header
        for tip in [header.prev, *(seen.tip for seen in header.seen)]:
            before = tip
            while before and before not in past:
                past.add(before)
                before = bundles[BundleId(before)].header.prev
        at = header.prev
    return past


@MANY
@given(history=histories())
def test_nothing_a_person_wrote_stops_being_on_offer_unless_somebody_who_saw_it_replaced_it(history: History) -> None:
    state = fold(sift(everything(history)).applied)
    by_slot: dict[Slot, list[Write]] = defaultdict(list)
    for write in state.writes.values():
        for slot in write.slots:
            by_slot[slot].append(write)
    for slot, writes in by_slot.items():
        offered = {value_key(offer.value) for offer in state.offers(slot)} if slot in state.heads else set[bytes]()
        for write in writes:
            if write.deed != "value" or write.auto:
                continue
            assert (
                value_key(write.value) in offered
                or any(replaces(history, other, write) for other in writes)
                or (stands_behind_unread_work(history, state, slot, write))
            ), f"{write} was lost"


def replaces(history: History, other: Write, write: Write) -> bool:
    """Tells whether the author of `other` really had `write` on the device, could read it, and named it."""
    (unread,) = {device.bundles[other.bundle].header.unread for device in history.devices if other.bundle in device.had}
    return write.id in other.over and write.bundle in history.had[other.bundle] and write.bundle not in unread


def stands_behind_unread_work(history: History, state: State, slot: Slot, write: Write) -> bool:
    """Tells whether work that is unread here names a write: it may be replaced through it."""
    return any(
        write.id in envelope.over and slot in envelope.slots
        for bundle in everything(history)
        if bundle.id in state.unread
        for envelope in bundle.envelopes
    )


@MANY
@given(history=histories())
def test_what_is_shown_is_on_offer_and_heads_are_never_lost_or_doubled(history: History) -> None:
    state = fold(sift(everything(history)).applied)
    for slot, heads in state.heads.items():
        assert heads
        assert len({head.id for head in heads}) == len(heads)
        assert all(slot in head.slots for head in heads)
        shown = state.shown(slot)
        united = state.united(slot)
        assert shown in united
        assert set(heads) <= set(united)
        assert sum(len(offer.heads) for offer in state.offers(slot)) == len(united)
        assert not any(later.order > shown.order for later in united if later.decision) if shown else False
    for slot, offers in state.conflicts.items():
        assert len({value_key(offer.value) for offer in offers}) == len(offers) > 1, slot


@MANY
@given(history=histories())
def test_the_state_hash_is_the_sum_that_comes_of_adding_heads_and_taking_the_replaced_away(history: History) -> None:
    applied = sift(everything(history)).applied
    running = 0
    before: set[tuple[BundleId, int, Slot]] = set()
    for at in range(len(applied)):
        state = fold(applied[: at + 1])
        now = {(head.bundle, head.ordinal, slot) for slot, heads in state.heads.items() for head in heads}
        running += sum(term(*one) for one in now - before) - sum(term(*one) for one in before - now)
        before = now
        assert running % PRIME == state.state_hash


def term(bundle: bytes, ordinal: int, slot: Slot) -> int:
    """Returns what one head adds."""
    return head_term(bundle_factors(bundle), ordinal, slot[0], key_factor(slot[1]))


@MANY
@given(history=histories())
def test_devices_that_have_met_show_the_same(history: History) -> None:
    for device in history.devices:
        device.clock.mend()
    history.devices[0].clock.true.advance(1 << 40)
    for _ in range(2):
        for one in history.devices:
            for other in history.devices:
                other.receive(one.sealed())
    first = history.devices[0]
    for device in history.devices:
        assert device.frontier == first.frontier
        assert device.state == first.state
