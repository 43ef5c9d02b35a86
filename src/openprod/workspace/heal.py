"""What is done about damage: set aside, named, never handed on, and replaced once somebody offers the good bytes.

Knows the list of what is damaged and which bytes would mend it. Must not know how damage is found; that is `verify`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from openprod.catalog.names import quote
from openprod.model.bundle import Frontier, Sealed, Seen, chunks_match, decode_header, id_of
from openprod.model.errors import OpenprodError
from openprod.model.ids import WorkspaceId, bundle_id
from openprod.model.ops import Malformed
from openprod.store.database import Database
from openprod.store.log import Branch, Log, LogDamaged, branch_of, seq_of
from openprod.store.quarantine import Quarantine
from openprod.store.relink import relink
from openprod.workspace.verify import DERIVED, Findings

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk

log = logging.getLogger(__name__)

CONTENTS = "its contents are damaged"


def keep(desk: Desk, findings: Findings) -> None:
    """Writes down what a check found, so that it is named until it is mended, as far as the file can be written."""
    for digest in findings.blobs_damaged:
        desk.blobs.set_aside(digest)
    quarantine = desk.ingest.quarantine
    found = (findings.bundles_damaged, findings.unsigned, findings.derived)
    try:
        if quarantine.is_as(*found) and not findings.pending_damaged:
            return
        with desk.writing():
            quarantine.replace(*found)
            desk.pending.drop(findings.pending_damaged)
    except OpenprodError as error:
        log.warning("what is damaged could not be written down: %s", error)


def sound(desk: Desk, number: int) -> Sealed | None:
    """Returns a bundle's bytes as they were signed; None where they are damaged, which is then written down."""
    sealed = desk.log.sealed(number)
    try:
        header = decode_header(sealed.header) if type(sealed.header) is bytes else None
    except Malformed:
        header = None
    if header is not None and id_of(sealed, desk.id) == desk.log.id_of(number) and chunks_match(header, sealed.chunks):
        return sealed
    if number not in desk.ingest.quarantine.bundles():
        log.warning("bundle %s of its log is damaged", seq_of(number))
        with desk.writing():
            desk.ingest.quarantine.note(number, CONTENTS)
    return None


def frontier(history: Log, quarantine: Quarantine) -> Frontier:
    """Returns what is applied here and whole: a log ends before its first damaged bundle, so others send it again."""
    damaged = quarantine.bundles()
    if not damaged:
        return history.frontier()
    found: list[Seen] = []
    for arm in history.shared_branches():
        cut = _first_damaged(history, arm, damaged)
        if cut is None:
            found.append(Seen(arm.id, arm.seq, arm.tip))
        elif branch_of(cut) == arm.no and seq_of(cut) - 1 > arm.fork_seq:
            found.append(Seen(arm.id, seq_of(cut) - 1, history.id_of(cut - 1)))
    return tuple(sorted(found))


def _first_damaged(history: Log, arm: Branch, damaged: Iterable[int]) -> int | None:
    """Returns the earliest damaged bundle on the way from a log's beginning to an arm's tip."""
    first: int | None = None
    at: Branch | None = arm
    top = arm.seq
    while at is not None:
        here = [number for number in damaged if branch_of(number) == at.no and seq_of(number) <= top]
        first = min(here, default=first)
        top = at.fork_seq
        at = history.branches[at.parent] if at.parent is not None else None
    return first


def strip(database: Database) -> None:
    """Takes everything derived out of a file that cannot be opened with it; `verify.rebuild` derives it again.

    Raises LogDamaged where the log is damaged too; then nothing is changed.
    """
    with database.transaction():
        for name, sql in database.dynamic_objects().items():
            if sql.startswith("CREATE TABLE"):
                database.execute(f"DROP TABLE {quote(name)}")
        for table in DERIVED:
            database.execute(f"DELETE FROM {table}")  # noqa: S608 -- names of our own tables
        database.execute("DELETE FROM meta WHERE key IN ('state_hash', 'catalog')")
        relink(database, _true_id(database))


def _true_id(database: Database) -> WorkspaceId:
    """Returns which workspace a log belongs to, by its first bundle; writes it down where the file says otherwise."""
    said = database.one("SELECT value FROM meta WHERE key = 'workspace'")
    first = database.one("SELECT id, header FROM bundle ORDER BY place LIMIT 1")
    kept = WorkspaceId(said[0]) if said is not None and type(said[0]) is bytes else None
    if first is not None and type(first[1]) is bytes:
        try:
            named = WorkspaceId(decode_header(first[1]).workspace)
        except Malformed:
            named = kept
        if named is not None and named != kept and bundle_id(named, first[1]) == first[0]:
            database.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('workspace', ?)", (named,))
            return named
    if kept is None:
        raise LogDamaged(f"{database.path} does not say which workspace it is. Join again from a colleague or a stick.")
    return kept
