"""Who waits at the door, and who opens it: people not let in yet, clocks that are ahead, invitations that are open.

An invitation closed here while somebody used it elsewhere leaves that person's work waiting here until a member says
that they belong, or builds on it. Knows how these are named by people; the ops are ordinary and signed.
"""

from __future__ import annotations

import datetime as dt

from openprod.model.bundle import Bundle, decode_header, open_bundle
from openprod.model.errors import Missing, Refused
from openprod.model.ids import BundleId, derived_id
from openprod.model.ops import Admit, AdmitPayload, ClockAccept, InviteClose, InvitePayload, Rows
from openprod.model.slots import CLOCK, INVITE, LOG
from openprod.store.pending import ADMISSION, HELD, Pending
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import InvitationShape, JoinerShape
from openprod.workspace.write import Edit

PERSON_NAME = "core.people.name"
PREFIX_MIN = 4


class NobodyAsks(Missing):
    """Nobody who waits to be let in goes by that."""

    code = "admission.unknown"


class NotHeld(Missing):
    """No change that is held for its clock goes by that."""

    code = "admission.not_held"


class NoInvitation(Missing):
    """No open invitation goes by that."""

    code = "admission.no_invitation"


class BadTerms(Refused):
    """An invitation that nobody could use: for nobody, or over already."""

    code = "admission.bad_terms"


class Ambiguous(Refused):
    """The beginning of an id means several."""

    code = "admission.ambiguous"


def joiners(desk: Desk) -> list[JoinerShape]:
    """Returns who waits to be let in, by log: the name they give themselves, and how much of theirs waits."""
    waiting = list(desk.pending.all())
    return [
        {
            "log": one.log.hex(),
            "actor": one.detail,
            "name": _name_given(one),
            "changes": sum(other.log == one.log for other in waiting),
        }
        for one in waiting
        if one.reason == ADMISSION
    ]


def _name_given(first: Pending) -> str:
    """Returns the name that a log's first bundle gives its person, empty where it gives none."""
    header = decode_header(first.sealed.header)
    bundle: Bundle = open_bundle(BundleId(first.id), header, first.sealed)
    for chunk in bundle.chunks or ():
        for op in chunk.ops:
            keys = [chunk.keys[key] for key in op.keys]
            if isinstance(op, Rows) and PERSON_NAME in keys:
                return str(op.payload.rows[0][keys.index(PERSON_NAME)])
    return ""


def stage_admit(desk: Desk, edit: Edit, log: str) -> None:
    """Adds to an edit that a log (a beginning of its id in hex) is let in; raises NobodyAsks or Ambiguous."""
    found = [one for one in desk.pending.all() if one.reason == ADMISSION and one.log.hex().startswith(log.lower())]
    if len(log) < PREFIX_MIN or not found:
        raise NobodyAsks(f"Nobody who goes by '{log}' waits to be let in. 'openprod admit' lists who does.")
    if len({one.log for one in found}) > 1:
        raise Ambiguous(f"'{log}' is the beginning of several. Give more of it; 'openprod admit' lists them.")
    payload = AdmitPayload(found[0].log, bytes.fromhex(found[0].detail))
    # Beside what was said before, not over it: letting in is not taken back.
    edit.write_raw(Admit, derived_id("log", found[0].log), LOG, payload)


def stage_accept(desk: Desk, edit: Edit, bundle: str) -> None:
    """Adds to an edit that a held bundle (a beginning of its id in hex) is let in; raises NotHeld or Ambiguous."""
    found = [one.id for one in desk.pending.all() if one.reason == HELD and one.id.hex().startswith(bundle.lower())]
    if len(bundle) < PREFIX_MIN or not found:
        raise NotHeld(f"No change '{bundle}' is held here for its clock. 'openprod accept' lists those that are.")
    if len(found) > 1:
        raise Ambiguous(f"'{bundle}' is the beginning of several. Give more of it; 'openprod accept' lists them.")
    edit.write_raw(ClockAccept, derived_id("clock", found[0]), CLOCK, found[0])


def invitations(desk: Desk) -> list[InvitationShape]:
    """Returns the open invitations, the newest first, those among them that ran out or are used up too."""
    rows = desk.db.rows("SELECT public, label, oid FROM invite WHERE open = 1 ORDER BY oid DESC")
    found: list[InvitationShape] = []
    for public, label, oid in rows:
        terms = desk.ingest.terms_of(oid)
        used = len(desk.ingest.joined_by(public))
        found.append(
            {
                "key": public.hex(),
                "label": label,
                "uses": terms.uses if terms is not None else None,
                "used": used,
                "expires": _day(terms.expires_ms) if terms is not None and terms.expires_ms is not None else "",
                "is_good": terms is not None and not why_not(terms, used, desk.clock()),
            }
        )
    return found


def why_not(terms: InvitePayload, used: int, now_ms: int) -> str:
    """Returns why an open invitation lets nobody in any more, empty where it does."""
    if terms.expires_ms is not None and now_ms > terms.expires_ms:
        return f"Your invitation ran out on {_day(terms.expires_ms)}. Ask for a new one."
    if terms.uses is not None and used >= terms.uses:
        people = "1 person" if used == 1 else f"{used} people"
        return f"Your invitation was for {terms.uses} and {people} used it already. Ask for a new one."
    return ""


def why_not_by(desk: Desk, public: bytes) -> str:
    """Returns why an invitation, by its public key, lets nobody in here, empty where it does or is not known."""
    row = desk.db.one("SELECT oid FROM invite WHERE public = ? AND open = 1", (public,))
    terms = desk.ingest.terms_of(row[0]) if row is not None else None
    return "" if terms is None else why_not(terms, len(desk.ingest.joined_by(public)), desk.clock())


def terms(public: bytes, label: str, uses: int | None, expires_ms: int | None, now_ms: int) -> InvitePayload:
    """Returns what an invitation says; raises BadTerms where nobody could use it."""
    if uses is not None and uses < 1:
        raise BadTerms(f"An invitation for {uses} lets nobody in. Give the number of people it is for.")
    if expires_ms is not None and expires_ms <= now_ms:
        raise BadTerms(f"{_day(expires_ms)} is over, so nobody could use the invitation. Give a later day.")
    return InvitePayload(public, label, expires_ms, uses)


def _day(ms: int) -> str:
    try:
        return (
            dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
        )
    except (OverflowError, ValueError, OSError):
        return "a day that calendars do not have"


def stage_revoke(desk: Desk, edit: Edit, key: str) -> None:
    """Adds to an edit that an invitation (a beginning of its key) is closed; raises NoInvitation or Ambiguous."""
    found = [one["key"] for one in invitations(desk) if one["key"].startswith(key.lower())]
    if len(key) < PREFIX_MIN or not found:
        raise NoInvitation(f"No open invitation goes by '{key[:12]}'. 'openprod invite --list' shows those that do.")
    if len(found) > 1:
        raise Ambiguous(f"'{key}' is the beginning of several. Give more of it; see: openprod invite --list")
    subject = derived_id("invite", bytes.fromhex(found[0]))
    edit.write_raw(InviteClose, subject, INVITE, None, desk.heads_now(subject, INVITE))
