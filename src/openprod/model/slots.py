"""Slots: where a value is written, (subject, key). Knows the structural keys.

Must not know what any module declares.
"""

from __future__ import annotations

EXISTS = "@exists"
MEMBER_PREFIX = "@in/"
RELATION = "@rel"
POSITION = "@pos"
MAPPING = "@map"
SAME = "@same"
INVITE = "@invite"
LOG = "@log"
CLOCK = "@clock"


def member_key(table: str) -> str:
    """Returns the slot key of membership in a table, given its full name."""
    return MEMBER_PREFIX + table


def table_of_member_key(key: str) -> str | None:
    """Returns the table whose membership this slot key holds, None for every other key."""
    return key[len(MEMBER_PREFIX) :] if key.startswith(MEMBER_PREFIX) else None


def is_field_key(key: str) -> bool:
    """Tells whether a slot key is a field's or a relation property's, not structure."""
    return not key.startswith("@")
