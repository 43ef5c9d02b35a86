"""Fold's reading of texts and lists: slots whose writes say something only together.

Part of the yardstick (`fold`): computed from nothing each time, from the ops alone. Shares with the quick rooms the
words of `merge.text` and `merge.lists`, and none of their short cuts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from openprod.merge.fold_writes import OpId, Slot, Write
from openprod.merge.lists import Element, ListHead, elements, value_of
from openprod.merge.text import Document, Typing, base_of_op, base_of_slots, united
from openprod.model.ids import BundleId
from openprod.model.ops import ListItem, TextPayload
from openprod.model.values import Value

LIST_DEEDS = ("add", "take", "reset")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an op on a text stands: the text's name, and the ops on the same text that it goes on from."""

    base: bytes
    on: tuple[OpId, ...]


@dataclass(slots=True)
class Together:
    """What the writes of texts and lists say together.

    Attributes:
        writes: every write that has an effect.
        knows: whether the author of one bundle knew another.
        places: each op on a text to where it stands.
    """

    writes: Mapping[OpId, Write]
    knows: Callable[[BundleId, BundleId], bool]
    places: dict[OpId, Place] = field(default_factory=dict[OpId, Place])
    bases: dict[bytes, str] = field(default_factory=dict[bytes, str])

    def read(self, counting: Callable[[Write], Sequence[Write]]) -> None:
        """Finds where every op on a text stands; `counting` are the writes that one goes on from with right."""
        for write in sorted(self.writes.values(), key=lambda write: write.order):
            if write.deed == "text":
                self.places[write.id] = self.standing(write.slots, counting(write))

    def standing(self, slots: Iterable[Slot], before: Sequence[Write]) -> Place:
        """Returns where an op in these slots stands that goes on from these values and ops on texts."""
        newest = max(before, key=lambda one: (one.decision, one.order), default=None)
        if newest is None:
            base = base_of_slots(slots)
            self.bases[base] = ""
        elif newest.deed == "text":
            base = self.places[newest.id].base
        else:
            base = base_of_op(*newest.id)
            self.bases[base] = newest.value if isinstance(newest.value, str) else ""
        places = self.places
        on = tuple(one.id for one in before if one.deed == "text" and places[one.id].base == base)
        return Place(base, on)

    def sameness(self, write: Write) -> bytes:
        """Returns bytes that are equal where two writes of one slot are no question."""
        if write.deed == "text":
            return self.places[write.id].base
        return b"list" if write.deed in LIST_DEEDS else write.sameness

    def says(self, heads: Sequence[Write]) -> dict[OpId, Value]:
        """Returns what each head of one field says, seen beside the others."""
        if any(head.deed in LIST_DEEDS for head in heads):
            value = value_of(self.elements(heads))
            return {head.id: value for head in heads}
        found: dict[OpId, Value] = {head.id: head.value for head in heads}
        texts: dict[bytes, list[OpId]] = defaultdict(list)
        for head in heads:
            if head.deed == "text":
                texts[self.places[head.id].base].append(head.id)
        for base, ops in texts.items():
            text = self.text(base, ops) or None
            found.update((op, text) for op in ops)
        return found

    def elements(self, heads: Sequence[Write]) -> list[Element]:
        """Returns the elements of a list with these heads."""
        return elements([_list_head(head) for head in heads], self._knew)

    def _knew(self, one: ListHead, other: ListHead) -> bool:
        return self.knows(BundleId(one.order[1]), BundleId(other.order[1]))

    def text(self, base: bytes, ops: Sequence[OpId]) -> str:
        """Returns the letters that ops on one text, and all that they go on from, make."""
        return self.document(base, ops).text

    def document(self, base: bytes, ops: Sequence[OpId]) -> Document:
        """Returns the text that ops on it, and all that they go on from, make."""
        typings: dict[OpId, Typing] = {}
        todo = list(ops)
        while todo:
            one = todo.pop()
            if one not in typings:
                write, place = self.writes[one], self.places[one]
                assert isinstance(write.holds, TextPayload)
                typings[one] = Typing(write.order, place.on, write.holds.update)
                todo += place.on
        return united(base, self.bases[base], typings)


def _list_head(write: Write) -> ListHead:
    if write.deed == "add":
        assert isinstance(write.holds, ListItem)
        return ListHead("add", write.holds.value, write.holds.element, write.holds.position, write.order)
    if write.deed == "take":
        assert isinstance(write.holds, bytes)
        return ListHead("remove", None, write.holds, "", write.order)
    return ListHead("value" if write.deed == "value" else "reset", write.value, b"", "", write.order)
