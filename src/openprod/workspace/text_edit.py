"""Typing: changes of a text as a person makes them, turned into updates that merge with what others type.

Knows places in a text and whose letters are whose. Must not know how ops are put into a bundle (that is `write`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from openprod.merge.text import Splice, difference, spliced
from openprod.model.errors import Refused
from openprod.model.ops import TextPayload
from openprod.model.text_update import ENCODING, RUN_BYTES, client_of, read_update
from openprod.model.values import Value, value_key
from openprod.store.log import Log
from openprod.workspace.texts import Texts


class NotAText(Refused):
    """A field was typed in that holds no text that merges."""

    code = "text.not_a_text"


class NoSuchPlace(Refused):
    """A place was named that the text does not have."""

    code = "text.no_such_place"


class Typed(NamedTuple):
    """An op to write: what it replaces, and what it says."""

    over: tuple[int, ...]
    payload: TextPayload


class TextEdit:
    """A text as an edit sees and changes it; places and lengths count characters, a negative place from the end.

    Every method raises NoSuchPlace, or FieldRefused where the text would be longer than the format holds.
    """

    def __init__(self, text: str, check: Callable[[str], None]) -> None:
        self.before = text
        self.text = text
        self.splices: list[Splice] = []
        self._check = check

    def insert(self, at: int, text: str) -> TextEdit:
        """Puts letters in at a place."""
        return self.replace(at, 0, text)

    def append(self, text: str) -> TextEdit:
        """Puts letters in at the end."""
        return self.replace(len(self.text), 0, text)

    def delete(self, at: int, count: int) -> TextEdit:
        """Takes letters out."""
        return self.replace(at, count, "")

    def replace(self, at: int, count: int, text: str) -> TextEdit:
        """Puts letters in the place of others."""
        first = at if at >= 0 else len(self.text) + at
        if not 0 <= first <= len(self.text) or not 0 <= count <= len(self.text) - first:
            raise NoSuchPlace(
                f"The text has {len(self.text)} characters, so there are no {count} at place {at}. Look at it again."
            )
        return self._do([Splice(first, count, text)])

    def become(self, text: str) -> TextEdit:
        """Makes it another text: what both have in common in front and behind is left alone, so typing there merges."""
        return self._do(difference(self.text, text))

    def _do(self, splices: Sequence[Splice]) -> TextEdit:
        text = spliced(self.text, splices)
        self._check(text)
        self.splices += splices
        self.text = text
        return self


class Typist:
    """Makes updates under client ids that no two writers, and no writer twice, ever use.

    A client id comes from the log and a run, random for each text that this program types in. Where the text does not
    hold exactly what this run wrote before (an edit that came to nothing, an older look), a fresh run begins.

    Args:
        log: the log of the workspace, for reading.
        texts: the texts.
        chance: gives n random bytes.
        writes: the id of the log that the update will stand in.
    """

    def __init__(self, log: Log, texts: Texts, chance: Callable[[int], bytes], writes: Callable[[], bytes]) -> None:
        self._log = log
        self._texts = texts
        self._chance = chance
        self._writes = writes
        self._runs: dict[bytes, tuple[bytes, int, int]] = {}

    def shown(self, heads: Sequence[int], says: dict[int, Value]) -> tuple[int, ...]:
        """Returns those of a field's heads whose value is shown: what somebody who types in it goes on from."""
        if not heads:
            return ()
        decisions = [oid for oid in heads if self._log.op_at(oid).is_decision]
        newest = max(decisions or heads, key=self._log.order_of)
        value = value_key(says[newest])
        return tuple(oid for oid in heads if value_key(says[oid]) == value)

    def typed(
        self, slots: Sequence[tuple[bytes, str]], over: tuple[int, ...], splices: Sequence[Splice]
    ) -> Typed | None:
        """Returns the op that changes of a text make; None where they change nothing.

        Args:
            slots: where it will stand.
            over: the heads that it goes on from.
            splices: the changes.
        """
        base, on = self._texts.standing(slots, over)
        document = self._texts.document(on, base)
        return self._made(base, over, document.clocks, lambda client: document.typed(client, splices))

    def staged(self, slots: Sequence[tuple[bytes, str]], over: Iterable[int], copy: Texts, now: Iterable[int]) -> bytes:
        """Returns all that a copy of the workspace, which goes on from these heads, holds of the text beyond them.

        Args:
            slots: where the text stands.
            over: the heads here that what is typed there goes on from.
            copy: the texts of the copy.
            now: the heads there.
        """
        base, on = self._texts.standing(slots, over)
        vector = self._texts.document(on, base).vector
        there = frozenset(oid for oid in now if copy.is_on(oid, base) and copy.is_typing(oid))
        return copy.document(there, base).since(vector)

    def retyped(
        self, slots: Sequence[tuple[bytes, str]], heads: Iterable[int], now: Iterable[int], update: bytes
    ) -> Typed | None:
        """Returns the op that makes of a text as it is what was typed elsewhere; None where it changes nothing.

        Args:
            slots: where it will stand.
            heads: those that what was typed goes on from.
            now: the heads of the field now.
            update: what was typed, by whatever writers.
        """
        base, _ = self._texts.standing(slots, heads)
        over = tuple(oid for oid in now if self._texts.is_on(oid, base))
        document = self._texts.document(frozenset(one for one in over if self._texts.is_typing(one)), base)
        splices = document.change(update)
        return self._made(base, over, document.clocks, lambda client: document.typed(client, splices))

    def taken_back(self, slots: Sequence[tuple[bytes, str]], over: tuple[int, ...], oid: int) -> Typed | None:
        """Returns the op that takes back what an op typed from a text as it is; None where nothing of it is there."""
        base, on = self._texts.standing(slots, over)
        clocks = dict(self._texts.document(on, base).clocks)
        updates = self._texts.updates(on)
        if oid not in updates:
            return None
        place = self._texts.place(oid)
        before = self._texts.updates(place.on)
        document = self._texts.document(place.on, base)
        later = [update for one, update in updates.items() if one != oid and one not in before]
        return self._made(base, over, clocks, lambda client: document.undone(updates[oid], client, later))

    def _made(
        self, base: bytes, over: tuple[int, ...], clocks: dict[int, int], make: Callable[[int], bytes]
    ) -> Typed | None:
        log = self._writes()
        owner, run, count = self._runs.get(base, (b"", 0, 0))
        if owner != log or clocks.get(client_of(log, run), 0) != count:
            run, count = int.from_bytes(self._chance(RUN_BYTES), "big"), 0
        update = make(client_of(log, run))
        if not update:
            return None
        read = read_update(update)
        self._runs[base] = (log, run, count + read.length)
        return Typed(over, TextPayload(run, count, ENCODING, update))
