"""An import from file to history: reads, plans over what is here, and carries the plan out as one edit.

Knows the desk's public face, and which module says what about a file. Must not know formats nor how rows are matched.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, cast

from blake3 import blake3

from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Field, Table
from openprod.exchange.aside import set_aside
from openprod.exchange.formats import FORMATS, FileFormat, read_file
from openprod.exchange.plan import Form, Here, ImportPlan, Layout, Preview, Update, lay_out, plan
from openprod.exchange.sheet import FILE_BYTES_MAX, Choice, Sheet, Unreadable, plainly
from openprod.model.bundle import CAUSE_IMPORT, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ids import id_from_text
from openprod.model.values import Plain

if TYPE_CHECKING:
    from openprod.workspace.staging import Overlay
    from openprod.workspace.view import View
    from openprod.workspace.workspace import Workspace
    from openprod.workspace.write import Edit

CSV = "csv"
BUNDLE_VALUES_MAX = 1_000_000
IMPLIED_VALUES = 2
TARGETS_SHOWN = 12
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


@dataclass(frozen=True, slots=True)
class Target:
    """A record that a file names in passing and that is not here yet: the position of an instrument."""

    id: str
    table: str
    field: str
    text: str


class Staged:
    """A planned import, over what was here when it was planned; `stage` puts it into an overlay, `commit` writes it."""

    def __init__(
        self, workspace: Workspace, edit: Edit, import_plan: ImportPlan, cause: Cause, targets: Sequence[Target] = ()
    ) -> None:
        self.plan = import_plan
        self._targets = list(targets)
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

    @property
    def id(self) -> str:
        """The import's id in hex."""
        import_id = self._cause.detail[2]
        return import_id.hex() if isinstance(import_id, bytes) else ""

    def stage(self, name: str = "") -> list[Overlay]:
        """Puts the plan into an overlay, whose commit says where it came from; a second call stages nothing.

        Args:
            name: what the overlay is called; the file's name if left out, with a number where that is taken.

        Returns the overlay; several only where one bundle may not hold so many values, none where nothing is to do.
        """
        parts, self._parts = self._parts, []
        file = str(self._cause.detail[0])
        found: list[Overlay] = []
        for at, part in enumerate(parts, start=1):
            wanted = name or file
            wanted = f"{wanted} {at} of {len(parts)}" if len(parts) > 1 else wanted
            made = self._workspace.new_overlay(self._free(wanted), source=file, cause=self._cause)
            try:
                with made.edit(self.label) as edit:
                    self._write(edit, part)
            except BaseException:
                made.discard()
                raise
            found.append(made)
        return found

    def _free(self, name: str) -> str:
        taken = {one["name"] for one in self._workspace.overlays()}
        return next(one for one in chain((name,), (f"{name} {at}" for at in count(2))) if one not in taken)

    def commit(self) -> Imported:
        """Writes the plan at once; a second call writes nothing."""
        parts, self._parts = self._parts, []
        bundles: list[str] = []
        start = self._edit.start
        for part in parts:
            with self._workspace.edit(self.label, self._cause) as edit:
                edit.start = start
                self._write(edit, part)
            if edit.bundle is not None:
                bundles.append(edit.bundle)
        return Imported(self.id, tuple(bundles))

    def _write(self, edit: Edit, part: tuple[list[tuple[object, ...]], list[Update]]) -> None:
        creates, updates = part
        for target in self._targets:
            edit.add_record(target.table, {target.field: target.text}, record_id=id_from_text(target.id))
        self._targets = []
        if creates:
            edit.add_many(self.plan.table, self.plan.fields, creates)
        for update in updates:
            edit.set(update.record, update.values)

    @property
    def label(self) -> str:
        """What it is called in the history."""
        return f"Import {self._cause.detail[0]}"


def import_file(
    workspace: Workspace,
    file: str | Path,
    into: str,
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    form: str = "",
    sheet: str = "",
    header: int = 0,
    chance: Chance = secrets.token_bytes,
) -> Staged:
    """Plans the import of a file; see `import_bytes`. Raises NoSuchFile where it cannot be read."""
    path = Path(file)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Unreadable(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")
        raw = path.read_bytes()
    except OSError as error:
        raise NoSuchFile(
            f"{path} cannot be read ({error.strerror}). Check the name and that it is yours to read."
        ) from error
    return import_bytes(
        workspace,
        raw,
        path.name,
        into,
        columns=columns,
        match=match,
        form=form,
        sheet=sheet,
        header=header,
        chance=chance,
    )


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
    return import_bytes(workspace, raw, name, into, columns=columns, match=match, form=CSV, chance=chance)


def import_bytes(
    workspace: Workspace,
    raw: bytes,
    name: str,
    into: str,
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    form: str = "",
    sheet: str = "",
    header: int = 0,
    chance: Chance = secrets.token_bytes,
) -> Staged:
    """Plans the import of a file's bytes into a table; nothing is written before `commit`.

    Args:
        workspace: where it goes.
        raw: the file's bytes.
        name: the file's name, kept in the history.
        into: the table's full name.
        columns: header to field, where the file's own names do not say it.
        match: names of fields by which rows are found to be records, instead of the table's key.
        form: the name of the file's format; empty finds it by the content.
        sheet: which sheet of a workbook.
        header: the row that names the columns, from 1; 0 finds it.
        chance: gives n random bytes, for the import's id.

    Raises:
        Unreadable, BadChoice, BadColumns, UnknownName: with what to do.
    """
    relation = workspace.catalog.relations.get(into)
    if relation is not None:
        raise Refused(
            f"{into} is a relation, and files are imported into tables. Its records are in {relation.source}."
        )
    table = workspace.catalog.table(into)
    said = list(_declared(workspace))
    choice = Choice(sheet, header, _known_names(table, columns or {}, said))
    kind, found_sheet = read_file(raw, name, form, choice)
    edit = workspace.edit()
    forms = _forms_for(said, into, kind)
    found_sheet, layout = _lay_out(found_sheet, table, columns, match, forms)
    finder = Finder(workspace, edit)
    found = plan(found_sheet, table, layout, here_of(workspace, table, layout), finder)
    targets = finder.used(found)
    found.assumed += _new_targets(workspace, targets)
    shown = name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
    cause = Cause(CAUSE_IMPORT, detail=(shown, blake3(raw).digest(), chance(16), kind.name))
    return Staged(workspace, edit, found, cause, targets)


def _lay_out(
    sheet: Sheet, table: Table, columns: Mapping[str, str] | None, match: Sequence[str], forms: Sequence[Form]
) -> tuple[Sheet, Layout]:
    """Returns the columns as fields; what a field cannot hold may stand as text in another, by the modules' word."""
    layout = lay_out(sheet, table, columns=columns, match=match, forms=forms)
    otherwise = {name: other for form in forms for name, other in form.otherwise.items()}
    moved = set_aside(sheet, layout.fields, table, otherwise)
    if moved is sheet:
        return sheet, layout
    return moved, lay_out(moved, table, columns=columns, match=match, forms=forms)


def _new_targets(workspace: Workspace, targets: Sequence[Target]) -> Iterator[str]:
    for name in dict.fromkeys(one.table for one in targets):
        texts = [one.text for one in targets if one.table == name]
        listed = ", ".join(texts[:TARGETS_SHOWN])
        more = f" and {len(texts) - TARGETS_SHOWN} more" if len(texts) > TARGETS_SHOWN else ""
        title = workspace.catalog.table(name).title
        yield f"{len(texts)} records of {title} are named and not here yet; they are made as well: {listed}{more}."


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


def forms_of(workspace: Workspace, table: str, form: str = CSV) -> list[Form]:
    """Returns what the modules adopted here say about files of a format for a table."""
    return _forms_for(list(_declared(workspace)), table, FORMATS[form])


def _declared(workspace: Workspace) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yields (full table name, entry) for everything that the modules adopted here say about imports."""
    rows = workspace.query(
        query={"from": "core.modules", "select": {"manifest": "manifest", "version": "version", "name": "name"}}
    )
    for row in rows:
        if workspace.catalog.modules.get(str(row["name"])) != row["version"]:
            continue
        try:
            manifest = read_manifest(str(row["manifest"] or ""))
        except ManifestError:
            continue
        for entry in manifest.declared.get("import", {}).values():
            name = str(entry.get("table", ""))
            yield name if "." in name else f"{manifest.name}.{name}", entry


def _forms_for(said: Iterable[tuple[str, Mapping[str, object]]], table: str, kind: FileFormat) -> list[Form]:
    """Returns what is said about a table and a format, what is about the format itself first."""
    found = [entry for name, entry in said if name == table and str(entry.get("format", CSV)) in kind.forms]
    found.sort(key=lambda entry: kind.forms.index(str(entry.get("format", CSV))))
    return [_form_of(entry) for entry in found]


def _form_of(entry: Mapping[str, object]) -> Form:
    columns = cast("Mapping[str, object]", entry.get("columns", {}))
    values = cast("Mapping[str, Mapping[str, object]]", entry.get("values", {}))
    match = cast("Sequence[str]", entry.get("match", ()))
    otherwise = cast("Mapping[str, object]", entry.get("otherwise", {}))
    return Form(
        {header: str(one) for header, one in columns.items()},
        {one: {theirs: str(ours) for theirs, ours in words.items()} for one, words in values.items()},
        tuple(match),
        {one: str(other) for one, other in otherwise.items()},
    )


def _known_names(
    table: Table, columns: Mapping[str, str], said: Iterable[tuple[str, Mapping[str, object]]]
) -> tuple[str, ...]:
    """Returns every name by which a column may be known, so that the row of names can be told in a sheet."""
    names = [*columns, *(name for one in table.fields.values() for name in (one.name, one.title))]
    for into, entry in said:
        if into == table.name:
            names += cast("Mapping[str, object]", entry.get("columns", {}))
    return tuple(sorted({plain for name in names if (plain := plainly(name))}))


class Finder:
    """Finds the record that a text means in a record field: an id, TABLE:KEY, or a key in one of the field's tables.

    A text that is none of these becomes a new record where the field's only table is known by one text, like the
    positions of instruments; the edit it is drafted in is never committed, it only gives the id.
    """

    def __init__(self, workspace: View, edit: Edit) -> None:
        self._workspace = workspace
        self._edit = edit
        self._found: dict[tuple[str, str], str] = {}
        self._targets: dict[str, Target] = {}
        self._by_text: dict[tuple[str, str], str] = {}

    def __call__(self, one: Field, text: str) -> str:
        """Returns the record's id; raises UnknownRecord or AmbiguousRecord."""
        known = self._found.get((one.key, text))
        if known is None:
            known = self._found[one.key, text] = self._find(one, text)
        return known

    def used(self, found: ImportPlan) -> list[Target]:
        """Returns the new records that a plan needs, in the order the file names them."""
        if not self._targets:
            return []
        values = {value for row in found.creates for value in row if isinstance(value, str)}
        values |= {value for update in found.updates for value in update.values.values() if isinstance(value, str)}
        return [target for target in self._targets.values() if target.id in values]

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
        try:
            return self._workspace.ref(text)
        except Missing:
            made = self._made(one, text)
            if made is None:
                raise
            return made

    def _made(self, one: Field, text: str) -> str | None:
        """Returns the id of a new record that is known by this text alone, None where the text does not suffice."""
        if len(one.target) != 1 or one.target[0] not in self._workspace.catalog.tables:
            return None
        table = self._workspace.catalog.table(one.target[0])
        key = table.resolve(table.key[0]) if len(table.key) == 1 else None
        if key is None or key.type != "text":
            return None
        if any(field.required and field.default is None for field in table.fields.values() if field is not key):
            return None
        known = self._by_text.get((table.name, text))
        if known is None:
            known = self._edit.add_record(table.name, {key.name: text})
            self._by_text[table.name, text] = known
            self._targets[known] = Target(known, table.name, key.name, text)
        return known
