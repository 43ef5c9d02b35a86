"""An import from file to plan: reads the file, finds what is here, and plans; `Staged` carries it out.

Knows the desk's public face. Must not know formats nor how rows are matched.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from blake3 import blake3

from openprod.catalog.tables import Relation, Table
from openprod.exchange import memory as memories
from openprod.exchange.columns import Layout, lay_out
from openprod.exchange.csv import read_csv
from openprod.exchange.declared import CSV, declared, forms_for, known_names
from openprod.exchange.ends import EndFinder
from openprod.exchange.finder import Finder, Target
from openprod.exchange.formats import FORMATS, HEAD_BYTES, ZIP, FileFormat, detect, named, read_file
from openprod.exchange.matching import Here
from openprod.exchange.moments import Assume, Day, Moments, assume_of, day_in
from openprod.exchange.pairs import PairLayout, lay_out_pairs, plan_pairs, sides_of
from openprod.exchange.plan import ImportPlan, plan
from openprod.exchange.sheet import FILE_BYTES_MAX, Choice, Sheet, Unreadable
from openprod.exchange.staged import Progress, Staged
from openprod.model.bundle import CAUSE_IMPORT, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.values import Plain
from openprod.workspace import columns as stored
from openprod.workspace.building import Place

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

REMEMBERED_ROWS_MAX = 200_000
TARGETS_SHOWN = 12
NAME_BYTES_MAX = 200
HELD_BYTES_MAX = 4 << 20
PIECE_BYTES = 1 << 20

Chance = Callable[[int], bytes]


class NoSuchFile(Missing):
    """The file to import is not there or cannot be read."""

    code = "import.no_file"


class FileChanged(Refused):
    """The file was written to while it was read."""

    code = "import.file_changed"


@dataclass(frozen=True, slots=True)
class How:
    """What a person says about a file and where it goes; what is left empty is taken as last time, or found.

    Attributes:
        columns: header to field or relation, where the file's own names do not say it.
        match: names of fields by which rows are found to be records, instead of the table's key.
        form: the name of the file's format; empty finds it by the content.
        sheet: which sheet of a workbook.
        header: the row that names the columns, from 1; 0 finds it.
        source: what the source is called whose earlier files this one is compared with; empty takes the file's name.
        assume: year, times, dates: what is taken where the file does not say it.
    """

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    match: Sequence[str] = ()
    form: str = ""
    sheet: str = ""
    header: int = 0
    source: str = ""
    assume: Mapping[str, str] = field(default_factory=dict[str, str])


def import_file(
    workspace: Workspace,
    file: str | Path,
    into: str,
    *,
    how: How | None = None,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    form: str = "",
    sheet: str = "",
    header: int = 0,
    chance: Chance = secrets.token_bytes,
    progress: Progress | None = None,
) -> Staged:
    """Plans the import of a file; see `import_bytes`. Raises NoSuchFile, FileChanged where it cannot be read."""
    path = Path(file)
    how = how or How(columns or {}, match, form, sheet, header)
    try:
        before = path.stat()
        if before.st_size > FILE_BYTES_MAX:
            raise Unreadable(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")
        with path.open("rb") as opened:
            if before.st_size > HELD_BYTES_MAX and _is_table(opened, path.name, how.form):
                found = _Import(workspace, opened, path.name, into, how).plan(chance, progress)
            else:
                opened.seek(0)
                raw = opened.read()
                found = _Import(workspace, raw, path.name, into, how).plan(chance, progress)
        after = path.stat()
    except OSError as error:
        raise NoSuchFile(
            f"{path} cannot be read ({error.strerror}). Check the name and that it is yours to read."
        ) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChanged(f"{path} changed while it was read. Let the other program finish, then import it again.")
    return found


def _is_table(file: BinaryIO, name: str, form: str) -> bool:
    """Tells whether a large file is a table in text, which is read line by line."""
    head = file.read(HEAD_BYTES)
    if form:
        return form == CSV
    return not head.startswith(ZIP) and detect(head, name)[0].name == CSV


def import_csv(
    workspace: Workspace,
    raw: bytes,
    name: str,
    into: str,
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    chance: Chance = secrets.token_bytes,
) -> Staged:
    """Plans the import of a CSV file's bytes, whatever else they might be; see `import_bytes`."""
    return import_bytes(workspace, raw, name, into, how=How(columns or {}, match, CSV), chance=chance)


def import_bytes(
    workspace: Workspace,
    raw: bytes,
    name: str,
    into: str,
    *,
    how: How | None = None,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    form: str = "",
    sheet: str = "",
    header: int = 0,
    chance: Chance = secrets.token_bytes,
    progress: Progress | None = None,
) -> Staged:
    """Plans the import of a file's bytes into a table or relation; nothing is written before `stage` or `commit`.

    Args:
        workspace: where it goes.
        raw: the file's bytes.
        name: the file's name, kept in the history.
        into: the full name of a table or relation.
        how: all that a person says about the file; or some of it:
        columns: header to field, where the file's own names do not say it.
        match: names of fields by which rows are found to be records, instead of the table's key.
        form: the name of the file's format; empty finds it by the content.
        sheet: which sheet of a workbook.
        header: the row that names the columns, from 1; 0 finds it.
        chance: gives n random bytes, for the import's id.
        progress: takes (rows looked at, rows in all).

    Raises:
        Unreadable, BadChoice, BadColumns, BadAssume, UnknownName: with what to do.
    """
    return _Import(workspace, raw, name, into, how or How(columns or {}, match, form, sheet, header)).plan(
        chance, progress
    )


class _Import:
    """One file on its way to a plan."""

    def __init__(self, workspace: Workspace, raw: bytes | BinaryIO, name: str, into: str, how: How) -> None:
        self._workspace = workspace
        self._raw = raw
        self._size = 0 if isinstance(raw, bytes) else raw.seek(0, os.SEEK_END)
        self._progress: Progress | None = None
        self._name = name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
        self._into = into
        if into not in workspace.catalog.relations:
            workspace.catalog.table(into)
        self._how = how
        source = how.source or memories.source_of(name)
        self._memory = memories.recall(workspace, into, source)
        self._assumed: list[str] = []
        self._last = self._memory.setup

    def plan(self, chance: Chance, progress: Progress | None) -> Staged:
        self._progress = progress
        if self._into in self._workspace.catalog.relations:
            return self._plan_pairs(self._workspace.catalog.relation(self._into), chance)
        workspace, table, how = self._workspace, self._workspace.catalog.table(self._into), self._how
        said = list(declared(workspace))
        choice = Choice(
            how.sheet or str(self._last.get("sheet", "")),
            how.header or _number(self._last.get("header")),
            known_names(table, how.columns, said),
        )
        kind, sheet = self._read(choice)
        start = workspace.desk.place()
        edit = workspace.edit()
        forms = forms_for(said, table.name, kind)
        remembered = _texts(self._last.get("columns"))
        match = how.match or _names(self._last.get("match"))
        finder, ends = Finder(workspace, edit), EndFinder(workspace)
        layout = lay_out(
            sheet, table, columns=how.columns, remembered=remembered, match=match, forms=forms,
            catalog=workspace.catalog, names_records=ends.names_records,
        )  # fmt: skip
        assume = {**_texts(self._last.get("assume")), **how.assume}
        sheet, layout = self._with_day(sheet, layout, table, lambda other: lay_out(
            other, table, columns=how.columns, remembered=remembered, match=match, forms=forms,
            catalog=workspace.catalog, names_records=ends.names_records,
        ))  # fmt: skip
        remembers = len(sheet.rows) <= REMEMBERED_ROWS_MAX
        found = plan(
            sheet,
            table,
            layout,
            here_of(workspace, table, layout),
            finder,
            find_end=ends,
            memory=self._memory if remembers else None,
            moments=self._moments(sheet, layout, assume_of(assume)),
            progress=self._half(1),
        )
        targets = finder.used(found)
        found.assumed = [*self._told(remembered, layout), *found.assumed, *_new_targets(workspace, targets)]
        if not remembers:
            found.assumed.append(
                f"The file has more than {REMEMBERED_ROWS_MAX:,} rows, so what it says is not remembered: the next"
                " issue changes whatever differs from it, also what people changed here. To keep that, split the file."
            )
        setup: dict[str, object] = {
            "columns": _kept_columns(sheet, layout, how.columns, remembered),
            "match": list(match),
            "assume": assume,
        }
        return self._staged(found, start, targets, layout, setup, (choice, kind, sheet), chance(16))

    def _staged(
        self,
        found: ImportPlan,
        start: Place,
        targets: Sequence[Target],
        layout: Layout | PairLayout,
        setup: Mapping[str, object],
        read: tuple[Choice, FileFormat, Sheet],
        import_id: bytes,
    ) -> Staged:
        choice, kind, sheet = read
        setup = {**setup, "sheet": choice.sheet, "header": choice.header}
        note = memories.Note(self._memory.source, self._into, self._name, import_id.hex(), setup)
        cause = Cause(CAUSE_IMPORT, detail=(self._name, self._hash(), import_id, kind.name))
        return Staged(
            self._workspace, found, cause, start, targets, layout=layout, memory=self._memory, note=note, sheet=sheet,
            kind=kind,
        )  # fmt: skip

    def _plan_pairs(self, relation: Relation, chance: Chance) -> Staged:
        """Plans the import of a file into a relation."""
        workspace = self._workspace
        choice = Choice(
            self._how.sheet or str(self._last.get("sheet", "")),
            self._how.header or _number(self._last.get("header")),
        )
        kind, sheet = self._read(choice)
        start = workspace.desk.place()
        columns = {**_texts(self._last.get("columns")), **self._how.columns}
        ends = EndFinder(workspace)
        layout = lay_out_pairs(sheet, relation, workspace.catalog, columns, ends.find)
        edges = stored.edges(workspace.desk, relation)
        properties = stored.properties(workspace.desk, relation)
        found = plan_pairs(
            sheet, relation, sides_of(relation, workspace.catalog), layout, (edges, properties), ends.find, self._memory
        )
        found.assumed = [*self._told({}, None), *found.assumed]
        setup: dict[str, object] = {"columns": self._how.columns or _texts(self._last.get("columns"))}
        return self._staged(found, start, (), layout, setup, (choice, kind, sheet), chance(16))

    def _read(self, choice: Choice) -> tuple[FileFormat, Sheet]:
        if isinstance(self._raw, bytes):
            return read_file(self._raw, self._name, self._how.form, choice)
        return FORMATS[CSV], named(read_csv(self._raw, choice.header, self._half(0)))

    def _half(self, which: int) -> Progress | None:
        """Returns what moves the bar over its first half (reading a large file) or its second (planning it)."""
        progress, size = self._progress, self._size
        if progress is None or not size:
            return progress
        return lambda done, total: progress(which * size + size * done // max(total, 1), 2 * size)

    def _hash(self) -> bytes:
        """Returns the hash of the file, of a large one piece by piece."""
        if isinstance(self._raw, bytes):
            return blake3(self._raw).digest()
        self._raw.seek(0)
        hasher = blake3()
        while piece := self._raw.read(PIECE_BYTES):
            hasher.update(piece)
        return hasher.digest()

    def _with_day(
        self, sheet: Sheet, layout: Layout, table: Table, lay_out_again: Callable[[Sheet], Layout]
    ) -> tuple[Sheet, Layout]:
        """Gives every row the day that is named above the table or by its sheet, where there is no column for it."""
        given = {one.key for one in layout.fields}
        wanted = next((one for one in table.fields.values() if one.type == "date" and one.required), None)
        if wanted is None or wanted.key in given or wanted.name in sheet.header:
            return sheet, layout
        days = {text for text in (*sheet.above, sheet.name) if (day := day_in(text)) is not None and day.month}
        named_days = {text for text in days if not (day_in(text) or Day(None, None, None, 0)).rest}
        if len(named_days) != 1:
            return sheet, layout
        (day_text,) = named_days
        note = f"{wanted.title} is what stands above the table: '{day_text}'."
        rows = [[*row, day_text] for row in sheet.rows]
        dated = replace(sheet, header=(*sheet.header, wanted.name), rows=rows, assumed=(*sheet.assumed, note))
        return dated, lay_out_again(dated)

    def _moments(self, sheet: Sheet, layout: Layout, assume: Assume) -> Moments | None:
        placed = [(one.key, one.at, one.field) for one in layout.columns if one.field is not None and one.at >= 0]
        dates = {key: (at, one.title) for key, at, one in placed if one.type == "date"}
        times = {key: (at, one.title) for key, at, one in placed if one.type == "time"}
        if not dates and not times:
            return None
        now = dt.datetime.fromtimestamp(self._workspace.desk.clock() / 1000, dt.UTC).astimezone()
        return Moments(sheet.rows, dates, times, assume, now.date())

    def _told(self, remembered: Mapping[str, str], layout: Layout | None) -> Iterator[str]:
        memory = self._memory
        if not memory.when:
            return
        if memory.file != self._name:
            yield (
                f"Taken as the next issue of '{memory.file}', imported on {memory.when}: only what changed in the file"
                " since comes in. If it is something else, name it: --source NAME."
            )
        if layout is not None and remembered and any(one.how == "remembered" for one in layout.columns):
            yield f"The columns are taken as on {memory.when}; --columns says otherwise."


def _kept_columns(
    sheet: Sheet, layout: Layout, said: Mapping[str, str], remembered: Mapping[str, str]
) -> dict[str, str]:
    """Returns what is remembered of the columns: what they were taken for, and which were left out on purpose."""
    kept = {one.header: one.key for one in layout.columns if one.how != "aside" and one.header}
    out = {name: "" for name, target in (*remembered.items(), *said.items()) if not target and name in sheet.header}
    return {**out, **kept}


def _texts(value: object) -> dict[str, str]:
    """Returns a mapping of texts out of what was remembered; anything else is left out."""
    if not isinstance(value, dict):
        return {}
    pairs = cast("Mapping[object, object]", value).items()
    return {name: one for name, one in pairs if isinstance(name, str) and isinstance(one, str)}


def _names(value: object) -> list[str]:
    return [one for one in cast("list[object]", value) if isinstance(one, str)] if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _new_targets(workspace: Workspace, targets: Sequence[Target]) -> Iterator[str]:
    for name in dict.fromkeys(one.table for one in targets):
        texts = [one.text for one in targets if one.table == name]
        listed = ", ".join(texts[:TARGETS_SHOWN])
        more = f" and {len(texts) - TARGETS_SHOWN} more" if len(texts) > TARGETS_SHOWN else ""
        title = workspace.catalog.table(name).title
        yield f"{len(texts)} records of {title} are named and not here yet; they are made as well: {listed}{more}."


def here_of(workspace: Workspace, table: Table, layout: Layout) -> Here:
    """Returns a table's records: of all what they are found by, of those that are asked for the other values."""
    found_by = tuple({one.key: one for one in (*layout.own, *layout.match)}.values())
    others = [one for one in layout.needed() if one.key not in {field.key for field in found_by}]
    desk = workspace.desk
    read = stored.read(desk, table, found_by)
    values: dict[str, Sequence[Plain] | dict[int, Plain]] = dict(read.values)
    loaded: dict[str, dict[int, Plain]] = {one.key: {} for one in others}
    values |= loaded
    places = {eid: place for place, eid in enumerate(read.eids)}
    known: set[int] = set()

    def load(wanted: Iterable[int]) -> None:
        fresh = [one for one in wanted if one not in known]
        if not fresh or not others:
            return
        known.update(fresh)
        rows = stored.read(desk, table, others, [read.eids[one] for one in fresh])
        for at, eid in enumerate(rows.eids):
            for key, column in rows.values.items():
                loaded[key][places[eid]] = column[at]

    links = {
        column.key: stored.edges(desk, column.end.relation, is_source=column.end.is_source)
        for column in layout.ends
        if column.end is not None
    }
    return Here(read.ids, values, load, links)
