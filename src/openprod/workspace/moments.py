"""Moments of the past that were looked at, kept for the next look: which bundles each holds, and the copy derived.

A moment is asked for by words; what it holds is looked up again each time, as work with an earlier clock may have
arrived since. Where it holds the same bundles as before, the copy is the same. Knows when a copy may still be used and
when it goes; deriving one is `verify`'s, what a moment means `past`'s.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

KEPT_MAX = 4
"""So many moments are kept beside those that somebody looks at; each takes as much memory as its tables."""
TIMES_MAX = 64

# How many clocks were accepted, and the sum of their times: it changes with each acceptance.
Accepted = tuple[int, float]


class Closing(Protocol):
    """A derived copy, as far as it is kept here."""

    def close_copy(self) -> None:
        """Gives its memory back."""
        ...


Copy = TypeVar("Copy", bound=Closing)


@dataclass(slots=True)
class _Kept(Generic[Copy]):
    """A derived copy, and how many look at it."""

    copy: Copy
    lookers: int = 0


@dataclass(slots=True)
class _Held:
    """The bundles up to a time, as far as they were looked through."""

    place: int
    accepted: Accepted
    bundles: frozenset[int]


class Moments(Generic[Copy]):
    """The moments of one desk, whose lock its callers hold."""

    def __init__(self) -> None:
        self._copies: OrderedDict[frozenset[int], _Kept[Copy]] = OrderedDict()
        self._times: OrderedDict[int, _Held] = OrderedDict()

    def up_to(
        self, ms: int, last: int, accepted: Accepted, look: Callable[[int, frozenset[int]], frozenset[int]]
    ) -> frozenset[int]:
        """Returns the bundles up to a time, looking only through what came since the last time somebody asked.

        Args:
            ms: the time, in milliseconds since 1970 UTC.
            last: the place of the last applied bundle.
            accepted: what was accepted so far; it changes the time of bundles that were there already.
            look: returns some bundles with those that belong to them among the ones behind a place.
        """
        known = self._times.pop(ms, None)
        if known is None or known.accepted != accepted or known.place > last:
            known = _Held(0, accepted, frozenset())
        if known.place != last:
            known = _Held(last, accepted, look(known.place, known.bundles))
        self._times[ms] = known
        while len(self._times) > TIMES_MAX:
            self._times.popitem(last=False)
        return known.bundles

    def look_at(self, bundles: frozenset[int], derive: Callable[[], Copy]) -> Copy:
        """Returns the copy of a moment, derived if there is none yet; `leave` it when done."""
        kept = self._copies.get(bundles)
        if kept is None:
            kept = self._copies[bundles] = _Kept(derive())
        self._copies.move_to_end(bundles)
        kept.lookers += 1
        self._let_go(KEPT_MAX)
        return kept.copy

    def leave(self, copy: Copy) -> None:
        """Ends a look at a copy; it stays for the next one as long as there is room."""
        for kept in self._copies.values():
            if kept.copy is copy:
                kept.lookers = max(kept.lookers - 1, 0)
                self._let_go(KEPT_MAX)
                return
        copy.close_copy()

    def forget(self) -> None:
        """Drops every copy nobody looks at, and whatever is known of times: local numbers are given out anew."""
        self._times.clear()
        self._let_go(0)
        # Those that are looked at are closed by their lookers, and nobody else gets them.
        self._copies.clear()

    def _let_go(self, most: int) -> None:
        idle = [bundles for bundles, kept in self._copies.items() if not kept.lookers]
        for bundles in idle[: max(len(self._copies) - most, 0)]:
            self._copies.pop(bundles).copy.close_copy()
