"""Texts as kept: what a long history of typing came to, so that nobody reads it all again.

A row a set of heads: the text that these ops and all before them make. Derived, and never needed: without it the ops
are read. Knows rows; must not know letters.
"""

from __future__ import annotations

import msgspec

from openprod.store.database import Database

Heads = frozenset[int]

_encode = msgspec.msgpack.Encoder().encode


class TextShelf:
    """Keeps the states of texts by their heads."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(self, heads: Heads) -> tuple[bytes, bytes] | None:
        """Returns the name and the state of the text that these heads make, None where it is not kept."""
        row = self._db.one("SELECT base, state FROM text WHERE heads = ?", (_key(heads),))
        return None if row is None or type(row[0]) is not bytes or type(row[1]) is not bytes else (row[0], row[1])

    def keep(self, heads: Heads, base: bytes, state: bytes, before: Heads) -> None:
        """Keeps the newest state of a text beside the one `before` it; older ones go. Call inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO text(heads, base, state) VALUES(?, ?, ?)", (_key(heads), base, state))
        kept = (base, _key(heads), _key(before))
        self._db.execute("DELETE FROM text WHERE base = ? AND heads NOT IN (?, ?)", kept)


def _key(heads: Heads) -> bytes:
    return _encode(sorted(heads))
