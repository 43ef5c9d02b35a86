"""Stored bundles that were found damaged: which, and putting good bytes in their place.

Knows rows and headers. Must not know how damage is found, nor what ops mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openprod.model.bundle import Sealed, decode_header
from openprod.model.ids import bundle_id
from openprod.model.ops import Malformed
from openprod.store.database import Database
from openprod.store.log import CHUNK_BITS, SEQ_BITS, SEQ_MASK, Log, branch_of, seq_of

DAMAGED, UNSIGNED, DERIVED = "damaged", "unsigned", "derived"
KINDS = (DAMAGED, UNSIGNED, DERIVED)


class Quarantine:
    """The list of what is damaged, kept in the file so that every program and every start knows of it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def bundles(self) -> dict[int, str]:
        """Returns the numbers of the damaged bundles, each with what is wrong."""
        return dict(self._db.rows("SELECT bundle, detail FROM flag WHERE kind = ?", (DAMAGED,)))

    def unsigned(self) -> set[int]:
        """Returns the numbers of the bundles whose own signature is bad, though a later one proves what they say."""
        return {number for (number,) in self._db.rows("SELECT bundle FROM flag WHERE kind = ?", (UNSIGNED,))}

    def derived(self) -> list[str]:
        """Returns a sentence for each derived table that was found to differ from what the log gives."""
        return [
            text for (text,) in self._db.rows("SELECT detail FROM flag WHERE kind = ? ORDER BY ordinal", (DERIVED,))
        ]

    def note(self, number: int, reason: str) -> None:
        """Sets a bundle aside. Call inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO flag VALUES(?, ?, 0, ?)", (DAMAGED, number, reason))

    def replace(self, bundles: Mapping[int, str], unsigned: Iterable[int], derived: Iterable[str]) -> None:
        """Makes the list what a check found. Call inside a transaction."""
        wanted = {(DAMAGED, number, 0, reason) for number, reason in bundles.items()}
        wanted |= {(UNSIGNED, number, 0, "") for number in unsigned}
        wanted |= {(DERIVED, 0, ordinal, text) for ordinal, text in enumerate(derived)}
        self._db.execute("DELETE FROM flag WHERE kind IN (?, ?, ?)", KINDS)
        self._db.executemany("INSERT INTO flag VALUES(?, ?, ?, ?)", sorted(wanted))

    def is_as(self, bundles: Mapping[int, str], unsigned: Iterable[int], derived: Iterable[str]) -> bool:
        """Tells whether the list says just this already."""
        return self.bundles() == bundles and self.unsigned() == set(unsigned) and self.derived() == list(derived)

    def heal(self, number: int, bundle: bytes, sealed: Sealed) -> None:
        """Puts good bytes in place of the damaged ones and takes the bundle off the list. Call inside a transaction."""
        sql = (
            "INSERT INTO bundle(no, id, place, eff, at, header, signature) VALUES(?1, ?2, 0, x'', 0, ?3, ?4)"
            " ON CONFLICT(no) DO UPDATE SET id = ?2, header = ?3, signature = ?4"
        )
        self._db.execute(sql, (number, bundle, sealed.header, sealed.signature))
        first = number << CHUNK_BITS
        self._db.execute("DELETE FROM chunk WHERE no >= ? AND no < ?", (first, first + (1 << CHUNK_BITS)))
        self._db.executemany(
            "INSERT INTO chunk VALUES(?, ?)", [(first + at, raw) for at, raw in enumerate(sealed.chunks)]
        )
        self._db.execute("DELETE FROM flag WHERE kind IN (?, ?) AND bundle = ?", (DAMAGED, UNSIGNED, number))


class Healer:
    """Knows which bundle ids would mend something here."""

    def __init__(self, history: Log, quarantine: Quarantine) -> None:
        self._log = history
        self._quarantine = quarantine
        self.wanted: dict[bytes, int] = {}
        for number in {*quarantine.bundles(), *quarantine.unsigned()}:
            self._want(number)

    def _want(self, number: int) -> None:
        for one in self._ids(number):
            self.wanted[one] = number

    def _ids(self, number: int) -> Iterable[bytes]:
        """Yields what the id of a damaged bundle may be: what its row says, what the next one names, its log's tip."""
        stored = self._log.look(number)
        if stored is not None:
            yield stored[0]
        following = self._log.look(number + 1) if number & SEQ_MASK < SEQ_MASK else None
        if following is not None:
            try:
                header = decode_header(following[1])
            except Malformed:
                header = None
            if header is not None and header.prev is not None:
                yield header.prev
        arm = self._log.branches.get(branch_of(number))
        if arm is not None and arm.seq == seq_of(number):
            yield arm.tip

    def suspect(self, log_id: bytes, seq: int) -> None:
        """Looks at the stored bundles of a place that another id claims: a damaged one is no other arm of its log."""
        for arm in self._log.branches_of(log_id):
            number = arm.no << SEQ_BITS | seq
            if not arm.fork_seq < seq <= arm.seq or number in self.wanted.values():
                continue
            stored = self._log.look(number)
            if stored is None or bundle_id(self._log.workspace, stored[1]) != stored[0]:
                self._quarantine.note(number, "its header is damaged")
                self._want(number)

    def heal(self, number: int, bundle: bytes, sealed: Sealed) -> None:
        """Puts a proven bundle in the place of a damaged copy."""
        self._quarantine.heal(number, bundle, sealed)
        self._log.forget_bytes(number)
        self.wanted = {one: other for one, other in self.wanted.items() if other != number}
