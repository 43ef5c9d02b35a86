"""Texts of a workspace: from the ops that typed them to the letters, quickly.

A text goes on from the one before it: what a set of heads makes is what the ops before them made, and one op more.
Texts stay in memory and, where many ops made them, in the file. Only where people typed apart is the whole history of a
text read in canonical order (`merge.text.united`). Knows the log. Must not know which field shows a text.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from openprod.merge.text import Document, Typing, base_of_op, base_of_slots, begun_with, united
from openprod.model.ids import HASH_BYTES
from openprod.model.ops import Decide, Relations, Rows, Set, Text
from openprod.model.text_update import BadUpdate
from openprod.store.log import ORDINAL_BITS, ORDINAL_MASK, Log, OpAt
from openprod.store.texts import Heads, TextShelf

_DOCUMENTS_KEPT = 32
_PLACES_KEPT = 50_000
# A text that takes more ops than these to read is kept in the file.
KEEP_AFTER = 64


class Place(NamedTuple):
    """Where an op on a text stands: the text's name, the ops on the same text that it goes on from, its update."""

    base: bytes
    on: Heads
    update: bytes


class Kept(NamedTuple):
    """A text at hand, how many ops it took since it was kept in the file, and the heads it was kept under."""

    document: Document
    depth: int
    stored: Heads


class Texts:
    """Reads texts. What it keeps in memory goes with `forget`, as local numbers may come to mean other ops."""

    def __init__(self, log: Log, shelf: TextShelf) -> None:
        self._log = log
        self._shelf = shelf
        self._kept: OrderedDict[Heads, Kept] = OrderedDict()
        self._places: dict[int, Place] = {}
        self._unsaved: dict[Heads, tuple[bytes, bytes, Heads]] = {}

    def forget(self) -> None:
        """Forgets everything: after a rollback, or somebody else's commit."""
        self._kept.clear()
        self._places.clear()
        self._unsaved.clear()

    def save(self) -> None:
        """Writes down the long texts that were read since. Call inside a transaction."""
        for heads, (base, state, before) in self._unsaved.items():
            self._shelf.keep(heads, base, state, before)
        self._unsaved = {}
        if len(self._places) > _PLACES_KEPT:
            self._places.clear()

    # -- where ops stand

    def base(self, oid: int) -> bytes:
        """Returns the name of the text that an op types in."""
        found = self._known_base(oid)
        return self.place(oid).base if found is None else found

    def place(self, oid: int) -> Place:
        """Returns where an op on a text stands."""
        todo = [oid]
        while todo:
            missing = self._look(todo[-1])
            if missing is None:
                todo.pop()
            else:
                todo.append(missing)
        return self._places[oid]

    def is_typing(self, oid: int) -> bool:
        """Tells whether a write types in a text."""
        return isinstance(self._log.op_at(oid).op, Text)

    def is_on(self, oid: int, base: bytes) -> bool:
        """Tells whether a write of a field types in a text, or begins it."""
        if self.is_typing(oid):
            return self.base(oid) == base
        return base_of_op(self._log.id_of(oid >> ORDINAL_BITS), oid & ORDINAL_MASK) == base

    def _known_base(self, oid: int) -> bytes | None:
        place = self._places.get(oid)
        if place is not None:
            return place.base
        kept = self._shelf.find(frozenset((oid,)))
        return None if kept is None else kept[0]

    def _look(self, oid: int) -> int | None:
        """Finds where an op stands; returns an op whose text must be known first, None where it is found."""
        if oid in self._places:
            return None
        op = self._log.op_at(oid)
        assert isinstance(op.op, Text)
        before = self._before(op)
        for one in before:
            if isinstance(one.op, Text) and self._known_base(one.oid) is None:
                return one.oid
        slots = [(subject, key) for subject in op.subjects for key in op.keys]
        self._places[oid] = Place(*self._standing(slots, before), op.op.payload.update)
        return None

    def standing(self, slots: Iterable[tuple[bytes, str]], over: Iterable[int]) -> tuple[bytes, Heads]:
        """Returns the name of the text that an op in these slots over these ops types in, and those of them on it."""
        before = [self._log.op_at(oid) for oid in over]
        return self._standing(slots, [one for one in before if is_value(one) or isinstance(one.op, Text)])

    def _standing(self, slots: Iterable[tuple[bytes, str]], before: Sequence[OpAt]) -> tuple[bytes, Heads]:
        newest = max(before, key=lambda one: (one.is_decision, self._log.order_of(one.oid)), default=None)
        bases = {one.oid: self.base(one.oid) for one in before if isinstance(one.op, Text)}
        if newest is None:
            base = base_of_slots(slots)
        elif newest.oid in bases:
            base = bases[newest.oid]
        else:
            base = base_of_op(self._log.id_of(newest.oid >> ORDINAL_BITS), newest.oid & ORDINAL_MASK)
        return base, frozenset(one for one, its in bases.items() if its == base)

    def _before(self, op: OpAt) -> list[OpAt]:
        """Returns the writes of a field that an op names, of those its author had applied and could read."""
        number = op.oid >> ORDINAL_BITS
        unread = self._log.header(number).unread
        found: list[OpAt] = []
        for bundle, ordinal in sorted(set(op.over)):
            target = self._log.number_of(bundle)
            if (
                target is not None
                and target not in self._log.unread
                and bundle not in unread
                and self._log.is_past(number, target)
                and self._log.has_op(target, ordinal)
            ):
                other = self._log.op_at(target << ORDINAL_BITS | ordinal)
                if is_value(other) or isinstance(other.op, Text):
                    found.append(other)
        return found

    def begin_of(self, base: bytes) -> str:
        """Returns what the text of a name begins with."""
        bundle = begun_with(base)
        number = self._log.number_of(bundle) if bundle is not None else None
        if number is None:
            return ""
        ordinal = int.from_bytes(base[1 + HASH_BYTES :], "big")
        value = self._log.op_at(number << ORDINAL_BITS | ordinal).value
        return value if isinstance(value, str) else ""

    # -- what they make together

    def read(self, ops: Iterable[int]) -> dict[int, str]:
        """Returns for each of some ops on texts, seen beside the others, the letters."""
        texts: dict[bytes, list[int]] = {}
        for oid in ops:
            texts.setdefault(self.base(oid), []).append(oid)
        found: dict[int, str] = {}
        for base, some in texts.items():
            text = self.document(frozenset(some), base).text
            found.update((oid, text) for oid in some)
        return found

    def document(self, heads: Heads, base: bytes) -> Document:
        """Returns the text that ops and all before them make; it is the caller's to read, not to change.

        Args:
            heads: ops on one text; none for how it begins.
            base: the text's name.
        """
        chain: list[Place] = []
        at = heads
        found = self._at_hand(at)
        while found is None and len(at) == 1:
            place = self.place(next(iter(at)))
            chain.append(place)
            at = place.on
            found = self._at_hand(at)
        if found is None:
            document = united(base, self.begin_of(base), self._history(at)) if at else self._begun(base)
            found = Kept(document, len(at) and KEEP_AFTER, frozenset())
        document = found.document
        if chain and document.is_torn:
            document = united(base, self.begin_of(base), self._history(heads))
        else:
            for place in reversed(chain):
                document.take(place.update)
        self._keep(heads, base, Kept(document, found.depth + len(chain), found.stored))
        return document

    def _begun(self, base: bytes) -> Document:
        return Document.begun(base, self.begin_of(base))

    def _at_hand(self, heads: Heads) -> Kept | None:
        """Returns a text kept in memory, which it is taken out of, or in the file."""
        found = self._kept.pop(heads, None)
        if found is not None or not heads:
            return found
        stored = self._shelf.find(heads)
        if stored is None:
            return None
        try:
            return Kept(Document(stored[1]), 0, heads)
        except BadUpdate:
            return None

    def _keep(self, heads: Heads, base: bytes, kept: Kept) -> None:
        if not heads:
            return
        if kept.depth >= KEEP_AFTER and not kept.document.is_torn:
            self._unsaved[heads] = (base, kept.document.state, kept.stored)
            kept = Kept(kept.document, 0, heads)
        self._kept[heads] = kept
        while len(self._kept) > _DOCUMENTS_KEPT:
            self._kept.popitem(last=False)

    def _history(self, heads: Iterable[int]) -> dict[Hashable, Typing]:
        """Returns ops and all on the same text that they go on from."""
        found: dict[Hashable, Typing] = {}
        todo = list(heads)
        while todo:
            one = todo.pop()
            if one not in found:
                place = self.place(one)
                found[one] = Typing(self._log.order_of(one), tuple(place.on), place.update)
                todo += place.on
        return found

    def updates(self, heads: Heads) -> dict[int, bytes]:
        """Returns ops on one text and all that they go on from with their updates, in canonical order."""
        history = self._history(heads)
        order = sorted(history, key=lambda one: history[one].order)
        return {one: history[one].update for one in order if isinstance(one, int)}


def is_value(op: OpAt) -> bool:
    """Tells whether an op, or cell, writes a value into a field."""
    if isinstance(op.op, Rows | Relations):
        return op.is_live is None and op.value is not None and not op.keys[0].startswith("@")
    return isinstance(op.op, Set | Decide)
