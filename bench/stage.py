"""What is measured on: light cues, workspaces and floors in a scratch folder, bundles as another device seals them."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from openprod.catalog.names import ddl
from openprod.identity.keys import SigningSeed
from openprod.identity.seal import chunk_ref, opening, seal
from openprod.model.bundle import ADMISSION_KNOWN, CAUSE_EDIT, FORMAT_VERSION, Admission, Cause, Header, Sealed, Seen
from openprod.model.hlc import hlc
from openprod.model.ids import LogId, WorkspaceId, entity_ids
from openprod.model.ops import Chunk, KnownOp, encode_chunk, width
from openprod.workspace.opening import init_workspace, join_workspace, wall_clock
from openprod.workspace.workspace import Workspace

TABLE = "lighting.cues"
FIELDS = ("list", "number", "label", "on", "page", "line", "cue_status", "notes")
STATES = ("idea", "placed", "rehearsed", "locked")
TEMPLATE = "stage-management"


def rows(count: int, first: int = 1) -> list[list[object]]:
    """Returns light cues as an import gives them: eight values each, as text and numbers."""
    return [
        [
            "1",
            str(n),
            f"Look {n} of scene {n % 25}",
            f"when {n % 977} turns",
            str(n // 40 + 1),
            n % 40,
            STATES[n % 4],
            f"as rehearsed on day {n % 60}",
        ]
        for n in range(first, first + count)
    ]


@dataclass
class Scratch:
    """A folder that goes away, and names in it."""

    path: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def place(self, word: str) -> Path:
        """Returns a path that nothing is at yet."""
        return self.path / f"{word}{next(self._numbers)}"

    def workspace(self, home: str = "home", *, durable: bool = True) -> Workspace:
        """Returns a new production with the tables of stage management."""
        return init_workspace(
            self.place("ws"), name="Bench", template=TEMPLATE, home=self.path / home, person="Robin", durable=durable
        )

    def joined(self, source: Workspace, home: str = "other", *, durable: bool = True) -> Workspace:
        """Returns another device's workspace of the same production, with all that the first holds by now."""
        invitation = source.invite()
        return join_workspace(
            invitation,
            self.place("ws"),
            list(source.bundles()),
            [(epoch, key) for epoch, key, _ in iter(source.keys())],
            home=self.path / home,
            person="Sam",
            durable=durable,
        )

    def drop(self, workspace: Workspace) -> None:
        """Closes a workspace and takes its folder away."""
        path = workspace.path
        workspace.close()
        shutil.rmtree(path)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Gives a scratch folder, on the disk that OPENPROD_BENCH_DIR names if it does."""
    folder = Path(tempfile.mkdtemp(prefix="openprod-bench-", dir=os.environ.get("OPENPROD_BENCH_DIR")))
    try:
        yield Scratch(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- floors


def wide_rows(workspace: Workspace, table: str = TABLE) -> tuple[str, list[str], list[tuple[object, ...]]]:
    """Returns (statement that makes the table, the columns that hold anything, rows) as our read model holds them."""
    db = workspace.desk.db
    names = [row[1] for row in db.rows(f'PRAGMA table_info("{table}")')]
    filled = [
        name
        for name in names
        if name == "~eid" or db.one(f'SELECT 1 FROM "{table}" WHERE "{name}" IS NOT NULL LIMIT 1')
    ]
    found = db.rows(f'SELECT {", ".join(f"{chr(34)}{name}{chr(34)}" for name in filled)} FROM "{table}"')
    return ddl(workspace.catalog.table(table))[0], filled, found


def floor_database(path: Path, statement: str, synchronous: str = "FULL") -> apsw.Connection:
    """Returns a database of its own with one table, settings as ours."""
    connection = apsw.Connection(str(path))
    for _ in connection.execute("PRAGMA journal_mode=WAL"):
        pass
    connection.execute(f"PRAGMA synchronous={synchronous}; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4000")
    connection.execute(statement)
    return connection


def insert_floor(connection: apsw.Connection, names: Sequence[str], found: list[tuple[object, ...]]) -> None:
    """Writes wide rows as plainly as it can be done: one executemany, one commit."""
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    with connection:
        connection.executemany(f'INSERT INTO "{TABLE}"({columns}) VALUES({marks})', found)


# -- another device's bundles


@dataclass
class Author:
    """Seals bundles for a log of a production as a device would, without keeping a database of its own."""

    workspace: WorkspaceId
    actor: SigningSeed
    seen: tuple[Seen, ...]
    seed: SigningSeed = field(default_factory=lambda: SigningSeed(os.urandom(32)))
    seq: int = 0
    tip: bytes | None = None

    def seal(self, ops: Sequence[KnownOp], keys: tuple[str, ...], subjects: bytes, bundles: bytes = b"") -> Sealed:
        """Returns the next bundle of this log, all its ops in one chunk."""
        chunk = Chunk(keys, subjects, bundles, tuple(ops))
        raw = encode_chunk(chunk)
        is_first = self.seq == 0
        log = LogId(self.seed.public)
        header = Header(
            version=FORMAT_VERSION,
            workspace=self.workspace,
            log=log,
            seq=self.seq + 1,
            prev=self.tip,
            claimed=hlc(wall_clock()),
            seen=self.seen if is_first else (),
            view=None,
            unread=(),
            causes=(Cause(CAUSE_EDIT),),
            modules=(),
            label="",
            epoch=0,
            chunks=(chunk_ref(raw, sum(map(width, chunk.ops)), len(chunk.ops)),),
            opening=opening(self.actor, self.workspace, log, Admission(ADMISSION_KNOWN)) if is_first else None,
        )
        self.tip, sealed = seal(header, (raw,), self.seed, self.workspace)
        self.seq += 1
        return sealed


def author(workspace: Workspace) -> Author:
    """Returns one more device of the person who writes in a workspace, that has seen all there is."""
    return Author(workspace.workspace_id, workspace.home.need_identity().seed, workspace.frontier())


def ids(count: int) -> list[bytes]:
    """Returns new record ids."""
    return list(entity_ids(wall_clock(), os.urandom(10 * count)))
