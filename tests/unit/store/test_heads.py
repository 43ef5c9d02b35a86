"""Heads as stored: a compact row a record, which answers for every slot whatever was written since."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from openprod.store.database import Database
from openprod.store.heads import MANY, Heads
from openprod.store.log import ORDINAL_BITS


@pytest.fixture
def database() -> Generator[Database]:
    made = Database(":memory:", create=True, durable=False)
    yield made
    made.close()


@pytest.fixture
def heads(database: Database) -> Heads:
    return Heads(database)


def uuid(n: int) -> bytes:
    return bytes([n]) * 16


BORN = 7 << ORDINAL_BITS


def block(heads: Heads, *masks: int) -> tuple[int, ...]:
    """Adds records 1, 2 ... in one block with the given masks; returns the key numbers of its columns."""
    keys = tuple(map(heads.key_number, ("@exists", "@in/t.t", "t.t.a", "t.t.b")))
    heads.add_block_rows([uuid(n + 1) for n in range(len(masks))], BORN, heads.shape_number(keys), masks, 1)
    return keys


def test_a_records_cells_are_where_it_was_born(heads: Heads) -> None:
    keys = block(heads, 0b1111, 0b0111)
    one, two = heads.need(uuid(1)), heads.need(uuid(2))
    assert [heads.heads(one, key) for key in keys] == [(BORN,), (BORN + 1,), (BORN + 2,), (BORN + 3,)]
    assert [heads.heads(two, key) for key in keys] == [(BORN + 4,), (BORN + 5,), (BORN + 6,), ()]
    assert heads.slots(two) == list(keys[:3])
    assert heads.heads(two, heads.key_number("t.t.other")) == ()


@pytest.mark.parametrize("is_saved", [False, True])
def test_what_was_written_since_counts_before_where_it_was_born(heads: Heads, *, is_saved: bool) -> None:
    keys = block(heads, 0b1111)
    record = heads.need(uuid(1))
    heads.set_heads(record, keys[2], (99,))
    heads.set_heads(record, keys[3], (100, 101))
    other = heads.key_number("t.t.other")
    heads.set_heads(record, other, (5,))
    if is_saved:
        heads.flush()
        heads.begin()
        found = heads.fetch(uuid(1))
        assert found is not None
        assert found is not record
        record = found
    assert heads.heads(record, keys[2]) == (99,)
    assert sorted(heads.heads(record, keys[3])) == [100, 101]
    assert record.ver[keys[3]] == MANY
    assert heads.heads(record, other) == (5,)
    assert set(heads.slots(record)) == {*keys, other}


def test_several_heads_become_one_again_and_leave_no_rows(heads: Heads, database: Database) -> None:
    keys = block(heads, 0b1111)
    heads.set_heads(heads.need(uuid(1)), keys[2], (1, 2, 3))
    heads.flush()
    heads.begin()
    record = heads.need(uuid(1))
    heads.set_heads(record, keys[2], (2, 4))
    heads.flush()
    assert database.rows("SELECT oid FROM head ORDER BY oid") == [(2,), (4,)]
    heads.set_heads(record, keys[2], (5,))
    heads.flush()
    assert database.rows("SELECT * FROM head") == []
    assert heads.heads(record, keys[2]) == (5,)


def test_records_of_a_batch_are_found_by_their_numbers_before_they_are_written(heads: Heads) -> None:
    block(heads, 0b1111, 0b1111)
    lone = heads.need(uuid(9))
    assert [one.uuid for one in heads.load_eids([1, lone.eid, 77])] == [uuid(1), uuid(9)]
    heads.flush()
    heads.begin()
    assert [one.uuid for one in heads.load_eids([1, lone.eid, 77])] == [uuid(1), uuid(9)]
    assert (heads.eid_of(uuid(2)), heads.eid_of(uuid(8)), heads.uuid_of(2)) == (2, None, uuid(2))


def test_ids_that_are_there_already_are_not_new_whether_loaded_or_not(heads: Heads) -> None:
    block(heads, 0b1111)
    heads.flush()
    heads.begin()
    assert not heads.are_new([uuid(1), uuid(2)])
    assert heads.are_new([uuid(2), uuid(3)])
    assert not heads.are_new([uuid(2), uuid(2)])
    heads.need(uuid(2))
    assert not heads.are_new([uuid(2)])


def test_keys_and_shapes_keep_their_numbers(heads: Heads, database: Database) -> None:
    keys = block(heads, 0b1111)
    heads.flush()
    again = Heads(database)
    assert tuple(map(again.key_number, ("@exists", "@in/t.t", "t.t.a", "t.t.b"))) == keys
    assert again.shape_number(keys) == heads.shape_number(keys)
    assert again.key_number("t.t.new") not in keys
    assert again.next_eid == 2


def test_a_rollback_is_forgotten_by_refreshing(heads: Heads, database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            block(heads, 0b1111)
            heads.flush()
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    heads.refresh()
    assert (heads.next_eid, heads.fetch(uuid(1)), heads.key_numbers) == (1, None, {})
