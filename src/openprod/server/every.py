"""Every call a page may make, and how one is run by its name.

Knows which files hold calls. Must not know what any of them does. `docs/api.md` and `web/src/wire/` are generated from
this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from openprod.server.call import Call, UnknownCall
from openprod.server.calls import TABLE_CALLS, Seat
from openprod.server.company import PEOPLE_CALLS, CompanySeat
from openprod.server.past import PAST_CALLS, PastSeat
from openprod.server.staging import STAGING_CALLS, StagingSeat
from openprod.server.tables import RECORD_CALLS, RecordsSeat
from openprod.server.visit import VISIT_CALLS, VisitSeat
from openprod.server.waiting import WAITING_CALLS, WaitingSeat


class EverySeat(Seat, VisitSeat, StagingSeat, RecordsSeat, PastSeat, WaitingSeat, CompanySeat, Protocol):
    """A page's connection as all the calls see it."""


CALLS: Mapping[str, Call[EverySeat]] = {
    call.name: call
    for call in (
        *TABLE_CALLS.values(),
        *VISIT_CALLS,
        *STAGING_CALLS,
        *RECORD_CALLS,
        *PAST_CALLS,
        *WAITING_CALLS,
        *PEOPLE_CALLS,
    )
}


def run(seat: EverySeat, name: str, raw: bytes | msgspec.Raw) -> object:
    """Runs the named call.

    Raises:
        UnknownCall: this version has no such call.
        BadArguments: the arguments have another shape; nothing was done.
        OpenprodError: whatever the desk refuses.
    """
    call = CALLS.get(name)
    if call is None:
        raise UnknownCall(name)
    return call.run(seat, raw)
