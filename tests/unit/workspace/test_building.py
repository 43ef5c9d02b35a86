"""From values to chunks: bounded in rows, bytes and ops, whole in sum."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CUES, NAME, PEOPLE, Company, add, count_bundles, sound

from openprod.model.ops import Rows, width
from openprod.workspace import building
from openprod.workspace.building import TooMuch


def rows_of(company: Company, bundle: str | None) -> list[list[int]]:
    """Returns, for each chunk of a bundle, how many rows each of its blocks has."""
    log = company.open[0].desk.log
    number = log.number_of(bytes.fromhex(bundle or ""))
    assert number is not None
    chunks = log.bundle(number).chunks or ()
    return [[len(op.payload.rows) for op in chunk.ops if isinstance(op, Rows)] for chunk in chunks]


def test_many_rows_go_into_chunks_of_some_hundred(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        edit.add_many(PEOPLE, ["name"], [[f"P{n}"] for n in range(2_300)])
        edit.add(CUES, number="1")
    assert rows_of(company, edit.bundle) == [*[[250]] * 9, [50, 1]]
    assert (ana.count(PEOPLE), ana.count(CUES)) == (2_300, 1)
    sound(ana)


def test_long_texts_make_smaller_chunks(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        edit.add_many(PEOPLE, ["name"], [["x" * 50_000] for _ in range(64)])
    assert len(rows_of(company, edit.bundle)) > 2
    assert sum(map(sum, rows_of(company, edit.bundle))) == 64
    number = ana.desk.log.number_of(bytes.fromhex(edit.bundle or ""))
    assert number is not None
    header = ana.desk.log.header(number)
    assert max(ref.size for ref in header.chunks) < building.CHUNK_TEXT_BYTES * 2
    assert [ref.width for ref in header.chunks] == [
        sum(map(width, chunk.ops)) for chunk in ana.desk.log.bundle(number).chunks or ()
    ]


def test_thousands_of_single_writes_are_one_bundle_of_several_chunks(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CHUNK_OPS", 10)
    ana = company.found()
    with ana.edit() as edit:
        people = edit.add_many(PEOPLE, ["name"], [[f"P{n}"] for n in range(35)])
    before = count_bundles(ana)
    with ana.edit() as edit:
        for person in people:
            edit.set(person, {"name": "Same"})
    assert (count_bundles(ana), len(rows_of(company, edit.bundle))) == (before + 1, 4)
    assert all(ana.record(person)["fields"][NAME] == "Same" for person in people)
    sound(ana)


def test_more_than_a_bundle_holds_is_refused_whole(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    before = count_bundles(ana)
    monkeypatch.setattr(building, "BULK_VALUES_MAX", 100)
    with pytest.raises(TooMuch, match="Do it in parts"), ana.edit() as edit:
        edit.add_many(PEOPLE, ["name"], [[f"P{n}"] for n in range(50)])
    assert (count_bundles(ana), ana.count(PEOPLE)) == (before, 1)
    with ana.edit() as edit:
        edit.set(jane, {"name": "Janet"})
    sound(ana)
