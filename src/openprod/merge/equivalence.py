"""Equivalence: field keys that people mapped, records that people merged; the smallest of a class stands for it.

Knows pairs and classes. Must not know what a key or a record is: both are classes of the same arithmetic. An addition
of a pair stands unless its remover knew it, so chains, cycles and concurrent merges need no special case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

Name = TypeVar("Name", bytes, str, int)


class Classes(Generic[Name]):
    """The classes that a set of pairs makes; whatever is in no pair is a class of its own.

    Args:
        pairs: what is the same as what, in any order, repeats allowed.
    """

    __slots__ = ("_members", "_of")

    def __init__(self, pairs: Iterable[tuple[Name, Name]] = ()) -> None:
        self._of: dict[Name, Name] = {}
        members: dict[Name, set[Name]] = {}
        for one, other in pairs:
            low, high = sorted((self._of.get(one, one), self._of.get(other, other)))
            joined = members.pop(low, {low}) | (members.pop(high, {high}) if high != low else set[Name]())
            members[low] = joined
            for name in joined:
                self._of[name] = low
        self._members: dict[Name, tuple[Name, ...]] = {low: tuple(sorted(joined)) for low, joined in members.items()}

    def __bool__(self) -> bool:
        """Tells whether any two things are the same at all."""
        return bool(self._of)

    def __eq__(self, other: object) -> bool:
        """Tells whether another set of pairs makes the same classes."""
        return isinstance(other, Classes) and self.all() == other.all()

    def __hash__(self) -> int:
        """Returns a hash that equal classes share."""
        return hash(self.all())

    def of(self, name: Name) -> Name:
        """Returns the smallest of a name's class."""
        return self._of.get(name, name)

    def members(self, name: Name) -> tuple[Name, ...]:
        """Returns everything in a name's class, itself among them, sorted."""
        return self._members.get(self._of.get(name, name), (name,))

    def all(self) -> tuple[tuple[Name, ...], ...]:
        """Returns the classes of more than one, sorted."""
        return tuple(sorted(self._members.values()))
