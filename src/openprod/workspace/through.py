"""Editing through a smart field: where a value that is given for a field is written, and over which heads.

Knows the drafts of the edit that asks, so that what it did before counts. Follows references by asking the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from openprod.catalog.check import parse
from openprod.catalog.tables import Catalog, Field
from openprod.model.values import FieldRef, Value
from openprod.store.log import OpAt
from openprod.workspace.building import Heads
from openprod.workspace.drafts import Draft, Written
from openprod.workspace.smart import CannotTake, Lead, Source, SourceAway

Slot = tuple[bytes, str]


class ThroughDesk(Protocol):
    """What editing through needs of the desk."""

    @property
    def catalog(self) -> Catalog:
        """The tables there are."""
        ...

    def title(self, uuid: bytes) -> str:
        """Returns what a record is called."""
        ...

    def op_at(self, oid: int) -> OpAt:
        """Returns an op."""
        ...

    def stands_in(self, op: OpAt, uuid: bytes, key: str) -> bool:
        """Tells whether an op stands, or stood, in a slot."""
        ...

    def reference_of(self, uuid: bytes, key: str) -> FieldRef | None:
        """Returns the reference that a field takes its value by, None where it is typed."""
        ...

    def source_of(self, uuid: bytes, key: str) -> Source | None:
        """Returns what a field is taken from, None where it is typed."""
        ...

    def source_text(self, source: Source) -> str:
        """Returns where a field is taken from, in words."""
        ...

    def standing(self, uuid: bytes) -> bytes:
        """Returns the id that stands for a record."""
        ...

    def keys_of(self, key: str) -> tuple[str, ...]:
        """Returns the keys of a mapped field, the one that stands for all first."""
        ...


class Through:
    """Where the values of one edit go."""

    def __init__(self, workspace: ThroughDesk, drafts: Mapping[bytes, Draft]) -> None:
        self._workspace = workspace
        self._drafts = drafts

    def written(self, draft: Draft, key: str, value: Value, known: Heads | None) -> tuple[bytes, str, Written]:
        """Returns where a value that is given for a field is written: in the field, or where that is taken from.

        Of the heads that its author was looking at those count that stand there. Nothing is written where it is: that
        ends the taking. Raises SourceAway.
        """
        source = self._source(draft, key) if value is not None else None
        if source is None:
            return draft.uuid, key, Written(value, self._standing_in(known, draft.uuid, key))
        if source.lead != Lead.OK:
            name = f"{self._workspace.title(draft.uuid)}: {self._workspace.catalog.field(key).title}"
            raise SourceAway(
                f"{name} is {self._workspace.source_text(source)}, so it cannot be edited there. Clear it first, then"
                " type it here."
            )
        there = self._workspace.catalog.field(source.end_key)
        heads = self._standing_in(known, source.end_uuid, source.end_key)
        return source.end_uuid, source.end_key, Written(parse(there, value)[0], heads or None)

    def check_circle(self, field: Field, uuid: bytes, first: Slot) -> None:
        """Raises CannotTake where a field of a record that is taken from `first` would be taken from itself."""
        start, at = self._slot(uuid, field.key), self._slot(*first)
        seen: set[Slot] = set()
        following: Slot | None = at
        while following is not None and following not in seen:
            if following == start:
                raise CannotTake(
                    f"{field.title} ({field.key}) would be taken from itself in the end. Take it from another field, or"
                    " type it."
                )
            seen.add(following)
            following = self._next(following)

    def _standing_in(self, known: Heads | None, uuid: bytes, key: str) -> Heads | None:
        """Returns those heads that stand, or stood, in a slot: who looks at a smart field sees its source's too."""
        if known is None:
            return None
        ops = [(oid, self._workspace.op_at(oid)) for oid in known]
        return tuple(
            oid
            for oid, op in ops
            if (uuid in op.subjects and key in op.keys) or self._workspace.stands_in(op, uuid, key)
        )

    def _source(self, draft: Draft, key: str) -> Source | None:
        """Returns what a field is taken from, as this edit leaves it; None where it is typed."""
        at, first = (draft.uuid, key), None
        seen: set[Slot] = set()
        while at not in seen:
            seen.add(at)
            there = self._drafts.get(at[0])
            if there is None or (at[1] not in there.values and not there.is_new):
                found = self._workspace.source_of(*at)
                if found is not None:
                    return found
            following = self._next(at)
            if following is None:
                return None if first is None else Source(Lead.OK, *first, *at, None)
            at, first = following, first or following
        return None if first is None else Source(Lead.CIRCULAR, *first, *first, None)

    def _slot(self, uuid: bytes, key: str) -> Slot:
        return self._workspace.standing(uuid), self._workspace.keys_of(key)[0]

    def _next(self, slot: Slot) -> Slot | None:
        """Returns where a slot takes its value from, as this edit leaves it; None where it is typed."""
        draft = self._drafts.get(slot[0])
        keys = self._workspace.keys_of(slot[1])
        if draft is not None:
            written = next((draft.values[key] for key in keys if key in draft.values), None)
            if written is not None or draft.is_new:
                reference = written.value if written is not None else None
                return self._slot(reference.id, reference.key) if isinstance(reference, FieldRef) else None
        reference = self._workspace.reference_of(*slot)
        return self._slot(reference.id, reference.key) if reference is not None else None
