"""What a source said last time, kept in the history beside what was imported, so that the next file can be compared.

Each import writes records of `core.imports` that hold only what its source had not said before; what it says now is all
of them in their order. They are made and never changed, in the same bundle as the import: who undoes or discards it
forgets them too. Bytes: docs/formats/imports.md. Must not know files.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

import msgspec

from openprod.exchange.matching import Memory
from openprod.model.ids import id_from_text, id_text
from openprod.model.values import TEXT_BYTES_MAX, Plain

if TYPE_CHECKING:
    from openprod.workspace.view import View

TABLE = "core.imports"
VERSION = 1
# Large texts slow an overlay down: SQLite reads the whole of a long row for each look at its neighbours.
ROWS_A_RECORD = 400
UNPACKED_BYTES_MAX = 64 << 20
SETUP_CHARACTERS_MAX = 100_000
# What changes in a file's name from one issue to the next: numbers, dates, and these.
_ISSUE = re.compile(
    r"\b(?:rev(?:ised|ision)?|ver(?:sion)?|v|final|draft|copy|new|latest|updated?|export(?:ed)?|kopie|neu)\b"
)
_MONTHS = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b"
)
_UUID_MS_BITS = 80


class _Said(msgspec.Struct, array_like=True, frozen=True):
    """One record's content: the columns, and for each row the record's id and what it says; None if it is gone."""

    version: int
    keys: tuple[str, ...]
    rows: list[tuple[bytes, list[object] | None]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Said).decode
Said = tuple[str, "Sequence[object] | None"]


def source_of(file: str) -> str:
    """Returns what the source of a file is called: its name without what changes from one issue to the next."""
    stem = PurePath(file).name.rpartition(".")[0] or PurePath(file).name
    words = re.sub(r"[_\W]+", " ", stem.casefold())
    short = " ".join(_MONTHS.sub(" ", _ISSUE.sub(" ", re.sub("[0-9]+", " ", words))).split())
    return short or " ".join(words.split()) or "file"


def recall(workspace: View, table: str, source: str) -> Memory:
    """Returns what a source said about a table, all its imports together; one that is not known has said nothing."""
    rows = workspace.query(
        query={
            "from": TABLE,
            "select": {"name": "name", "table": "core.imports.table", "file": "file", "setup": "setup"},
        }
    )
    own = sorted(str(row["id"]) for row in rows if row["name"] == source and row["table"] == table)
    memory = Memory(source)
    if not own:
        return memory
    by_id = {str(row["id"]): row for row in rows}
    memory.setup = _setup(by_id[own[-1]].get("setup"))
    memory.file = str(by_id[own[-1]].get("file") or "")
    memory.when = dt.datetime.fromtimestamp(
        (int.from_bytes(id_from_text(own[-1])) >> _UUID_MS_BITS) / 1000, dt.UTC
    ).date().isoformat()  # fmt: skip
    for record in own:
        packed = workspace.record(record)["fields"].get(f"{TABLE}.said")
        _take(memory.rows, unpack(packed if isinstance(packed, str) else ""))
    return memory


def sources(workspace: View) -> list[tuple[str, str, str]]:
    """Returns (source, table, last file) of everything that was imported and is remembered."""
    rows = workspace.query(
        query={"from": TABLE, "select": {"name": "name", "table": "core.imports.table", "file": "file"}}
    )
    found: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: str(row["id"])):
        found[str(row["name"] or ""), str(row["table"] or "")] = str(row["file"] or "")
    return [(name, table, file) for (name, table), file in found.items()]


def _setup(text: object) -> Mapping[str, object]:
    try:
        found: object = json.loads(text) if isinstance(text, str) and len(text) <= SETUP_CHARACTERS_MAX else None
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}


def _take(rows: dict[str, dict[str, Plain]], said: _Said | None) -> None:
    if said is None:
        return
    for raw, values in said.rows:
        if len(raw) != 16:
            continue
        record = id_text(raw)
        if values is None:
            rows.pop(record, None)
        elif len(values) == len(said.keys):
            rows.setdefault(record, {}).update(zip(said.keys, cast("list[Plain]", values), strict=True))


def unpack(text: str) -> _Said | None:
    """Returns what a record of `core.imports` holds, None where it holds nothing that can be read within bounds."""
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(text, validate=True), UNPACKED_BYTES_MAX)
        found = _decode(raw) if reader.eof else None
    except (ValueError, zlib.error, msgspec.MsgspecError, RecursionError):
        return None
    return found if found is not None and found.version == VERSION else None


def pack(keys: Sequence[str], said: Iterable[Said]) -> Iterator[str]:
    """Yields texts that hold what is said, as many as are needed."""
    rows: list[tuple[bytes, list[object] | None]] = []
    for record, values in said:
        rows.append((id_from_text(record), None if values is None else list(values)))
        if len(rows) >= ROWS_A_RECORD:
            yield from _packed(tuple(keys), rows)
            rows = []
    if rows:
        yield from _packed(tuple(keys), rows)


def _packed(keys: tuple[str, ...], rows: list[tuple[bytes, list[object] | None]]) -> Iterator[str]:
    text = base64.b64encode(zlib.compress(_encode(_Said(VERSION, keys, rows)), 6)).decode()
    if len(text) <= TEXT_BYTES_MAX:
        yield text
    elif len(rows) > 1:
        half = len(rows) // 2
        yield from _packed(keys, rows[:half])
        yield from _packed(keys, rows[half:])


@dataclass(frozen=True, slots=True)
class Note:
    """What the records of one import have in common."""

    source: str
    table: str
    file: str
    import_id: str
    setup: Mapping[str, object]

    def fields(self, said: str) -> dict[str, object]:
        """Returns the fields of a record that holds `said`."""
        return {
            "name": self.source,
            f"{TABLE}.table": self.table,
            "file": self.file,
            "import": self.import_id,
            "setup": json.dumps(self.setup, ensure_ascii=False, sort_keys=True),
            "said": said,
        }
