"""Import, one edit, and taking bundles in."""

from __future__ import annotations

import gc
import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Sequence

from bench.measure import Line, at_least, at_most, cpu, in_turns, timed, wall
from bench.stage import FIELDS, TABLE, Author, Scratch, author, floor_database, insert_floor, rows, wide_rows
from openprod.merge import state_hash
from openprod.model.bundle import Sealed
from openprod.model.ids import id_from_text
from openprod.model.ops import Set
from openprod.workspace.ingest import Report
from openprod.workspace.opening import open_workspace
from openprod.workspace.workspace import Workspace

CELLS = ("lighting.cues.label", "lighting.cues.on", "lighting.cues.intent", "lighting.cues.notes")
FIRST_CELLS = ("lighting.cues.mark", "lighting.cues.block", "lighting.cues.link", "lighting.cues.curve")


def bring_in(workspace: Workspace, count: int, first: int = 1) -> list[str]:
    """Imports light cues in one edit and returns their ids."""
    with workspace.edit("Import") as edit:
        return edit.add_many(TABLE, FIELDS, rows(count, first))


def floor_of(scratch: Scratch, count: int) -> Callable[[], float]:
    """Returns what takes the time of writing the same wide rows with nothing around them."""
    model = scratch.workspace()
    bring_in(model, count)
    statement, names, found = wide_rows(model)
    scratch.drop(model)

    def floor() -> float:
        path = scratch.place("floor")
        connection = floor_database(path, statement)
        taken = timed(lambda: insert_floor(connection, names, found))
        connection.close()
        path.unlink()
        return taken

    return floor


def imports(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    for count, some in ((10_000, times), (100_000, 2 if quick else times)):
        floor = floor_of(scratch, count)
        given = rows(count)

        def ours(given: list[list[object]] = given) -> float:
            workspace = scratch.workspace()
            taken = timed(lambda: _import(workspace, given))
            scratch.drop(workspace)
            return taken

        figures, floors = in_turns(ours, floor, some)
        yield at_most(
            f"import-{count}",
            f"import {count:,} records x 8 fields, one durable commit",
            [figure * 1000 for figure in figures],
            "ms CPU",
            must=5 if count == 10_000 else 6,
            aim=3,
            floor=[figure * 1000 for figure in floors],
            note="" if count == 10_000 else "must: the ratio at 10,000 within 20%",
        )


def _import(workspace: Workspace, given: Sequence[Sequence[object]]) -> None:
    with workspace.edit("Import") as edit:
        edit.add_many(TABLE, FIELDS, given)


def edits(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    for count in (10_000,) if quick else (10_000, 100_000):
        yield from _edits(scratch, times, count)


def _edits(scratch: Scratch, times: int, count: int, steps: int = 200) -> Iterator[Line]:
    workspace = scratch.workspace()
    found = bring_in(workspace, count)
    statement, names, wide = wide_rows(workspace)
    raw = floor_database(scratch.place("floor"), statement)
    insert_floor(raw, names, wide)
    eids = [row[0] for row in wide]
    # Records here and there, as people edit: what was read for one edit is little help to the next.
    random.Random(1).shuffle(found)
    random.Random(2).shuffle(eids)
    laps = itertools.count()
    update = f'UPDATE "{TABLE}" SET "label" = ? WHERE "~eid" = ?'

    def ours() -> None:
        lap = next(laps)
        first = lap * steps % count
        for record in found[first : first + steps]:
            with workspace.edit() as one:
                one.set(record, {"label": f"Look {lap} {record}"})

    def floor() -> None:
        lap = next(laps)
        first = lap * steps % count
        for eid in eids[first : first + steps]:
            with raw:
                raw.execute(update, (f"Look {lap} {eid}", eid))

    workspace.desk.db.execute("PRAGMA synchronous=NORMAL")
    ours()
    figures = [timed(ours) / steps * 1e6 for _ in range(times)]
    work = f"one edit through the Python API, synchronous=NORMAL ({count:,} records)"
    yield at_most(f"edit-normal-{count}", work, figures, "us CPU", must=200)
    workspace.desk.db.execute("PRAGMA synchronous=FULL")
    figures, floors = in_turns(
        lambda: timed(ours, wall) / steps * 1e6, lambda: timed(floor, wall) / steps * 1e6, times + 2
    )
    work = f"one edit through the Python API, synchronous=FULL ({count:,} records)"
    yield at_most(f"edit-full-{count}", work, figures, "us wall", must=3, aim=2, floor=floors)
    raw.close()
    scratch.drop(workspace)


# -- ingest


def as_received(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    for count, some in ((10_000, times), *(() if quick else ((100_000, times),))):
        floor = floor_of(scratch, count)
        source = scratch.workspace()
        other = scratch.joined(source)
        known = source.frontier()
        bring_in(source, count)
        bundles = list(source.bundles(known))
        scratch.drop(source)
        take = _copies(scratch, other)

        def ours(take: Callable[[], Workspace] = take, bundles: Sequence[Sealed] = bundles) -> float:
            return _taken(scratch, take(), bundles)

        figures, floors = in_turns(ours, floor, some)
        yield at_most(
            f"received-{count}",
            f"ingest of {count * 8:,} values as received (row blocks)",
            [figure * 1000 for figure in figures],
            "ms CPU",
            must=6,
            aim=4,
            floor=[figure * 1000 for figure in floors],
        )


def _copies(scratch: Scratch, template: Workspace) -> Callable[[], Workspace]:
    """Returns what gives a fresh copy of a workspace each time; the template is closed."""
    path, home = template.path, template.home
    template.close()

    def take() -> Workspace:
        place = scratch.place("copy")
        shutil.copytree(path, place)
        return open_workspace(place, home=home)

    return take


def _taken(scratch: Scratch, workspace: Workspace, bundles: Sequence[Sealed]) -> float:
    reports: list[Report] = []
    gc.collect()
    start = cpu()
    reports.append(workspace.ingest(bundles))
    taken = cpu() - start
    assert reports[0].applied == len(bundles), reports[0]
    scratch.drop(workspace)
    return taken


def small_bundles(source: Workspace, found: Sequence[str]) -> list[Sealed]:
    """Returns a bundle of eight single-field ops a record: four first writes, four over what an import wrote."""
    writer = author(source)
    made: list[Sealed] = []
    with source.desk.reading():
        for n, text in enumerate(found):
            uuid = id_from_text(text)
            over = [_head(source, uuid, key) for key in CELLS]
            named = list(dict.fromkeys(one[0] for one in over if one))
            ops = [
                Set(0, (0, 1), (at,), () if one is None else (named.index(one[0]), one[1]), f"word {n} {at}")
                for at, one in enumerate((*over, *[None] * len(FIRST_CELLS)))
            ]
            made.append(writer.seal(ops, CELLS + FIRST_CELLS, uuid, b"".join(named)))
    return made


def _head(source: Workspace, uuid: bytes, key: str) -> tuple[bytes, int] | None:
    heads = source.desk.heads_now(uuid, key)
    return source.desk.address_of(heads[0]) if heads else None


def in_eights(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    for count in (10_000,) if quick else (10_000, 100_000):
        source = scratch.workspace()
        found = bring_in(source, count)
        other = scratch.joined(source)
        bundles = small_bundles(source, found)
        scratch.drop(source)
        take = _copies(scratch, other)
        figures = [
            count * 8 / _taken(scratch, take(), bundles)
            for _ in range(times if count == 10_000 else max(3, times // 2))
        ]
        yield at_least(
            f"eights-{count}",
            f"ingest of {count * 8:,} single-field ops in bundles of 8",
            figures,
            "ops/s CPU",
            must=70_000,
            aim=120_000,
        )


def conflicts(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    for count in (5_000,) if quick else (5_000, 50_000):
        source = scratch.workspace()
        found = bring_in(source, count)
        other = scratch.joined(source)
        uuids = [id_from_text(text) for text in found]
        with source.desk.reading():
            heads = [source.desk.address_of(source.desk.heads_now(uuid, CELLS[0])[0]) for uuid in uuids]
        one, two = author(source), author(source)
        mine = [_over(one, uuid, head, f"Dawn {n}") for n, (uuid, head) in enumerate(zip(uuids, heads, strict=True))]
        theirs = [
            _over(two, uuid, head, f"Sunrise {n}") for n, (uuid, head) in enumerate(zip(uuids, heads, strict=True))
        ]
        other.ingest(mine)
        scratch.drop(source)
        take = _copies(scratch, other)
        checked = take()
        checked.ingest(theirs)
        assert len(checked.conflicts()) == count
        scratch.drop(checked)
        figures = [count / _taken(scratch, take(), theirs) for _ in range(times if count == 5_000 else 3)]
        yield at_least(
            f"conflicts-{count}",
            f"ingest of {count:,} bundles, each in conflict",
            figures,
            "bundles/s CPU",
            must=20_000,
        )


def _over(writer: Author, uuid: bytes, head: tuple[bytes, int], value: str) -> Sealed:
    return writer.seal((Set(0, (0, 1), (0,), (0, head[1]), value),), (CELLS[0],), uuid, head[0])


def hash_share(scratch: Scratch, times: int, *, quick: bool) -> Iterator[Line]:
    """The state hash's part of ingest: with it, and with terms that cost nothing, in turns."""
    del quick
    count = 10_000
    source = scratch.workspace()
    found = bring_in(source, count)
    other = scratch.joined(source)
    known = source.frontier()
    eights = small_bundles(source, found)
    bring_in(source, count, count + 1)
    blocks = list(source.bundles(known))
    scratch.drop(source)
    take = _copies(scratch, other)
    for name, bundles in (("blocks", blocks), ("eights", eights)):
        shares: list[float] = []
        for _ in range(times):
            whole = _taken(scratch, take(), bundles)
            with no_hash():
                rest = _taken(scratch, take(), bundles)
            shares.append((1 - rest / whole) * 100)
        yield at_most(f"hash-{name}", f"state hash's share of ingest ({name})", shares, "%", must=15)


class no_hash:  # noqa: N801
    """Inside, the sums of the state hash are not computed."""

    def __enter__(self) -> None:
        self._kept = (state_hash.head_value, state_hash.slot_factor, state_hash.block_term)
        state_hash.head_value = state_hash.slot_factor = lambda *_: 0
        state_hash.block_term = lambda *_: 0

    def __exit__(self, *_: object) -> None:
        state_hash.head_value, state_hash.slot_factor, state_hash.block_term = self._kept
