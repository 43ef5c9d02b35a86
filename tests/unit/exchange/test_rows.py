"""Many rows: the first in memory, the rest in a file that goes away."""

from __future__ import annotations

import tempfile
from typing import NoReturn

import pytest

from openprod.exchange import rows as module
from openprod.exchange.rows import NoRoom, Rows, cells, values


def test_rows_come_back_in_order_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_HELD", 5)
    monkeypatch.setattr(module, "BLOCK_ROWS", 2)
    made = [[str(n), f"cell {n}"] for n in range(23)]
    held = Rows(cells, made)
    assert len(held) == 23
    assert list(held) == made
    assert held == made
    assert (held[0], held[22], held[-2]) == (made[0], made[22], made[21])
    with pytest.raises(IndexError):
        held[23]
    both = zip(held, held, strict=True)
    assert all(one == other for one, other in both)
    assert next(iter(Rows(values, [(1, None)]))) == (1, None)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "ROWS_HELD", 2)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(NoRoom, match="nothing was staged"):
        Rows(cells, [["a"], ["b"], ["c"]])
