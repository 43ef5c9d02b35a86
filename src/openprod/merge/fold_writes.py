"""Writes as fold sees them: one op, or one cell of a row block, with what it covers and what it names as replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from openprod.model.hlc import Hlc
from openprod.model.ids import BundleId, EntityId
from openprod.model.ops import (
    AdmitPayload,
    Ends,
    IdPair,
    InvitePayload,
    KeyPair,
    ListItem,
    LogClosePayload,
    TextPayload,
)
from openprod.model.values import Value, is_value, value_key

Slot: TypeAlias = tuple[EntityId, str]
OpId: TypeAlias = tuple[bytes, int]
Deed: TypeAlias = Literal[
    "value",
    "text",
    "add",
    "take",
    "reset",
    "exist",
    "member",
    "relate",
    "unrelate",
    "place",
    "join",
    "part",
    "carry",
    "control",
    "unknown",
]
Held: TypeAlias = (
    Value
    | TextPayload
    | ListItem
    | Ends
    | KeyPair
    | IdPair
    | OpId
    | InvitePayload
    | AdmitPayload
    | LogClosePayload
    | bytes
)
# What is written into a field.
FIELD_DEEDS = ("value", "text", "add", "take", "reset")


@dataclass(frozen=True, slots=True)
class Write:
    """One op, or one cell of a row block: the slots it covers, what it holds, what its author says it replaces.

    `deed` is "unknown" for an op of a bundle that has no effect here: a ghost.
    """

    bundle: BundleId
    ordinal: int
    deed: Deed
    slots: frozenset[Slot]
    holds: Held
    over: tuple[OpId, ...]
    eff: Hlc
    auto: bool
    decision: bool = False

    @property
    def id(self) -> OpId:
        """Its identity: bundle and ordinal."""
        return self.bundle, self.ordinal

    @property
    def order(self) -> tuple[bytes, bytes, int]:
        """Its place in canonical order."""
        return self.eff, self.bundle, self.ordinal

    @property
    def value(self) -> Value:
        """The value it gives a field; None for every other deed."""
        return self.holds if self.deed == "value" and is_value(self.holds) else None

    @property
    def sameness(self) -> bytes:
        """Bytes that are equal where two writes of one slot say the same."""
        if self.deed == "value":
            return value_key(self.value)
        return repr((self.deed, self.holds)).encode()
