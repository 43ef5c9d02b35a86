"""Proving a workspace and deriving it again.

`check` proves: every stored header and chunk hashes to what was signed, every signature is its log's, every log links
back without a gap, and everything derived is what the log gives. It cannot prove that nobody holds more than this
device, nor that a member told the truth. What to do with what it finds is `heal`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from openprod.identity.seal import check_opening, proves
from openprod.merge.state_hash import text as hash_text
from openprod.model.bundle import Frontier, chunks_match, decode_header, decode_sealed
from openprod.model.errors import Damaged
from openprod.model.ids import bundle_id
from openprod.model.ops import Malformed
from openprod.store.database import Database, DatabaseDamaged, translated, without_collector
from openprod.store.log import CHUNK_BITS, SEQ_BITS, Log, LogDamaged, branch_of, seq_of
from openprod.store.relink import relink
from openprod.workspace import blobs
from openprod.workspace.compare import differences
from openprod.workspace.meaning import Changes

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk

REBUILD_BATCH = 2_000
# What reading a row may end in that holds what we never put there: nothing, or a value of another type.
UNREADABLE = (msgspec.MsgspecError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
DERIVED = (
    "key",
    "shape",
    "entity",
    "head",
    "conflict",
    "shadow",
    "carried",
    "taken",
    "mapped",
    "merged",
    "text",
    "loose",
    "edge",
    "invite",
    "admitted",
    "accepted",
)


@dataclass(slots=True)
class Findings:
    """What a check found.

    Attributes:
        bundles: how many bundles were checked.
        damaged: a sentence for each thing that is damaged, naming it.
        notes: a sentence for each thing that is odd and costs nothing.
        state_hash: the hash that the log gives.
        bundles_damaged: for the number of each damaged bundle, what is wrong.
        unsigned: the numbers of bundles whose own signature is bad, though a later one proves what they say.
        derived: those of `damaged` that a rebuild mends.
        pending_damaged: the ids of damaged bundles among those that wait.
        blobs_damaged: the hashes of damaged files.
    """

    bundles: int = 0
    damaged: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    state_hash: str = ""
    bundles_damaged: dict[int, str] = field(default_factory=dict[int, str])
    unsigned: set[int] = field(default_factory=set[int])
    derived: list[str] = field(default_factory=list[str])
    pending_damaged: list[bytes] = field(default_factory=list[bytes])
    blobs_damaged: list[bytes] = field(default_factory=list[bytes])

    @property
    def is_sound(self) -> bool:
        """Tells whether nothing is damaged."""
        return not self.damaged


def covered(history: Log, frontier: Frontier) -> set[int]:
    """Returns the numbers of the bundles that a frontier covers, as far as its tips are here."""
    found: set[int] = set()
    for entry in frontier:
        tip = history.number_of(entry.tip)
        if tip is None:
            continue
        for branch, seq in _line(history, tip):
            first = history.branches[branch].fork_seq + 1 if history.branches[branch].parent is not None else 1
            found.update(branch << SEQ_BITS | one for one in range(first, seq + 1))
    return found


def _line(history: Log, number: int) -> Iterator[tuple[int, int]]:
    branch: int | None = branch_of(number)
    seq = seq_of(number)
    while branch is not None:
        yield branch, seq
        arm = history.branches[branch]
        branch, seq = arm.parent, arm.fork_seq


def check_strangers(desk: Desk) -> None:
    """Raises DatabaseDamaged where the file holds tables or indexes that nothing explains."""
    strangers = desk.model.strangers()
    if strangers:
        raise DatabaseDamaged(
            f"{desk.db.path} holds what Openprod never puts there ({', '.join(strangers[:5])}), so it was not opened."
            " Somebody or some program changed the file. Take those tables out, or get the work back from a colleague"
            " or a stick."
        )


def check(desk: Desk, progress: Callable[[int, int], None] | None = None) -> Findings:
    """Checks every hash, signature, link and everything derived; changes nothing and raises for nothing it finds."""
    findings = Findings()
    try:
        with translated(desk.db.path):
            for (problem,) in desk.db.rows("PRAGMA integrity_check(20)"):
                if problem != "ok":
                    findings.damaged.append(f"The database file: {problem}. Run: openprod rebuild")
            _check_log(desk, findings, progress)
            _check_pending(desk, findings)
            if not findings.bundles_damaged:
                _check_derived(desk, findings)
                _check_blobs(desk, findings)
    except Damaged as error:
        findings.damaged.append(str(error))
    except UNREADABLE as error:
        findings.damaged.append(f"What is kept beside the log does not read ({error}). Run: openprod rebuild")
    return findings


# -- the log


def _check_log(desk: Desk, findings: Findings, progress: Callable[[int, int], None] | None) -> None:
    row = desk.db.one("SELECT count(*) FROM bundle")
    total = row[0] if row is not None else 0
    # The newest first: a good signature vouches for all that its bundle reaches back to, as at ingest.
    vouched: set[bytes] = set()
    for number in [one for (one,) in desk.db.rows("SELECT no FROM bundle ORDER BY no DESC")]:
        findings.bundles += 1
        if progress is not None and findings.bundles % 100 == 0:
            progress(findings.bundles, total)
        problem = _check_bundle(desk, number, vouched, findings)
        if problem:
            _add_damage(desk, findings, number, problem)
    for number in _missing(desk):
        _add_damage(desk, findings, number, "it is missing")


def _add_damage(desk: Desk, findings: Findings, number: int, problem: str) -> None:
    findings.bundles_damaged[number] = problem
    findings.damaged.append(f"{bundle_name(desk, number)}: {problem}. It is set aside; sync with a device that has it.")


def bundle_name(desk: Desk, number: int) -> str:
    """Returns what a bundle is called in a sentence."""
    arm = desk.log.branches.get(branch_of(number))
    return f"Bundle {seq_of(number)} of log {arm.id.hex()[:12] if arm is not None else '?'}"


def _missing(desk: Desk) -> Iterator[int]:
    """Yields the numbers of the bundles that a branch should hold and does not."""
    held = {number for (number,) in desk.db.rows("SELECT no FROM bundle")}
    tops: dict[int, int] = {}
    for number in held:
        tops[branch_of(number)] = max(tops.get(branch_of(number), 0), seq_of(number))
    for arm in desk.log.branches.values():
        # A damaged row may name any number: no further than a step beyond what is there.
        top = min(arm.seq, tops.get(arm.no, arm.fork_seq) + 1)
        for seq in range(arm.fork_seq + 1, top + 1):
            if arm.no << SEQ_BITS | seq not in held:
                yield arm.no << SEQ_BITS | seq


def _check_bundle(desk: Desk, number: int, vouched: set[bytes], findings: Findings) -> str:
    """Returns what is wrong with a stored bundle, in words; empty if nothing. Adds whom it vouches for."""
    row = desk.db.one("SELECT id, header, signature FROM bundle WHERE no = ?", (number,))
    if row is None:
        return "it is missing"
    kept_id, raw, signature = row
    if not isinstance(raw, bytes) or not isinstance(kept_id, bytes):
        return "its header is damaged"
    try:
        header = decode_header(raw)
    except Malformed as error:
        return f"its header is damaged ({error})"
    true_id = bundle_id(desk.id, raw)
    if true_id != kept_id:
        return "its header is damaged: it hashes to another id"
    if header.seq != seq_of(number):
        return "it stands in another's place"
    chunks = desk.log.sealed(number).chunks
    if not chunks_match(header, chunks):
        return "its contents are damaged"
    if header.prev is not None and not _links(desk, number, header.prev):
        return "it does not link to the one before"
    if header.log == desk.log.local:
        return ""
    if header.opening is not None and not check_opening(header):
        return "its log's opening is damaged"
    if not isinstance(signature, bytes) or not proves(header.log, true_id, signature):
        if true_id not in vouched:
            return "its signature is damaged"
        findings.unsigned.add(number)
        findings.notes.append(
            f"{bundle_name(desk, number)}: its signature is damaged; the bundle after it proves what it says."
        )
    if header.prev is not None:
        vouched.add(header.prev)
    return ""


def _links(desk: Desk, number: int, prev: bytes) -> bool:
    """Tells whether the bundle before is the one named; one that is missing, or damaged, is named for itself."""
    arm = desk.log.branches.get(branch_of(number))
    if arm is None:
        return True
    before = (
        number - 1 if seq_of(number) - 1 > arm.fork_seq or arm.parent is None else arm.parent << SEQ_BITS | arm.fork_seq
    )
    row = desk.db.one("SELECT id, header FROM bundle WHERE no = ?", (before,))
    is_sound = row is not None and isinstance(row[1], bytes) and bundle_id(desk.id, row[1]) == row[0]
    return not is_sound or row is None or row[0] == prev


def _check_pending(desk: Desk, findings: Findings) -> None:
    for kept_id, raw in desk.db.rows("SELECT id, sealed FROM pending ORDER BY id"):
        if not is_whole(desk, kept_id, raw):
            name = kept_id.hex()[:12] if isinstance(kept_id, bytes) else "?"
            findings.pending_damaged.append(kept_id)
            findings.damaged.append(f"Bundle {name}, which waits here, is damaged. It is dropped, and asked for again.")


def is_whole(desk: Desk, kept_id: object, raw: object) -> bool:
    """Tells whether the bytes of a bundle that waits are the ones that came."""
    if not isinstance(raw, bytes) or not isinstance(kept_id, bytes):
        return False
    try:
        one = decode_sealed(raw)
        header = decode_header(one.header)
    except (Malformed, msgspec.MsgspecError):
        return False
    return bundle_id(desk.id, one.header) == kept_id and chunks_match(header, one.chunks)


def _check_blobs(desk: Desk, findings: Findings) -> None:
    found = blobs.condition(desk)
    findings.blobs_damaged = list(found.damaged)
    findings.damaged += [*found.damaged.values(), *found.aside]
    findings.notes += found.missing


# -- what is derived


def _check_derived(desk: Desk, findings: Findings) -> None:
    """Derives everything into a scratch database in memory and compares it, table by table, with what is kept."""
    try:
        scratch = derive_copy(desk)
    except LogDamaged as error:
        findings.damaged.append(str(error))
        return
    try:
        findings.state_hash = hash_text(scratch.applier.hash)
        findings.derived = list(differences(desk, scratch))
        findings.damaged += findings.derived
    finally:
        scratch.db.close()


def derive_copy(desk: Desk, only: Collection[int] | None = None) -> Desk:
    """Returns a desk in memory whose state was derived from this one's log; the caller closes its database.

    Args:
        desk: the workspace.
        only: the numbers of the bundles to derive from, with all that lies in their past; None for the whole log.
    """
    from openprod.query.functions import SQL_FUNCTIONS  # noqa: PLC0415 -- only for a check
    from openprod.workspace.desk import Desk as NewDesk  # noqa: PLC0415 -- desk imports this file's callers

    database = Database(":memory:", create=True, functions=SQL_FUNCTIONS, durable=False)
    with database.transaction():
        database.execute("INSERT INTO meta(key, value) VALUES('workspace', ?)", (desk.id,))
    database.attach_log(desk.db.file)
    with database.transaction():
        if only is not None:
            left_out = [(number,) for (number,) in database.rows("SELECT no FROM bundle") if number not in only]
            database.executemany("DELETE FROM bundle WHERE no = ?", left_out)
            ranges = [(number << CHUNK_BITS, (number + 1) << CHUNK_BITS) for (number,) in left_out]
            database.executemany("DELETE FROM chunk WHERE no >= ? AND no < ?", ranges)
        relink(database, desk.id)
    copy = NewDesk(desk.folder, database, desk.home, desk.clock, desk.chance)
    with copy.writing():
        rebuild(copy, None)
    return copy


def rebuild(desk: Desk, progress: Callable[[int, int], None] | None = None) -> None:
    """Drops everything derived and derives it from the log again. Call inside `desk.writing()`.

    Raises LogDamaged where the log itself is damaged; then nothing is changed.
    """
    relink(desk.db, desk.id)
    # It knows rows by numbers that are given out anew.
    desk.words.forget()
    desk.moments.forget()
    desk.model.drop_all()
    for table in DERIVED:
        desk.db.execute(f"DELETE FROM {table}")  # noqa: S608 -- names of our own tables
    # When a bundle arrived, where a log was seen to split, whose signature is bad is not in the log: these flags stay.
    desk.db.execute("DELETE FROM flag WHERE kind NOT IN ('fork', 'late', 'unsigned')")
    desk.db.execute("DELETE FROM meta WHERE key IN ('state_hash', 'catalog')")
    desk.forget()
    desk.meaning.changes = Changes()
    desk.model.use(desk.loader.load(), desk.loader.venue_zone)
    desk.model.migrate()
    desk.log.rewind()
    row = desk.db.one("SELECT count(*) FROM bundle")
    total = row[0] if row is not None else 0
    done = 0
    with without_collector():
        for batch in _batches(desk):
            _derive(desk, batch)
            done += len(batch)
            if progress is not None:
                progress(done, total)
    desk.forget()


def catch_up(desk: Desk) -> bool:
    """Derives everything anew where this version reads bundles that the one before could not; tells whether it did.

    Nobody has to ask for it after an update, and nothing is fetched again (S-62).
    """
    with desk.looking():
        if not any(desk.log.bundle(number).chunks is not None for number in desk.log.unread):
            return False
    with desk.writing():
        rebuild(desk)
    return True


def _batches(desk: Desk) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for number in desk.log.in_order():
        bundle = desk.log.bundle(number)
        batch.append(number)
        size += sum(map(len, bundle.sealed.chunks))
        if len(batch) >= REBUILD_BATCH or size > 8 << 20 or desk.applier.is_schema_change(bundle):
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _derive(desk: Desk, numbers: list[int]) -> None:
    bundles = [desk.log.bundle(number) for number in numbers]
    for number, bundle in zip(numbers, bundles, strict=True):
        desk.log.judge(number, bundle)
    desk.applier.begin()
    desk.applier.prefetch(bundles)
    for number, bundle in zip(numbers, bundles, strict=True):
        if not chunks_match(bundle.header, bundle.sealed.chunks):
            raise LogDamaged(
                f"{bundle_name(desk, number)} is damaged on this disk, so nothing was rebuilt. Run: openprod verify"
            )
        desk.log.advance(branch_of(number), bundle.header)
        accepted = desk.db.one("SELECT at FROM accepted WHERE bundle = ?", (bundle.id,))
        if accepted is not None:
            desk.db.execute("UPDATE bundle SET at = ? WHERE no = ?", (accepted[0], number))
        desk.applier.take(number, bundle)
    desk.applier.settle()
