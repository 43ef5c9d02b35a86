"""Files into a workspace and out again, through the public API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from blake3 import blake3

import openprod
from openprod.exchange import csv as csv_module
from openprod.exchange import plan as plan_module
from openprod.exchange import stage
from openprod.exchange import staged as staging
from openprod.exchange.csv import NotCsv, read_csv
from openprod.exchange.export import NotWritten, export_query, export_table, write_file
from openprod.exchange.sheet import Choice
from openprod.exchange.stage import FileChanged, NoSuchFile, import_csv, import_file
from openprod.model.bundle import CAUSE_IMPORT, Sealed, decode_header
from openprod.model.errors import Refused
from openprod.store.database import NoSpace
from openprod.store.overlays import Overlays, StagedRecord
from openprod.workspace.workspace import Workspace

PEOPLE = b"Name,E-mail,Phone,department\r\nAnn,ann@example.com,'+44 20 7946,Cast\r\nBob,,,Crew\r\n"
CUES = b"cue_list,cue,label,up,called,script_line,cue_words\r\n1,11,Dawn,3,Y,12,now\r\n1,12,=2+2,,N,,\r\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", home=tmp_path / "home") as made:
        for module in ("contacts", "script", "casting", "schedule", "lighting", "sound", "sm"):
            made.adopt(module)
        yield made


def last_bundle(workspace: Workspace) -> Sealed:
    return list(workspace.bundles())[-1]


def test_nothing_is_written_before_the_commit(workspace: Workspace) -> None:
    before = workspace.status()["bundles"]
    staged = import_csv(workspace, PEOPLE, "people.csv", "contacts.people")
    assert staged.preview()["creates"] == 2
    assert workspace.status()["bundles"] == before


def test_an_import_is_one_bundle_that_says_where_it_came_from(workspace: Workspace) -> None:
    before = workspace.status()["bundles"]
    done = import_csv(workspace, PEOPLE, "people.csv", "contacts.people").commit()
    assert workspace.status()["bundles"] == before + 1
    assert len(done.bundles) == 1
    (cause,) = decode_header(last_bundle(workspace).header).causes
    assert (cause.kind, cause.auto) == (CAUSE_IMPORT, False)
    assert cause.detail == ("people.csv", blake3(PEOPLE).digest(), bytes.fromhex(done.id), "csv")
    assert workspace.log_entries(1)[0]["cause"] == "import people.csv"
    ann = workspace.record("contacts.people:Ann")
    assert ann["fields"]["contacts.people.phone"] == "+44 20 7946"


def test_the_same_file_again_changes_nothing(workspace: Workspace) -> None:
    for file, table in ((PEOPLE, "contacts.people"), (CUES, "lighting.cues")):
        import_csv(workspace, file, "x.csv", table).commit()
        before = workspace.status()["bundles"]
        staged = import_csv(workspace, file, "x.csv", table)
        assert staged.preview()["unchanged"] == 2
        assert staged.commit().bundles == ()
        assert workspace.status()["bundles"] == before


def test_a_changed_cell_is_written_alone_and_over_what_was_seen(workspace: Workspace) -> None:
    import_csv(workspace, CUES, "x.csv", "lighting.cues").commit()
    staged = import_csv(workspace, CUES.replace(b"Dawn", b"Dusk"), "x.csv", "lighting.cues")
    with workspace.edit() as edit:
        edit.set("lighting.cues:11", {"label": "Noon"})
    staged.commit()
    (question,) = workspace.conflicts()
    assert sorted(str(value["value"]) for value in question["values"]) == ["Dusk", "Noon"]
    (entry,) = workspace.log_entries(1)
    tables = [str(op["field"] or op["text"]) for op in entry["ops"]]
    assert sum("lighting.cues" in one for one in tables) == 1


def test_a_module_says_what_a_files_columns_mean(workspace: Workspace) -> None:
    import_csv(workspace, CUES, "x.csv", "lighting.cues").commit()
    fields = workspace.record("lighting.cues:11")["fields"]
    assert fields["lighting.cues.is_called"] is True
    assert fields["lighting.cues.line"] == 12
    assert fields["lighting.cues.on"] == "now"


def test_what_is_exported_and_imported_again_changes_nothing(workspace: Workspace) -> None:
    import_csv(workspace, PEOPLE, "people.csv", "contacts.people").commit()
    import_csv(workspace, CUES, "cues.csv", "lighting.cues").commit()
    with workspace.edit() as edit:
        event = edit.add("schedule.events", date="2026-01-12", title="Run", start="19:00")
        edit.add("schedule.breaks", event=event, start="20:00", length="90s")
        edit.add("schedule.limits", name="rest", length="11.5", active=True)
        edit.add("contacts.people", name="'=odd", notes='two\r\nlines, and "more"')
    for table in ("contacts.people", "lighting.cues", "schedule.events", "schedule.breaks", "schedule.limits"):
        for bom in (False, True):
            raw = export_table(workspace, table, bom=bom, marks=True)
            assert raw.startswith(b"\xef\xbb\xbf") == bom
            preview = import_csv(workspace, raw, "again.csv", table).preview()
            assert preview["unchanged"] == workspace.count(table) > 0
            assert (preview["creates"], preview["updates"], preview["gone"], preview["rejected"]) == (0, 0, 0, [])


def test_a_formula_leaves_as_a_text(workspace: Workspace) -> None:
    import_csv(workspace, CUES, "x.csv", "lighting.cues").commit()
    raw = export_table(workspace, "lighting.cues", fields=["number", "label"], where='number == "12"')
    assert raw.decode().splitlines()[1].endswith(",12,'=2+2")


def test_fields_in_conflict_are_marked_on_demand(workspace: Workspace) -> None:
    import_csv(workspace, CUES, "x.csv", "lighting.cues").commit()
    staged = import_csv(workspace, CUES.replace(b"Dawn", b"Dusk"), "x.csv", "lighting.cues")
    with workspace.edit() as edit:
        edit.set("lighting.cues:11", {"label": "Noon"})
    staged.commit()
    sheet = read_csv(export_table(workspace, "lighting.cues", fields=["number"], marks=True))
    assert sheet.header == ("id", "number", "conflicts")
    assert [row[1:] for row in sheet.rows] == [["11", ""], ["12", ""]]
    sheet = read_csv(export_table(workspace, "lighting.cues", fields=["number", "label"], marks=True))
    assert [row[3] for row in sheet.rows] == ["label", ""]


def test_a_saved_query_is_exported_as_people_read_it(workspace: Workspace) -> None:
    workspace.apply_template("stage-management")
    import_csv(workspace, CUES, "x.csv", "lighting.cues").commit()
    with workspace.edit() as edit:
        edit.put("lighting.cues:11", into="sm.cues")
        edit.set("lighting.cues:11", {"sm.cues.dept": "LX", "sm.cues.number": "11"})
    sheet = read_csv(export_query(workspace, "sm.called_cues"))
    assert sheet.header[:5] == ("dept", "number", "scene", "page", "cue_words")
    assert sheet.rows[0][:5] == ["LX", "11", "", "", "now"]


def test_more_than_a_bundle_may_hold_becomes_several_under_one_import(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BUNDLE_VALUES_MAX", 100)
    raw = b"name,email\n" + b"".join(b"Person %d,p%d@example.com\n" % (n, n) for n in range(60))
    staged = import_csv(workspace, raw, "many.csv", "contacts.people")
    assert "3 bundles" in staged.preview()["assumed"][-1]
    done = staged.commit()
    assert len(done.bundles) == 3
    ids = {decode_header(one.header).causes[0].detail[2] for one in list(workspace.bundles())[-3:]}
    assert ids == {bytes.fromhex(done.id)}
    assert workspace.count("contacts.people") == 60


def test_wrong_files_and_places_are_refused_with_a_sentence(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NoSuchFile, match=r"no\.csv"):
        import_file(workspace, tmp_path / "no.csv", "contacts.people")
    with pytest.raises(NoSuchFile):
        import_file(workspace, tmp_path, "contacts.people")
    with pytest.raises(NotCsv, match="no text file"):
        import_csv(workspace, b"PK\x03\x04\0\0\x08\0\x01", "x.xlsx", "contacts.people")
    with pytest.raises(openprod.OpenprodError, match=r"contacts\.people"):
        import_csv(workspace, PEOPLE, "x.csv", "contact.people")
    with pytest.raises(Refused, match="names Performers"):
        import_csv(workspace, PEOPLE, "x.csv", "casting.plays")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_file(tmp_path / "x.csv", b"a\r\n")
    assert (tmp_path / "x.csv").read_bytes() == b"a\r\n"
    assert [one.name for one in tmp_path.iterdir()] == ["x.csv"]
    with pytest.raises(NotWritten):
        write_file(tmp_path / "no" / "x.csv", b"a")


def test_a_file_that_changes_while_it_is_read_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(PEOPLE)
    read = stage.read_file

    def written_meanwhile(raw: bytes, name: str, form: str, choice: Choice) -> object:
        with file.open("ab") as other:
            other.write(b"Cyd,,,\r\n")
        return read(raw, name, form, choice)

    monkeypatch.setattr(stage, "read_file", written_meanwhile)
    with pytest.raises(FileChanged, match="changed while it was read"):
        import_file(workspace, file, "contacts.people")
    assert workspace.overlays() == []


def test_a_large_table_is_read_line_by_line_with_a_bar_that_is_right(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "HELD_BYTES_MAX", 100)
    monkeypatch.setattr(csv_module, "_CHUNK_BYTES", 2_000)
    monkeypatch.setattr(plan_module, "SEEN_WHOLE_MAX", 10)
    rows = "".join(f"Person {n},p{n}@example.com\n" for n in range(300))
    file = tmp_path / "many.csv"
    file.write_text(f"name,email\n{rows}Person 7,again@example.com\n", encoding="utf-8")
    seen: list[tuple[int, int]] = []
    staged = import_file(workspace, file, "contacts.people", progress=lambda done, total: seen.append((done, total)))
    assert staged.preview()["creates"] == 300
    assert staged.preview()["rejected"] == [{"line": 302, "reason": "it is the same record as line 9"}]
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == (2 * file.stat().st_size,) * 2
    assert {total for _, total in seen} == {2 * file.stat().st_size}
    staged.commit()
    (cause,) = decode_header(last_bundle(workspace).header).causes
    assert cause.detail[1] == blake3(file.read_bytes()).digest()


def test_one_endless_line_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_module, "LINE_CHARACTERS_MAX", 1_000)
    with pytest.raises(NotCsv, match="Line 2 of the file is longer"):
        import_csv(workspace, b"name,email\n" + b"x" * 5_000, "line.csv", "contacts.people")


@pytest.mark.parametrize("at", [1, 2])
def test_a_full_disk_leaves_nothing_half_staged(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    raw = b"name,email\n" + b"".join(b"Person %d,p%d@example.com\n" % (n, n) for n in range(60))
    monkeypatch.setattr(staging, "STEP_VALUES", 100)
    staged = import_csv(workspace, raw, "many.csv", "contacts.people")
    calls = 0
    put = Overlays.put

    def full(self: Overlays, overlay: bytes, label: str, records: Mapping[bytes, StagedRecord | None]) -> None:
        nonlocal calls
        calls += 1
        if calls > at:
            raise NoSpace("The disk is full.")
        put(self, overlay, label, records)

    monkeypatch.setattr(Overlays, "put", full)
    with pytest.raises(NoSpace):
        staged.stage()
    assert workspace.overlays() == []
    assert workspace.count("contacts.people") == 0
    monkeypatch.setattr(Overlays, "put", put)
    (overlay,) = import_csv(workspace, raw, "many.csv", "contacts.people").stage()
    assert overlay.count("contacts.people") == 60
    overlay.commit()
    assert workspace.count("contacts.people") == 60
