"""The log as stored: who had applied what, also where a log splits, and ops found by their numbers."""

from __future__ import annotations

from collections.abc import Generator
from random import Random

import pytest

from openprod.model.bundle import Bundle, Seen
from openprod.model.hlc import Hlc, effective
from openprod.model.ids import id_from_text
from openprod.model.values import Value
from openprod.store.database import Database
from openprod.store.log import CHUNK_BITS, ORDINAL_BITS, Log, LogDamaged, branch_of, seq_of
from openprod.testing.clock import FakeClock, TrueTime
from openprod.testing.device import PaperDevice
from openprod.testing.world import NAME, PEOPLE, PHONE


class Shelf:
    """A log with what paper devices wrote, appended in any causal order."""

    def __init__(self, database: Database, workspace: PaperDevice) -> None:
        self.database = database
        self.log = Log(database, workspace.company.workspace)

    def take(self, *bundles: Bundle) -> list[int]:
        """Appends bundles in one transaction; returns their numbers."""
        with self.database.transaction():
            self.log.begin()
            found = [self._append(bundle) for bundle in bundles]
            self.log.flush()
        return found

    def _append(self, bundle: Bundle) -> int:
        header = bundle.header
        previous = self.log.number_of(header.prev) if header.prev else None
        if previous is None:
            arm = self.log.new_branch(header.log, None, 0, b"")
        else:
            arm = self.log.branches[branch_of(previous)]
            if arm.seq != seq_of(previous):
                arm = self.log.new_branch(header.log, arm.no, header.seq - 1, b"")
        eff = effective(Hlc(header.claimed), self.log.past_eff(header))
        return self.log.append(arm, bundle, eff, 0)


@pytest.fixture
def ana() -> PaperDevice:
    return PaperDevice.found("Ana", FakeClock(TrueTime()), Random(1))


@pytest.fixture
def shelf(ana: PaperDevice) -> Generator[Shelf]:
    database = Database(":memory:", create=True, durable=False)
    yield Shelf(database, ana)
    database.close()


def join(ana: PaperDevice, name: str, seed: int) -> PaperDevice:
    made = PaperDevice.join(name, FakeClock(TrueTime()), Random(seed), ana)
    ana.receive(made.sealed())
    return made


def applied(device: PaperDevice) -> list[Bundle]:
    return list(device.sifted.applied)


def test_single_rows_of_a_block_read_as_the_whole_block_does(ana: PaperDevice, shelf: Shelf) -> None:
    rows: list[tuple[Value, ...]] = [(f"Name {n}", None if n % 3 else str(n)) for n in range(50)]
    ana.add_many(PEOPLE, (NAME, PHONE), rows)
    _, block = shelf.take(*applied(ana))
    oids = [block << ORDINAL_BITS | ordinal for ordinal in range(4 * 50)]
    fresh = Log(shelf.database, ana.company.workspace)
    single = [fresh.value_at(oid) for oid in reversed(oids)][::-1]
    assert single == [(fresh.op_at(oid).value, False) for oid in oids]
    assert [value for value, _ in single[2::4]] == [row[0] for row in rows]
    with pytest.raises(LogDamaged, match="has fewer"):
        fresh.value_at(block << ORDINAL_BITS | 4 * 50)


def test_a_single_row_of_a_damaged_block_is_not_read(ana: PaperDevice, shelf: Shelf) -> None:
    ana.add_many(PEOPLE, (NAME, PHONE), [("Jane", "1"), ("Ned", "2")])
    _, block = shelf.take(*applied(ana))
    shelf.database.execute("UPDATE chunk SET raw = replace(raw, 'Ned', 'Ted') WHERE no = ?", (block << CHUNK_BITS,))
    shelf.database.execute("UPDATE chunk SET raw = CAST(raw AS BLOB)")
    with pytest.raises(LogDamaged, match="is damaged on this disk"):
        Log(shelf.database, ana.company.workspace).value_at(block << ORDINAL_BITS | 2)


def test_ops_and_cells_are_found_by_their_numbers(ana: PaperDevice, shelf: Shelf) -> None:
    jane, ned = ana.add_many(PEOPLE, (NAME, PHONE), [("Jane", None), ("Ned", "1")])
    ana.set(jane, PHONE, "2")
    _, block, write = shelf.take(*applied(ana))
    cells = [shelf.log.op_at(block << ORDINAL_BITS | ordinal) for ordinal in range(8)]
    assert [one.keys[0] for one in cells[:4]] == ["@exists", f"@in/{PEOPLE}", NAME, PHONE]
    assert [one.value for one in cells] == [None, None, "Jane", None, None, None, "Ned", "1"]
    assert [one.is_live for one in cells[:3]] == [True, True, None]
    assert cells[7].subjects == (id_from_text(ned),)
    found = shelf.log.op_at(write << ORDINAL_BITS)
    assert (found.value, found.subjects, found.keys) == ("2", (id_from_text(jane),), (PHONE,))
    assert shelf.log.has_op(block, 7)
    assert not shelf.log.has_op(block, 8)
    with pytest.raises(LogDamaged):
        shelf.log.op_at(block << ORDINAL_BITS | 8)


def test_what_was_stored_is_what_was_signed(ana: PaperDevice, shelf: Shelf) -> None:
    ana.add(PEOPLE, {NAME: "Jane"})
    numbers = shelf.take(*applied(ana))
    again = Log(shelf.database, ana.company.workspace)
    assert [again.sealed(number) for number in numbers] == [bundle.sealed for bundle in applied(ana)]
    assert list(again.in_order()) == numbers
    assert [again.number_of(bundle.id) for bundle in applied(ana)] == numbers
    assert (again.frontier(), again.next_place) == (ana.frontier, len(numbers) + 1)
    assert again.number_of(bytes(32)) is None


def test_past_is_what_an_author_declared_to_have_applied(ana: PaperDevice, shelf: Shelf) -> None:
    ben = join(ana, "Ben", 2)
    ana.add(PEOPLE, {NAME: "Jane"})
    apart = ben.add(PEOPLE, {NAME: "Ned"})
    ben.receive(ana.sealed())
    ben.set(apart, PHONE, "1")
    ana.receive(ben.sealed())
    bundles = applied(ana)
    shelf.take(*bundles)
    past = ana.state
    assert past.unread == frozenset()
    for one in bundles:
        for other in bundles:
            expected = other.id in _declared(ana, one)
            number, before = shelf.log.number_of(one.id), shelf.log.number_of(other.id)
            assert number is not None
            assert before is not None
            assert shelf.log.is_past(number, before) is expected
            assert shelf.log.knows(number, before) is (expected or one is other)


def _declared(device: PaperDevice, bundle: Bundle) -> set[bytes]:
    """Returns the past of a bundle, link by link."""
    found: set[bytes] = set()
    todo = [*([bundle.header.prev] if bundle.header.prev else []), *(seen.tip for seen in bundle.header.seen)]
    while todo:
        one = todo.pop()
        if one in found:
            continue
        found.add(one)
        header = next(other for other in device.bundles.values() if other.id == one).header
        todo += [*([header.prev] if header.prev else []), *(seen.tip for seen in header.seen)]
    return found


def test_a_log_that_splits_has_an_arm_for_each_side_and_each_knows_its_own(ana: PaperDevice, shelf: Shelf) -> None:
    jane = ana.add(PEOPLE, {NAME: "Jane"})
    twin = ana.twin("Twin")
    ana.set(jane, NAME, "X")
    ana.set(jane, NAME, "XX")
    twin.set(jane, NAME, "Y")
    reader = join(twin, "Reader", 3)
    both = [*applied(ana), *(one for one in applied(twin) if one.id not in ana.bundles)]
    shelf.take(*[one for one in both if one.header.log == ana.log])
    arms = shelf.log.branches_of(ana.log)
    assert [(arm.seq, arm.fork_seq) for arm in arms] == [(4, 0), (3, 2)]
    first, second = (arm.no << 23 | 3 for arm in arms)
    shared = arms[0].no << 23 | 2
    assert [shelf.log.is_past(first, shared), shelf.log.is_past(second, shared)] == [True, True]
    assert [shelf.log.is_past(first, second), shelf.log.is_past(second, first)] == [False, False]
    assert len(shelf.log.frontier()) == 2
    (opening,) = shelf.take(*[one for one in applied(reader) if one.header.log == reader.log])
    assert shelf.log.is_past(opening, second)
    assert shelf.log.is_past(opening, shared)
    assert not shelf.log.is_past(opening, first)


def test_an_arm_that_has_met_the_other_knows_what_it_saw_of_it(ana: PaperDevice, shelf: Shelf) -> None:
    jane = ana.add(PEOPLE, {NAME: "Jane"})
    twin = ana.twin("Twin")
    ana.set(jane, NAME, "X")
    twin.set(jane, NAME, "Y")
    shelf.take(*applied(ana), *(one for one in applied(twin) if one.id not in ana.bundles))
    one, other = shelf.log.branches_of(ana.log)
    # No desk of ours goes on with a log that split; another's may, and says what it saw.
    twin_tip = next(bundle for bundle in applied(twin) if bundle.id == twin.tip)
    seen = Seen(ana.log, one.seq, one.tip)
    later = _continued(twin_tip, seen)
    (number,) = shelf.take(later)
    assert branch_of(number) == other.no
    assert shelf.log.is_past(number, one.no << 23 | one.seq)


def _continued(tip: Bundle, seen: Seen) -> Bundle:
    """Returns a bundle that goes on from a tip and has seen another arm; its bytes are only looked at by tests."""
    import msgspec

    from openprod.model.ids import BundleId

    header = msgspec.structs.replace(
        tip.header, seq=tip.header.seq + 1, prev=tip.id, seen=(seen,), opening=None, chunks=()
    )
    return Bundle(BundleId(bytes(31) + b"z"), header, tip.sealed, ())


def test_what_a_screen_did_not_show_was_not_known(ana: PaperDevice, shelf: Shelf) -> None:
    ben = join(ana, "Ben", 2)
    jane = ben.add(PEOPLE, {NAME: "Jane"})
    ana.receive(ben.sealed())
    shown = [entry for entry in ana.frontier if entry.log == ben.log]
    ben.set(jane, NAME, "X")
    ana.receive(ben.sealed())
    from openprod.testing.device import draft_set

    late = ana.seal([draft_set(id_from_text(jane), NAME, "Y", ())], view=tuple(shown))
    nothing = ana.seal([draft_set(id_from_text(jane), NAME, "Z", ())], view=(Seen(ben.log, 0, b""),))
    shelf.take(*applied(ana))
    log = shelf.log
    numbers = {seq: log.branches_of(ben.log)[0].no << 23 | seq for seq in (2, 3)}
    lagging, blind = log.number_of(late), log.number_of(nothing)
    assert lagging is not None
    assert blind is not None
    assert [log.is_past(lagging, numbers[seq]) for seq in (2, 3)] == [True, True]
    assert [log.knows(lagging, numbers[seq]) for seq in (2, 3)] == [True, False]
    assert [log.knows(blind, numbers[seq]) for seq in (2, 3)] == [False, False]


def test_damaged_bytes_are_noticed_when_they_are_read(ana: PaperDevice, shelf: Shelf) -> None:
    ana.add(PEOPLE, {NAME: "Jane"})
    _, number = shelf.take(*applied(ana))
    (raw,) = shelf.database.rows("SELECT raw FROM chunk WHERE no = ?", (number << 11,))[0]
    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    shelf.database.execute("UPDATE chunk SET raw = ? WHERE no = ?", (flipped, number << 11))
    with pytest.raises(LogDamaged, match="openprod verify"):
        Log(shelf.database, ana.company.workspace).op_at(number << ORDINAL_BITS)
    shelf.database.execute("DELETE FROM chunk")
    with pytest.raises(LogDamaged):
        Log(shelf.database, ana.company.workspace).op_at(number << ORDINAL_BITS)
