"""Which subscriptions a change touches.

Knows names of tables, relations and field keys only. A subscription is touched where it might give other rows now; it
may be called touched for nothing, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key")


def touched(touches: Iterable[str], change: Iterable[str]) -> bool:
    """Tells whether a change may give a query other rows.

    Args:
        touches: names of the tables and relations that the query reads (`Compiled.touches`).
        change: names of what was written: tables, relations, or full keys of fields and relation properties.

    A field that another module or a person added to a table is written under its own key: name the table as well.
    """
    names = frozenset(touches)
    return any(name in names or name.rpartition(".")[0] in names for name in change)


def touched_of(subscriptions: Mapping[Key, Iterable[str]], change: Iterable[str]) -> list[Key]:
    """Returns the keys of the subscriptions that a change touches, in their order."""
    names = tuple(dict.fromkeys(change))
    return [key for key, touches in subscriptions.items() if touched(touches, names)]
