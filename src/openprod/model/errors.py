"""Errors by whose doing: the caller's, a peer's, our stored bytes', or nobody's (nothing there).

Knows the four kinds and the promise each makes about what was written. Must not know any concrete situation: concrete
classes live beside the code that raises them, with a stable `code`, their facts as attributes and one sentence for
people.
"""

from __future__ import annotations

from typing import ClassVar


class OpenprodError(Exception):
    """The root of everything this program raises on purpose; its message is one sentence for people.

    Args:
        message: what happened, why, and what to do next, in the words of the people who use the program.
    """

    code: ClassVar[str] = "openprod.error"


class Refused(OpenprodError):
    """The caller asked for what is not allowed or not possible; nothing was written."""

    code = "refused"


class PeerFault(OpenprodError):
    """Bytes from outside broke the protocol or failed a proof; they were dropped and nothing was written."""

    code = "peer_fault"


class Damaged(OpenprodError):
    """Our stored bytes fail a check; what is damaged is named and nothing derived from it is shown."""

    code = "damaged"


class Missing(OpenprodError):
    """What was asked for is not here; nothing was written."""

    code = "missing"
