"""Updates of a text that merges: the bytes of Yjs (update encoding 1), read far enough to know what they may do.

Knows whose letters an update brings, where they stand in that writer's count, and what must be there before. Must not
know how letters are put in order (that is `merge.text`). Source of the encoding: the public documentation and code of
Yjs, `UpdateEncoderV1`.
"""

from __future__ import annotations

from typing import NamedTuple

from openprod.model.ids import CONTEXT_TEXT, hash_in

ENCODING = 1
# The letters of one update, and room for what it says of them.
UPDATE_BYTES_MAX = 2 << 20
# What one update may add, in UTF-16 units, so that nobody can use a writer's count up.
GROWTH_MAX = 1 << 20
RUN_BYTES = 8
ROOT = "t"

_CLIENT_BITS = 53
_COUNT_MAX = (1 << 53) - 1
_VARINT_BYTES_MAX = 8
_DELETED, _STRING = 1, 4
_HAS_LEFT, _HAS_RIGHT, _HAS_KEY, _CONTENT = 0x80, 0x40, 0x20, 0x1F
_NAMED_ROOT = 1


class BadUpdate(ValueError):
    """Bytes that are no update of a text, or that claim what no writer may."""


class Update(NamedTuple):
    """What an update says of itself.

    Attributes:
        client: whose letters it brings; None where it only deletes.
        clock: that writer's count before it.
        length: how many letters it brings, in UTF-16 units, those deleted again among them.
        needs: for each writer, the count that must be there before; its own is that of `clock`.
        letters: those that it brings and does not delete again, in the order in which they were typed.
        deleted: how many letters it deletes, in UTF-16 units.
    """

    client: int | None
    clock: int
    length: int
    needs: dict[int, int]
    letters: str
    deleted: int


def client_of(log: bytes, run: int) -> int:
    """Returns the client id of what a log types in one run; whoever knows log and run can check it."""
    return _client(log + run.to_bytes(RUN_BYTES, "big"))


def base_client(base: bytes) -> int:
    """Returns the client id of the letters that a text begins with, alike for everybody."""
    return _client(base)


def _client(said: bytes) -> int:
    return int.from_bytes(hash_in(CONTEXT_TEXT, said)[:8], "big") >> (64 - _CLIENT_BITS)


def seed(client: int, text: str) -> bytes:
    """Returns the update that makes the text a document begins with."""
    if not text:
        return b"\x00\x00"
    raw = text.encode()
    root = ROOT.encode()
    parts = (
        b"\x01\x01",
        varint(client),
        b"\x00",
        bytes((_STRING, _NAMED_ROOT, len(root))),
        root,
        varint(len(raw)),
        raw,
        b"\x00",
    )
    return b"".join(parts)


def units(text: str) -> int:
    """Returns a text's length in UTF-16 units, as writers count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def read_update(raw: bytes) -> Update:
    """Returns what an update says of itself; raises BadUpdate for anything that is not plain typing of one writer."""
    if len(raw) > UPDATE_BYTES_MAX:
        raise BadUpdate("a text's update is larger than 2 MiB")
    reader = _Reader(raw)
    writers = reader.number()
    if writers > 1:
        raise BadUpdate("a text's update brings letters of several writers")
    needs: dict[int, int] = {}
    client, clock, length = reader.letters(needs) if writers else (None, 0, 0)
    deleted = reader.deletions(needs)
    reader.end()
    if client is not None:
        own = needs.pop(client, 0)
        if own > clock + length:
            raise BadUpdate("a text's update names letters of its own that it does not bring")
    return Update(client, clock, length, needs, "".join(reader.strings), deleted)


def read_clocks(state: bytes) -> dict[int, int]:
    """Returns the count of each writer that a state vector holds; raises BadUpdate."""
    reader = _Reader(state)
    found = {reader.number(): reader.number() for _ in range(reader.number())}
    reader.end()
    return found


def varint(number: int) -> bytes:
    """Returns a number as Yjs writes it: seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


class _Reader:
    """Reads an update from front to back."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self.strings: list[str] = []

    def number(self) -> int:
        """Reads a variable-length number of at most 53 bits."""
        found = shift = 0
        raw, at = self._raw, self._at
        for at in range(self._at, min(len(raw), self._at + _VARINT_BYTES_MAX)):
            byte = raw[at]
            found |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                self._at = at + 1
                if found > _COUNT_MAX:
                    break
                return found
        raise BadUpdate("a text's update holds a number that is cut off or too big")

    def string(self) -> str:
        """Reads a text behind its length."""
        size = self.number()
        end = self._at + size
        if end > len(self._raw):
            raise BadUpdate("a text's update is cut off")
        try:
            found = self._raw[self._at : end].decode()
        except UnicodeDecodeError as error:
            raise BadUpdate("a text's update holds letters that are no UTF-8") from error
        self._at = end
        return found

    def end(self) -> None:
        """Raises BadUpdate where something is left."""
        if self._at != len(self._raw):
            raise BadUpdate("a text's update has something behind its end")

    def letters(self, needs: dict[int, int]) -> tuple[int, int, int]:
        """Reads the letters of one writer; returns whose, their count before, and how many; notes what they need."""
        count, client, first = self.number(), self.number(), self.number()
        if not count or count > len(self._raw):
            raise BadUpdate("a text's update says how many parts it has, and has another number")
        clock = first
        for _ in range(count):
            clock += self._part(client, clock, needs)
            if clock - first > GROWTH_MAX:
                raise BadUpdate("a text's update claims more letters than one may bring")
        return client, first, clock - first

    def _part(self, client: int, clock: int, needs: dict[int, int]) -> int:
        info = self._raw[self._at] if self._at < len(self._raw) else 0
        self._at += 1
        for side in (_HAS_LEFT, _HAS_RIGHT):
            if info & side:
                whose, at = self.number(), self.number()
                if whose == client and at >= clock:
                    raise BadUpdate("a text's update puts letters beside ones that come later")
                if whose != client:
                    needs[whose] = max(needs.get(whose, 0), at + 1)
        if not info & (_HAS_LEFT | _HAS_RIGHT) and (self.number() != _NAMED_ROOT or self.string() != ROOT):
            raise BadUpdate("a text's update writes to something else than the text")
        if info & _HAS_KEY:
            raise BadUpdate("a text's update writes to something else than the text")
        kind = info & _CONTENT
        length = self.number() if kind == _DELETED else 0
        if kind == _STRING:
            self.strings.append(self.string())
            length = units(self.strings[-1])
        if not length:
            raise BadUpdate("a text's update holds something else than letters")
        return length

    def deletions(self, needs: dict[int, int]) -> int:
        """Reads what is deleted and returns how many letters; notes whose must be there."""
        deleted = 0
        for _ in range(self._bounded()):
            client = self.number()
            for _ in range(self._bounded()):
                at, length = self.number(), self.number()
                needs[client] = max(needs.get(client, 0), at + length)
                deleted += length
        return deleted

    def _bounded(self) -> int:
        count = self.number()
        if count > len(self._raw):
            raise BadUpdate("a text's update says how many parts it has, and has another number")
        return count
