"""An import from file to history: reads, plans over what is here, and carries the plan out as one edit.

Knows the desk's public face, and which module says what about a file. Must not know formats nor how rows are matched.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from blake3 import blake3

from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Field, Table
from openprod.exchange.csv import FILE_BYTES_MAX, NotCsv, read_csv
from openprod.exchange.plan import Form, Here, ImportPlan, Layout, Preview, Update, lay_out, plan
from openprod.model.bundle import CAUSE_IMPORT, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ids import id_from_text
from openprod.model.values import Plain

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace
    from openprod.workspace.write import Edit

FORMAT = "csv"
BUNDLE_VALUES_MAX = 1_000_000
IMPLIED_VALUES = 2
NAME_BYTES_MAX = 200

Chance = Callable[[int], bytes]


class NoSuchFile(Missing):
    """The file to import is not there or cannot be read."""

    code = "import.no_file"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote: its id, and the bundles in hex (several only where one may not hold so many values)."""

    id: str
    bundles: tuple[str, ...]


class Staged:
    """A planned import, over what was here when it was planned; `commit` writes it."""

    def __init__(self, workspace: Workspace, edit: Edit, import_plan: ImportPlan, cause: Cause) -> None:
        self.plan = import_plan
        self._workspace = workspace
        self._edit = edit
        self._cause = cause
        self._parts = list(_parts(import_plan))

    def preview(self) -> Preview:
        """Returns what it would do, in numbers and sentences."""
        found = self.plan.preview()
        if len(self._parts) > 1:
            found["assumed"].append(
                f"This is more than one bundle may hold: it is written as {len(self._parts)} bundles under one import."
            )
        return found

    def commit(self) -> Imported:
        """Writes the plan; a second call writes nothing."""
        parts, self._parts = self._parts, []
        bundles: list[str] = []
        start = self._edit.start
        for creates, updates in parts:
            with self._workspace.edit(self._label(), self._cause) as edit:
                edit.start = start
                if creates:
                    edit.add_many(self.plan.table, self.plan.fields, creates)
                for update in updates:
                    edit.set(update.record, update.values)
            if edit.bundle is not None:
                bundles.append(edit.bundle)
        import_id = self._cause.detail[2]
        return Imported(import_id.hex() if isinstance(import_id, bytes) else "", tuple(bundles))

    def _label(self) -> str:
        return f"Import {self._cause.detail[0]}"


def import_file(
    workspace: Workspace,
    file: str | Path,
    into: str,
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    chance: Chance = secrets.token_bytes,
) -> Staged:
    """Plans the import of a CSV file; see `import_csv`. Raises NoSuchFile where it cannot be read."""
    path = Path(file)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise NotCsv(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")
        raw = path.read_bytes()
    except OSError as error:
        raise NoSuchFile(
            f"{path} cannot be read ({error.strerror}). Check the name and that it is yours to read."
        ) from error
    return import_csv(workspace, raw, path.name, into, columns=columns, match=match, chance=chance)


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
    """Plans the import of a CSV file's bytes into a table; nothing is written before `commit`.

    Args:
        workspace: where it goes.
        raw: the file's bytes.
        name: the file's name, kept in the history.
        into: the table's full name.
        columns: header to field, where the file's own names do not say it.
        match: names of fields by which rows are found to be records, instead of the table's key.
        chance: gives n random bytes, for the import's id.

    Raises:
        NotCsv, BadColumns, UnknownName: with what to do.
    """
    relation = workspace.catalog.relations.get(into)
    if relation is not None:
        raise Refused(
            f"{into} is a relation, and files are imported into tables. Its records are in {relation.source}."
        )
    table = workspace.catalog.table(into)
    sheet = read_csv(raw)
    edit = workspace.edit()
    layout = lay_out(sheet, table, columns=columns, match=match, forms=forms_of(workspace, into))
    found = plan(sheet, table, layout, here_of(workspace, table, layout), Finder(workspace))
    shown = name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
    cause = Cause(CAUSE_IMPORT, detail=(shown, blake3(raw).digest(), chance(16), FORMAT))
    return Staged(workspace, edit, found, cause)


def _parts(found: ImportPlan) -> Iterator[tuple[list[tuple[object, ...]], list[Update]]]:
    """Yields what goes into each bundle: all of it, as long as one may hold so many values."""
    creates: list[tuple[object, ...]] = []
    updates: list[Update] = []
    room = BUNDLE_VALUES_MAX
    for row in found.creates:
        cost = len(row) + IMPLIED_VALUES
        if cost > room:
            yield creates, updates
            creates, updates, room = [], [], BUNDLE_VALUES_MAX
        creates.append(row)
        room -= cost
    for update in found.updates:
        if len(update.values) > room:
            yield creates, updates
            creates, updates, room = [], [], BUNDLE_VALUES_MAX
        updates.append(update)
        room -= len(update.values)
    if creates or updates:
        yield creates, updates


def here_of(workspace: Workspace, table: Table, layout: Layout) -> Here:
    """Returns the ids and needed values of a table's records."""
    needed = layout.needed()
    names = {f"f{at}": one.key for at, one in enumerate(needed)}
    rows = workspace.query(query={"from": table.name, "select": names})
    values = {key: [cast("Plain", row[name]) for row in rows] for name, key in names.items()}
    return Here([str(row["id"]) for row in rows], values)


def forms_of(workspace: Workspace, table: str) -> list[Form]:
    """Returns what the modules adopted here say about CSV files for a table."""
    rows = workspace.query(
        query={"from": "core.modules", "select": {"manifest": "manifest", "version": "version", "name": "name"}}
    )
    found: list[Form] = []
    for row in rows:
        if workspace.catalog.modules.get(str(row["name"])) == row["version"]:
            found += _forms_in(str(row["manifest"] or ""), table)
    return found


def _forms_in(text: str, table: str) -> Iterable[Form]:
    try:
        manifest = read_manifest(text)
    except ManifestError:
        return
    for entry in manifest.declared.get("import", {}).values():
        name = str(entry.get("table", ""))
        full = name if "." in name else f"{manifest.name}.{name}"
        if full == table and entry.get("format", FORMAT) == FORMAT:
            columns = cast("Mapping[str, object]", entry.get("columns", {}))
            values = cast("Mapping[str, Mapping[str, object]]", entry.get("values", {}))
            match = cast("Sequence[str]", entry.get("match", ()))
            yield Form(
                {header: str(one) for header, one in columns.items()},
                {one: {theirs: str(ours) for theirs, ours in words.items()} for one, words in values.items()},
                tuple(match),
            )


class Finder:
    """Finds the record that a text means in a record field: an id, TABLE:KEY, or a key in one of the field's tables."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._found: dict[tuple[str, str], str] = {}

    def __call__(self, one: Field, text: str) -> str:
        """Returns the record's id; raises UnknownRecord or AmbiguousRecord."""
        known = self._found.get((one.key, text))
        if known is None:
            known = self._found[one.key, text] = self._find(one, text)
        return known

    def _find(self, one: Field, text: str) -> str:
        try:
            id_from_text(text)
        except ValueError:
            pass
        else:
            return text
        if ":" not in text:
            for table in one.target:
                try:
                    return self._workspace.ref(f"{table}:{text}")
                except Missing:
                    continue
        return self._workspace.ref(text)
