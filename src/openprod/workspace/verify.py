"""Proving a workspace and deriving it again.

`check` proves: every stored header and chunk hashes to what was signed, every signature is its log's, every log links
back without a gap, and everything derived is what the log gives. It cannot prove that nobody holds more than this
device, nor that a member told the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from openprod.catalog.names import quote
from openprod.identity.seal import check_opening, proves
from openprod.merge.state_hash import text as hash_text
from openprod.model.bundle import Frontier, chunks_match, decode_header
from openprod.model.ids import bundle_id
from openprod.model.ops import Malformed
from openprod.store.database import Database, DatabaseDamaged, without_collector
from openprod.store.log import SEQ_BITS, Log, LogDamaged, branch_of, seq_of
from openprod.workspace.meaning import Changes

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk

REBUILD_BATCH = 2_000
DERIVED = (
    "key",
    "shape",
    "entity",
    "head",
    "conflict",
    "shadow",
    "carried",
    "mapped",
    "merged",
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
        state_hash: the hash that the log gives.
    """

    bundles: int = 0
    damaged: list[str] = field(default_factory=list[str])
    state_hash: str = ""

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
    """Checks every hash, signature, link and everything derived; changes nothing."""
    findings = Findings()
    for (problem,) in desk.db.rows("PRAGMA integrity_check(20)"):
        if problem != "ok":
            findings.damaged.append(f"The database file: {problem}")
    _check_log(desk, findings, progress)
    if findings.is_sound:
        _check_derived(desk, findings)
    return findings


def _check_log(desk: Desk, findings: Findings, progress: Callable[[int, int], None] | None) -> None:
    row = desk.db.one("SELECT count(*) FROM bundle")
    total = row[0] if row is not None else 0
    # The newest first: a good signature vouches for all that its bundle reaches back to, as at ingest.
    vouched: set[bytes] = set()
    for number in [one for (one,) in desk.db.rows("SELECT no FROM bundle ORDER BY no DESC")]:
        findings.bundles += 1
        if progress is not None and findings.bundles % 100 == 0:
            progress(findings.bundles, total)
        problem = _check_bundle(desk, number, vouched)
        if problem:
            findings.damaged.append(f"Bundle {seq_of(number)} of log {_log_name(desk, number)}: {problem}")
    for arm in desk.log.branches.values():
        first = arm.fork_seq + 1
        held = desk.db.one(
            "SELECT count(*) FROM bundle WHERE no BETWEEN ? AND ?",
            (arm.no << SEQ_BITS | first, arm.no << SEQ_BITS | arm.seq),
        )
        if held is not None and held[0] != arm.seq - arm.fork_seq:
            findings.damaged.append(f"Log {arm.id.hex()[:12]} lacks {arm.seq - arm.fork_seq - held[0]} of its bundles.")


def _log_name(desk: Desk, number: int) -> str:
    arm = desk.log.branches.get(branch_of(number))
    return arm.id.hex()[:12] if arm is not None else "?"


def _check_bundle(desk: Desk, number: int, vouched: set[bytes]) -> str:
    """Returns what is wrong with a stored bundle, in words; empty if nothing. Adds whom it vouches for."""
    row = desk.db.one("SELECT id, header, signature FROM bundle WHERE no = ?", (number,))
    if row is None:
        return "it is missing"
    kept_id, raw, signature = row
    try:
        header = decode_header(raw)
    except Malformed as error:
        return f"its header is damaged ({error})"
    true_id = bundle_id(desk.id, raw)
    arm = desk.log.branches.get(branch_of(number))
    if true_id != kept_id:
        return "its header is damaged: it hashes to another id"
    if arm is None or header.log != arm.id or header.seq != seq_of(number):
        return "it stands in another log's place"
    if true_id not in vouched and not proves(header.log, true_id, signature):
        return "its signature is damaged"
    if header.prev is not None:
        vouched.add(header.prev)
    if header.opening is not None and not check_opening(header):
        return "its log's opening is damaged"
    if not chunks_match(header, desk.log.sealed(number).chunks):
        return "its contents are damaged"
    return "" if header.prev is None or _links(desk, number, header.prev) else "it does not link to the one before"


def _links(desk: Desk, number: int, prev: bytes) -> bool:
    arm = desk.log.branches[branch_of(number)]
    before = (
        number - 1 if seq_of(number) - 1 > arm.fork_seq or arm.parent is None else arm.parent << SEQ_BITS | arm.fork_seq
    )
    row = desk.db.one("SELECT id FROM bundle WHERE no = ?", (before,))
    return row is not None and row[0] == prev


def _check_derived(desk: Desk, findings: Findings) -> None:
    """Derives everything into a scratch database in memory and compares it, table by table, with what is kept."""
    scratch = derive_copy(desk)
    try:
        findings.state_hash = hash_text(scratch.applier.hash)
        kept = hash_text(desk.applier.hash)
        if kept != findings.state_hash:
            findings.damaged.append(
                f"The state hash is {kept}, but the log gives {findings.state_hash}. Run: openprod rebuild"
            )
        for name in sorted({*scratch.model.shelves, *scratch.model.relations}):
            shelf = scratch.model.shelves.get(name) or scratch.model.relations[name]
            records = {column.name for column in shelf.columns if column.field.type == "record"}
            if _rows_of(desk.db, name, records) != _rows_of(scratch.db, name, records):
                findings.damaged.append(f"The table {name} is not what the log gives. Run: openprod rebuild")
        for table, sql in (("conflict", _CONFLICTS), ("record", _RECORDS)):
            if desk.db.rows(sql) != scratch.db.rows(sql):
                findings.damaged.append(f"The list of {table}s is not what the log gives. Run: openprod rebuild")
    finally:
        scratch.db.close()


_CONFLICTS = "SELECT uuid, key.key FROM conflict JOIN entity USING(eid) JOIN key ON key.no = conflict.key WHERE main = 1 ORDER BY 1, 2"
_RECORDS = "SELECT uuid, alive FROM entity WHERE born OR ver IS NOT NULL ORDER BY 1"


def _rows_of(database: Database, name: str, records: set[str]) -> list[tuple[object, ...]] | None:
    """Returns a read model table's rows with local integers turned into ids, sorted by id; None where it is missing."""
    info = database.rows(f"PRAGMA table_info({quote(name)})")
    if not info:
        return None
    columns = [row[1] for row in info]
    shown: list[str] = []
    for row in info:
        column = quote(row[1])
        is_reference = row[1] in ("~eid", "~src", "~dst") or row[1] in records
        shown.append(f"coalesce((SELECT uuid FROM entity WHERE eid = {column}), {column})" if is_reference else column)
    order = shown[columns.index("~eid")]
    sql = f"SELECT {', '.join(shown)} FROM {quote(name)} ORDER BY {order}"  # noqa: S608 -- quoted catalog names
    return database.rows(sql)


def derive_copy(desk: Desk) -> Desk:
    """Returns a desk in memory whose state was derived from this one's log; the caller closes its database."""
    from openprod.query.functions import SQL_FUNCTIONS  # noqa: PLC0415 -- only for a check
    from openprod.workspace.desk import Desk as NewDesk  # noqa: PLC0415 -- desk imports this file's callers

    database = Database(":memory:", create=True, functions=SQL_FUNCTIONS, durable=False)
    with database.transaction():
        database.execute("INSERT INTO meta(key, value) VALUES('workspace', ?)", (desk.id,))
    database.attach_log(desk.db.path)
    copy = NewDesk(desk.folder, database, desk.home, desk.clock, desk.chance)
    with copy.writing():
        rebuild(copy, None)
    return copy


def rebuild(desk: Desk, progress: Callable[[int, int], None] | None = None) -> None:
    """Drops everything derived and derives it from the log again. Call inside `desk.writing()`.

    Raises LogDamaged where the log itself is damaged; then nothing is changed.
    """
    desk.model.drop_all()
    for table in DERIVED:
        desk.db.execute(f"DELETE FROM {table}")  # noqa: S608 -- names of our own tables
    # When a bundle arrived and where a log was seen to split is not in the log: these flags stay.
    desk.db.execute("DELETE FROM flag WHERE kind NOT IN ('fork', 'late')")
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
                f"Bundle {seq_of(number)} of log {_log_name(desk, number)} is damaged on this disk, so nothing was"
                " rebuilt. Run: openprod verify"
            )
        desk.log.advance(branch_of(number), bundle.header)
        accepted = desk.db.one("SELECT at FROM accepted WHERE bundle = ?", (bundle.id,))
        if accepted is not None:
            desk.db.execute("UPDATE bundle SET at = ? WHERE no = ?", (accepted[0], number))
        desk.applier.take(number, bundle)
    desk.applier.settle()
