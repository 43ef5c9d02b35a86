"""Blocks of rows from which single rows are read, because whoever edits a record among many needs no other.

Knows the bytes of a chunk that is one row block and nothing else. Checks nothing: the caller has compared the bytes
with the hash in their bundle's header, and what a bundle that counts holds was decoded and checked when it was applied.
"""

from __future__ import annotations

import msgspec

from openprod.model.ops import IMPLIED_COLUMNS
from openprod.model.values import Value


class _Payload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    table: str
    rows: list[msgspec.Raw]


class _Rows(msgspec.Struct, tag=2, array_like=True, frozen=True, gc=False):
    cause: int
    subjects: tuple[int, ...]
    keys: tuple[int, ...]
    over: tuple[int, ...]
    payload: _Payload


class _Chunk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    keys: tuple[str, ...]
    subjects: bytes
    bundles: bytes
    ops: tuple[_Rows]


_chunk_decoder = msgspec.msgpack.Decoder(_Chunk)
_row_decoder = msgspec.msgpack.Decoder(tuple[Value, ...])


class RowBlock:
    """A row block whose rows are decoded when they are asked for."""

    __slots__ = ("_columns", "_decoded", "_rows")

    def __init__(self, columns: int, rows: list[msgspec.Raw]) -> None:
        self._columns = columns
        self._rows = rows
        self._decoded: dict[int, tuple[Value, ...]] = {}

    def value(self, offset: int) -> Value:
        """Returns the value of a cell, counted from the block's first; None for implied cells."""
        row, column = divmod(offset, self._columns)
        if column < IMPLIED_COLUMNS:
            return None
        found = self._decoded.get(row)
        if found is None:
            found = self._decoded[row] = _row_decoder.decode(self._rows[row])
        return found[column - IMPLIED_COLUMNS]


def read_block(raw: bytes) -> RowBlock | None:
    """Returns the row block that a chunk's bytes are, None where they are anything else."""
    try:
        (op,) = _chunk_decoder.decode(raw).ops
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return RowBlock(IMPLIED_COLUMNS + len(op.keys), op.payload.rows)
