"""Rows that may be more than memory should hold: the first thousands as they are, the rest in a file that goes away.

Knows lists of plain values. Must not know what they mean.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Generic, TypeVar, cast

import msgspec

from openprod.model.errors import Refused

T = TypeVar("T")

ROWS_HELD = 40_000
BLOCK_ROWS = 2_000
LENGTH_BYTES = 4
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[object]).decode


class NoRoom(Refused):
    """The disk has no room for the rows of a large file."""

    code = "import.no_room"


class Rows(Generic[T]):
    """Rows in the order in which they were added; gone through any number of times.

    Args:
        make: turns what the file gives back (a list) into a row.
        rows: the first rows.
    """

    def __init__(self, make: Callable[[object], T], rows: Iterable[T] = ()) -> None:
        self._make = make
        self._held: list[T] = []
        self._file: IO[bytes] | None = None
        self._count = 0
        self._width: int | None = None
        for one in rows:
            self.append(one)

    def append(self, row: T) -> None:
        """Adds a row; raises NoRoom where it has to go to a disk that is full."""
        self._held.append(row)
        self._count += 1
        if len(self._held) >= (ROWS_HELD if self._file is None else BLOCK_ROWS):
            self._spill()

    def extend(self, rows: Iterable[T]) -> None:
        """Adds rows; raises NoRoom as `append` does."""
        before = len(self._held)
        self._held.extend(rows)
        self._count += len(self._held) - before
        if len(self._held) >= (ROWS_HELD if self._file is None else BLOCK_ROWS):
            self._spill()

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="openprod-rows-")  # noqa: SIM115 (kept as long as the rows)
                weakref.finalize(self, self._file.close)
            self._file.seek(0, os.SEEK_END)
            for start in range(0, len(self._held), BLOCK_ROWS):
                raw = _encode(self._held[start : start + BLOCK_ROWS])
                self._file.write(len(raw).to_bytes(LENGTH_BYTES) + raw)
            self._file.flush()
        except OSError as error:
            raise NoRoom(
                f"There is no room for the rows of the file ({error.strerror}). Make room on the disk of the folder for"
                " temporary files, and import it again; nothing was staged."
            ) from error
        self._held.clear()

    def cut(self, width: int) -> None:
        """Leaves out what stands beyond so many places of every row."""
        self._width = width
        self._held = [self._cut(row) for row in self._held]

    def _cut(self, row: T) -> T:
        return row[: self._width]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType] (rows are lists or tuples)

    def __len__(self) -> int:
        """Returns how many rows there are."""
        return self._count

    def __iter__(self) -> Iterator[T]:
        """Yields the rows."""
        if self._file is not None:
            at = 0
            while True:
                self._file.seek(at)
                size = int.from_bytes(self._file.read(LENGTH_BYTES))
                if not size:
                    break
                block = _decode(self._file.read(size))
                at += LENGTH_BYTES + size
                rows = map(self._make, block)
                yield from rows if self._width is None else map(self._cut, rows)
        yield from self._held

    def __getitem__(self, place: int) -> T:
        """Returns one row; rows in the file are looked for from the first."""
        place = place + self._count if place < 0 else place
        if self._file is None:
            return self._held[place]
        for at, row in enumerate(self):
            if at == place:
                return row
        raise IndexError(place)

    def __eq__(self, other: object) -> bool:
        """Tells whether these are the rows of a list, or of other rows."""
        if not isinstance(other, (list, Rows)):
            return NotImplemented
        return list(self) == list(cast("Iterable[object]", other))

    __hash__ = None  # pyright: ignore[reportAssignmentType] (rows change)

    def __repr__(self) -> str:
        """Returns the first rows and how many there are."""
        return f"Rows({self._count})"


def cells(row: object) -> list[str]:
    """Returns the cells of a row of a sheet, as a file of our own gives them back."""
    return row  # pyright: ignore[reportReturnType] (written by ourselves a moment ago)


def values(row: object) -> tuple[object, ...]:
    """Returns the values of a planned record, as a file of our own gives them back."""
    return tuple(row)  # pyright: ignore[reportArgumentType] (as above)
