"""A planned import and how it is carried out: into an overlay, or at once, in parts that fit into memory and bundles.

Knows the desk's public face. Must not know files, nor how a plan is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from openprod.exchange import memory as memories
from openprod.exchange.columns import Layout
from openprod.exchange.finder import Target
from openprod.exchange.formats import FileFormat
from openprod.exchange.matching import Memory
from openprod.exchange.pairs import SOURCE, TARGET, PairLayout, sides_of
from openprod.exchange.plan import ImportPlan, Link, Pair, Preview, Update
from openprod.exchange.sheet import Sheet
from openprod.model.bundle import Cause
from openprod.model.errors import OpenprodError
from openprod.model.ids import id_from_text
from openprod.workspace import columns as stored
from openprod.workspace.building import Place

if TYPE_CHECKING:
    from openprod.workspace.staging import Overlay
    from openprod.workspace.workspace import Workspace
    from openprod.workspace.write import Edit

# Below what one edit may write, as what is remembered of the file goes into the same bundle.
BUNDLE_VALUES_MAX = 950_000
# Where one bundle may not hold it all anyway, several small ones take less memory.
MANY_VALUES = 250_000
STEP_VALUES = 120_000
IMPLIED_VALUES = 2

Progress = Callable[[int, int], None]
Rowed = tuple[tuple[object, ...], "tuple[object, ...] | None"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote: its id, and the bundles in hex (several only where one may not hold so many values)."""

    id: str
    bundles: tuple[str, ...]


@dataclass(slots=True)
class Part:
    """What goes into one edit: places among the new records from `first` to `last`, and what else is written."""

    first: int = 0
    last: int = 0
    updates: list[Update] = field(default_factory=list[Update])
    links: list[Link] = field(default_factory=list[Link])
    unlinks: list[str] = field(default_factory=list[str])
    pairs: list[Pair] = field(default_factory=list[Pair])
    deletes: list[str] = field(default_factory=list[str])
    said: list[memories.Said] = field(default_factory=list[memories.Said])
    values: int = 0


class Staged:
    """A planned import, over what was here when it was planned; `stage` puts it into an overlay, `commit` writes it.

    Attributes:
        plan: what it would do.
        layout: which column is which field.
        memory: what the same source said before.
        note: what is remembered of it.
        sheet: the file's table.
        kind: the file's format.
        titles: what the records that are not in the file any more are called, by id.
    """

    def __init__(
        self,
        workspace: Workspace,
        import_plan: ImportPlan,
        cause: Cause,
        start: Place,
        targets: Sequence[Target] = (),
        *,
        layout: Layout | PairLayout,
        memory: Memory,
        note: memories.Note,
        sheet: Sheet,
        kind: FileFormat,
    ) -> None:
        self.plan = import_plan
        self.layout = layout
        self.memory = memory
        self.note = note
        self.sheet = sheet
        self.kind = kind
        self._targets = list(targets)
        self._workspace = workspace
        self._start = start
        self._cause = cause
        self._is_done = False

    def preview(self) -> Preview:
        """Returns what it would do, in numbers and sentences."""
        found = self.plan.preview()
        parts = self._bundle_count()
        if parts > 1:
            found["assumed"].append(
                f"This is more than one bundle may hold: it is written as {parts} bundles under one import."
            )
        return found

    @property
    def id(self) -> str:
        """The import's id in hex."""
        return self.note.import_id

    @property
    def is_large(self) -> bool:
        """Tells whether it is more than one bundle may hold."""
        return self._bundle_count() > 1

    @property
    def label(self) -> str:
        """What it is called in the history."""
        return f"Import {self._cause.detail[0]}"

    def gone(self) -> list[dict[str, object]]:
        """Returns the records that the source named before and does not name now: record, title, is_changed_here."""
        titles = self._titles()
        return [
            {"record": one, "title": titles.get(one, ""), "is_changed_here": one in self.plan.gone_changed}
            for one in self.plan.gone
        ]

    def _titles(self) -> dict[str, str]:
        """Returns what the records of the table are called; a relation by its two ends."""
        catalog = self._workspace.catalog
        if not self.plan.gone:
            return {}
        if self.plan.table in catalog.tables:
            return stored.titles(self._workspace.desk, self.plan.table)
        sides = sides_of(catalog.relation(self.plan.table), catalog)
        names: dict[str, str] = {}
        for table in (*sides.source, *sides.target):
            names |= stored.titles(self._workspace.desk, table)
        ends = {one: self.memory.rows.get(one, {}) for one in self.plan.gone}
        return {
            one: " – ".join(names.get(str(said.get(side)), "?") for side in (SOURCE, TARGET))
            for one, said in ends.items()
        }

    def _values(self) -> int:
        per_record = len(self.plan.fields) + IMPLIED_VALUES
        changes = sum(len(one.values) + len(one.asked) for one in self.plan.updates)
        pairs = sum(len(one.values) + IMPLIED_VALUES for one in self.plan.pairs)
        return len(self.plan.creates) * per_record + changes + pairs

    def _bundle_count(self) -> int:
        total = self._values()
        return 1 if total <= BUNDLE_VALUES_MAX else -(-total // min(MANY_VALUES, BUNDLE_VALUES_MAX))

    def _part_values(self) -> int:
        return BUNDLE_VALUES_MAX if self._values() <= BUNDLE_VALUES_MAX else min(MANY_VALUES, BUNDLE_VALUES_MAX)

    def stage(
        self, name: str = "", *, is_deleting_gone: bool = False, progress: Progress | None = None
    ) -> list[Overlay]:
        """Puts the plan into an overlay, whose commit says where it came from; a second call stages nothing.

        Nobody sees the overlay before all of it is there: who stops in the middle leaves nothing.

        Args:
            name: what the overlay is called; the file's name if left out, with a number where that is taken.
            is_deleting_gone: also delete what the source named before and does not name now, unless people changed it.
            progress: takes (records done, records in all).

        Returns the overlay; several only where one bundle may not hold so many values, none where nothing is to do.
        """
        if self._is_done or (self.plan.is_empty and not (is_deleting_gone and self.plan.gone)):
            return []
        self._is_done = True
        file = str(self._cause.detail[0])
        found: list[Overlay] = []
        total = len(self.plan.creates) + len(self.plan.updates)
        parts = self._parts(self._part_values(), is_deleting_gone=is_deleting_gone)
        several = self._bundle_count()
        rows = self._rows()
        try:
            for at, part in enumerate(parts, start=1):
                wanted = name or file
                wanted = f"{wanted} {at} of {several}" if several > 1 else wanted
                made = self._workspace.new_overlay(self._free(wanted), source=file, cause=self._cause, is_hidden=True)
                found.append(made)
                with made.desk.looked_at(self._start):
                    for step in _steps(part, len(self.plan.fields) + IMPLIED_VALUES):
                        with made.edit(self.label) as edit:
                            self._write(edit, step, rows)
                        if progress is not None:
                            progress(step.last, total)
                if several > 1:
                    made.desk.db.rest()
            for one in found:
                one.show()
        except BaseException:
            for one in found:
                # Where even that cannot be written, it stays out of every list and goes with the next import.
                with suppress(OpenprodError):
                    one.discard()
            raise
        return found

    def _free(self, name: str) -> str:
        taken = {one["name"] for one in self._workspace.overlays()}
        return next(one for one in chain((name,), (f"{name} {at}" for at in count(2))) if one not in taken)

    def commit(self, *, is_deleting_gone: bool = False, progress: Progress | None = None) -> Imported:
        """Writes the plan at once; a second call writes nothing.

        What the file says is remembered also where nothing of it is new here.
        """
        if self._is_done or (self.plan.is_empty and not self.plan.said and not (is_deleting_gone and self.plan.gone)):
            return Imported(self.id, ())
        self._is_done = True
        bundles: list[str] = []
        rows = self._rows()
        total = len(self.plan.creates) + len(self.plan.updates)
        for part in self._parts(self._part_values(), is_deleting_gone=is_deleting_gone):
            with self._workspace.edit(self.label, self._cause) as edit:
                edit.start = self._start
                self._write(edit, part, rows)
            if edit.bundle is not None:
                bundles.append(edit.bundle)
            if progress is not None:
                progress(part.last, total)
        return Imported(self.id, tuple(bundles))

    # -- in parts

    def _rows(self) -> Iterator[Rowed]:
        """Yields the new records with what is said of each, in order."""
        said = iter(self.plan.said_new) if len(self.plan.said_new) else None
        for row in self.plan.creates:
            yield row, None if said is None else next(said)

    def _parts(self, most: int, *, is_deleting_gone: bool) -> Iterator[Part]:
        """Yields what goes into each bundle: all of it, as long as one may hold so many values."""
        plan = self.plan
        cost = len(plan.fields) + IMPLIED_VALUES
        links = _by_place(plan.links)
        part = Part()
        for place in range(len(plan.creates)):
            if part.values + cost > most:
                yield part
                part = Part(place, place)
            part.last = place + 1
            part.values += cost
            part.links += links.pop(place, ())
        for update in plan.updates:
            size = len(update.values) + len(update.asked)
            if part.values + size > most:
                yield part
                part = Part(part.last, part.last)
            part.updates.append(update)
            part.values += size
        for pair in plan.pairs:
            size = len(pair.values) + IMPLIED_VALUES
            if part.values + size > most:
                yield part
                part = Part(part.last, part.last)
            part.pairs.append(pair)
            part.values += size
        part.links += chain.from_iterable(links.values())
        part.unlinks += plan.unlinks
        if is_deleting_gone:
            part.deletes += [one for one in plan.gone if one not in plan.gone_changed]
        gone = {*part.deletes}
        part.said += [
            (one, said) for one, said in plan.said.items() if said is not None or one in gone or is_deleting_gone
        ]
        yield part

    def _write(self, edit: Edit, part: Part, rows: Iterator[Rowed]) -> None:
        for target in self._targets:
            edit.add_record(target.table, {target.field: target.text}, record_id=id_from_text(target.id))
        self._targets = []
        ids: list[str] = []
        said: list[memories.Said] = list(part.said)
        if part.last > part.first:
            block = list(islice(rows, part.last - part.first))
            ids = edit.add_many(self.plan.table, self.plan.fields, [row for row, _ in block])
            said += [(record, one) for record, (_, one) in zip(ids, block, strict=True) if one is not None]
        for update in part.updates:
            if update.values:
                edit.set(update.record, update.values)
            if update.asked:
                # Over nothing of what stands here: so it stands beside it, as a question.
                edit.set(update.record, update.asked, heads=dict.fromkeys(update.asked, ()))
        for link in part.links:
            record = ids[link.record - part.first] if isinstance(link.record, int) else link.record
            one, other = (record, link.other) if link.end.is_source else (link.other, record)
            edit.relate_records(one, link.end.relation.name, other, {})
        for pair in part.pairs:
            relation = edit.relate_records(pair.source, self.plan.table, pair.target, pair.values)
            said.append((relation, pair.said))
        for relation in part.unlinks:
            edit.unrelate(relation)
        for record in part.deletes:
            edit.delete(record)
        for packed in memories.pack(self.plan.said_keys, said):
            edit.add_record(memories.TABLE, self.note.fields(packed))

    # -- as data

    def shape(self, limit: int = 50) -> dict[str, object]:
        """Returns the whole plan as JSON can hold it, for a page that shows it and lets it be changed.

        Args:
            limit: how many new records, changes and gone records are given as examples.
        """
        plan = self.plan
        fields = (
            self.layout.fields if isinstance(self.layout, Layout) else tuple(one for _, one in self.layout.properties)
        )
        titles = {one.key: one.title for one in fields}
        new = [
            {
                "line": line,
                "values": {key: one for key, one in zip(plan.fields, row, strict=True) if one not in ("", None)},
            }
            for line, row in zip(plan.create_lines, islice(plan.creates, limit), strict=False)
        ]
        new += [
            {"line": one.line, "values": {SOURCE: one.source, TARGET: one.target, **one.values}}
            for one in plan.pairs[:limit]
        ]
        changed = [
            {
                "line": one.line,
                "record": one.record,
                "changes": [
                    {"field": key, "title": titles.get(key, key), "new": value, "is_question": key in one.asked}
                    for key, value in (*one.values.items(), *one.asked.items())
                ],
            }
            for one in plan.updates[:limit]
        ]
        return {
            "file": self.note.file,
            "source": self.note.source,
            "table": plan.table,
            "format": self.kind.name,
            "sheet": self.sheet.name,
            "sheets": list(self.sheet.sheets),
            "header": list(self.sheet.header),
            **_columns_shape(self.sheet, self.layout),
            "assume": self.note.setup.get("assume", {}),
            "remembered": {"file": self.memory.file, "when": self.memory.when} if self.memory.when else None,
            "preview": self.preview(),
            "new": new,
            "changed": changed,
            "gone": self.gone()[:limit],
        }


def _columns_shape(sheet: Sheet, layout: Layout | PairLayout) -> dict[str, object]:
    """Returns the columns as data: what each is and what told so, those left out, and by what rows are found."""
    if isinstance(layout, PairLayout):
        taken = [{"header": name, "key": key, "title": key, "how": "name"} for name, key in layout.names]
        return {"columns": taken, "left_out": [], "own": [], "match": [SOURCE, TARGET], "is_matrix": layout.is_matrix}
    places = {one.at for one in layout.columns if one.at >= 0}
    columns = [
        {
            "header": one.header,
            "key": one.key,
            "title": one.field.title if one.field is not None else one.end.title if one.end is not None else "",
            "how": one.how,
        }
        for one in layout.columns
        if one.how != "aside"
    ]
    left = [name for at, name in enumerate(sheet.header) if name and at not in places and at != layout.id_at]
    return {
        "columns": columns,
        "left_out": left,
        "own": [one.name for one in layout.own],
        "match": [one.name for one in layout.match],
        "is_matrix": False,
    }


def _by_place(links: Iterable[Link]) -> dict[object, list[Link]]:
    """Returns relations by the place of the new record they start from; those of records here under their id."""
    found: dict[object, list[Link]] = {}
    for one in links:
        found.setdefault(one.record, []).append(one)
    return found


def _steps(part: Part, cost: int) -> Iterator[Part]:
    """Yields a part in steps of staging, small enough for memory."""
    rows = max(STEP_VALUES // cost, 1)
    if part.last - part.first <= rows:
        yield part
        return
    links = _by_place(part.links)
    for first in range(part.first, part.last, rows):
        last = min(first + rows, part.last)
        step = Part(first, last) if last < part.last else replace(part, first=first)
        step.links = [one for place in range(first, last) for one in links.pop(place, ())]
        if last == part.last:
            step.links += chain.from_iterable(links.values())
        yield step
