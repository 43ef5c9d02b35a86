"""What is here without effect is kept, changes its reason, and goes when it was applied."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from openprod.model.bundle import Sealed
from openprod.store.database import Database
from openprod.store.pending import ADMISSION, HELD, WAITING, Pending, PendingShelf


@pytest.fixture
def shelf() -> Generator[PendingShelf]:
    database = Database(":memory:", create=True, durable=False)
    yield PendingShelf(database)
    database.close()


def entry(n: int, reason: str = WAITING, *, log: int = 1) -> Pending:
    sealed = Sealed(b"header", bytes(64), (b"chunk", b""))
    return Pending(bytes([n]) * 32, bytes([log]) * 32, n, reason, "detail", 5, sealed)


def test_bundles_come_back_as_they_were_log_by_log_in_order(shelf: PendingShelf) -> None:
    kept = [entry(3), entry(1, HELD), entry(2, ADMISSION, log=0)]
    shelf.put(kept)
    assert list(shelf.all()) == [kept[2], kept[1], kept[0]]
    assert shelf.counts() == {WAITING: 1, HELD: 1, ADMISSION: 1}
    assert shelf.held_ids([kept[0].id, bytes(32)]) == {kept[0].id}


def test_a_reason_changes_in_place_and_what_was_applied_goes(shelf: PendingShelf) -> None:
    shelf.put([entry(1), entry(2)])
    shelf.put([entry(1, HELD)])
    assert shelf.counts() == {HELD: 1, WAITING: 1}
    shelf.drop([entry(1).id, bytes(32)])
    assert [one.seq for one in shelf.all()] == [2]
    shelf.drop([])
