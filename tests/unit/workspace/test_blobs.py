"""Files attached to records: issues of a draft, what is missing, what nobody names, and that replay loses none."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from openprod.catalog.check import FieldsRefused
from openprod.model.values import BlobRef
from openprod.store.blobs import BlobDamaged, BlobMissing, BlobUnreadable
from openprod.workspace.blobs import NoSuchFolder
from openprod.workspace.issues import AmbiguousFile, NoSuchFile
from openprod.workspace.opening import init_workspace, open_workspace, rebuild_into
from openprod.workspace.workspace import Workspace

DATA = Path("../shared/data")
DRAFT = "workspace.drafts.file"
TAKE = "Take it from a device or a stick that has it: openprod blob take FOLDER"


@pytest.fixture
def ws(tmp_path: Path) -> Generator[Workspace]:
    with init_workspace(tmp_path / "show", name="Hamlet", home=tmp_path / "home", person="Ana", durable=False) as made:
        made.create_table("drafts", {"name": "text", "file": "blob"}, key=["name"])
        with made.edit() as edit:
            edit.add("workspace.drafts", name="Scenic draft")
        yield made


SCENIC = "workspace.drafts:Scenic draft"


def drawn(ws: Workspace, number: int) -> BlobRef:
    """Attaches the next issue of the scenic draft."""
    path = ws.path.parent / f"scenic {number}.pdf"
    path.write_bytes(b"%PDF-1.7 draft " + str(number).encode())
    return ws.attach(SCENIC, "file", path)


def test_the_issues_of_a_draft_are_told_apart_in_its_history(ws: Workspace) -> None:
    refs = [drawn(ws, number) for number in (1, 2, 3, 4)]
    found = ws.issues(SCENIC, "file")
    assert [(one["text"], one["current"], one["actor_name"]) for one in found] == [
        ("scenic 4.pdf, 4th issue", True, "Ana"),
        ("scenic 3.pdf, 3rd issue", False, "Ana"),
        ("scenic 2.pdf, 2nd issue", False, "Ana"),
        ("scenic 1.pdf, 1st issue", False, "Ana"),
    ]
    newest = ws.history(SCENIC, DRAFT)[0]
    assert newest["label"] == "Attach scenic 4.pdf"
    assert newest["ops"][0]["text"] == "Scenic draft's file: scenic 4.pdf (16 bytes), 4th issue"
    with ws.open_blob(refs[0]) as file:
        assert file.read() == b"%PDF-1.7 draft 1"


def test_two_people_who_draw_on_apart_each_make_a_next_issue_and_that_is_a_question(
    ws: Workspace, tmp_path: Path
) -> None:
    drawn(ws, 1)
    with init_workspace(tmp_path / "x", name="X", home=tmp_path / "home-x", person="Ben", durable=False) as stranger:
        assert not stranger.blobs()
    start = ws.edit("Ben's copy")
    drawn(ws, 2)
    with start as edit:
        edit.set(SCENIC, {"file": ws.keep_blob(written(tmp_path / "other.pdf", b"%PDF-other"))})
    assert [one["issue"] for one in ws.issues(SCENIC, "file") if one["current"]] == [2, 2]
    (question,) = ws.conflicts()
    assert "other.pdf (10 bytes)" in question["text"]


def written(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def test_attaching_to_a_field_for_something_else_keeps_nothing(ws: Workspace, tmp_path: Path) -> None:
    path = written(tmp_path / "a.pdf", b"%PDF-")
    with pytest.raises(FieldsRefused):
        ws.attach(SCENIC, "name", path)
    with pytest.raises(BlobUnreadable):
        ws.attach(SCENIC, "file", tmp_path / "not there.pdf")
    assert ws.blobs() == []
    assert ws.record(SCENIC)["fields"].get(DRAFT) is None


def test_a_file_that_failed_leaves_the_rest_of_its_edit_as_it_was(ws: Workspace, tmp_path: Path) -> None:
    ref = drawn(ws, 1)
    with ws.edit() as edit:
        edit.set(SCENIC, {"name": "Scenic draft"})
        with pytest.raises(BlobUnreadable):
            edit.attach(SCENIC, "file", tmp_path / "not there.pdf")
    fields = ws.record(SCENIC)["fields"]
    assert fields[DRAFT] == {
        "hash": ref.hash.hex(),
        "name": "scenic 1.pdf",
        "size": 16,
        "media": "application/pdf",
        "here": True,
    }


def test_a_missing_file_is_shown_as_such_and_changes_nothing_else(ws: Workspace) -> None:
    ref = drawn(ws, 1)
    state = ws.status()["state_hash"]
    ws.desk.blobs.path(ref.hash).unlink()
    shown = ws.record(SCENIC)["fields"][DRAFT]
    assert isinstance(shown, dict)
    assert shown["here"] is False
    assert [one["text"] for one in ws.notices()] == [f"1 file is not on this device: scenic 1.pdf. {TAKE}"]
    with pytest.raises(BlobMissing, match=r"scenic 1\.pdf is not on this device"):
        ws.open_blob(ref)
    findings = ws.verify()
    assert findings.is_sound
    assert findings.notes == [f"The file scenic 1.pdf is not on this device. {TAKE}"]
    ws.rebuild()
    assert ws.status()["state_hash"] == state
    assert ws.record(SCENIC)["fields"][DRAFT] == shown


def test_verify_finds_a_flipped_bit_in_a_file_and_sets_it_aside(ws: Workspace) -> None:
    ref = drawn(ws, 1)
    path = ws.desk.blobs.path(ref.hash)
    path.chmod(0o600)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    findings = ws.verify()
    assert findings.damaged == [f"The file scenic 1.pdf is damaged on this disk. It is set aside. {TAKE}"]
    with pytest.raises(BlobDamaged):
        ws.open_blob(ref)
    assert not ws.verify().is_sound
    drawn(ws, 1)
    assert ws.verify().is_sound


def test_every_file_says_whether_it_is_shown_earlier_staged_or_unused(ws: Workspace, tmp_path: Path) -> None:
    drawn(ws, 1)
    drawn(ws, 2)
    ws.keep_blob(written(tmp_path / "loose.txt", b"nobody wants me"))
    with ws.overlay("what if") as view:
        view.attach(SCENIC, "file", written(tmp_path / "daring.pdf", b"%PDF-daring"))
        found = view.record(SCENIC)["fields"][DRAFT]
        assert isinstance(found, dict)
        assert found["name"] == "daring.pdf"
    states = {one["name"]: one["state"] for one in ws.blobs()}
    assert states == {"scenic 1.pdf": "earlier", "scenic 2.pdf": "shown", "daring.pdf": "staged", "": "unused"}
    shown = next(one for one in ws.blobs() if one["state"] == "shown")
    assert shown["places"] == [{"record": ws.ref(SCENIC), "title": "Scenic draft", "field": DRAFT}]
    with ws.overlay("what if") as view:
        view.discard()
    assert [one["state"] for one in ws.blobs()].count("unused") == 2
    assert len(list(ws.desk.blobs.all())) == 4


def test_files_stay_where_records_were_deleted_and_come_back_with_them(ws: Workspace) -> None:
    ref = drawn(ws, 1)
    record = ws.ref(SCENIC)
    with ws.edit() as edit:
        edit.delete(record)
    assert [one["state"] for one in ws.blobs()] == ["earlier"]
    with ws.edit() as edit:
        edit.restore(record)
    assert [one["state"] for one in ws.blobs()] == ["shown"]
    assert ws.desk.blobs.is_sound(ref.hash)


def test_a_file_is_found_by_a_beginning_of_its_hash(ws: Workspace) -> None:
    ref = drawn(ws, 1)
    assert ws.blob(ref.hash.hex()[:8]) == ref
    for wrong in ("ffffffff", "xyz", ref.hash.hex()[:2]):
        with pytest.raises(NoSuchFile):
            ws.blob(wrong)


def test_a_beginning_that_several_files_share_is_refused(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = {bytes([7] * 31 + [last]): BlobRef(bytes([7] * 31 + [last]), "x", 1, "") for last in (1, 2)}

    def both(desk: object) -> dict[bytes, BlobRef]:
        del desk
        return alike

    monkeypatch.setattr("openprod.workspace.blobs.names", both)
    with pytest.raises(AmbiguousFile):
        ws.blob("0707070707")


def test_a_production_made_again_from_a_damaged_one_has_its_files(ws: Workspace, tmp_path: Path) -> None:
    good, bad = drawn(ws, 1), drawn(ws, 2)
    path = ws.desk.blobs.path(bad.hash)
    path.chmod(0o600)
    path.write_bytes(b"?" * bad.size)
    ws.close()
    made, _ = rebuild_into(tmp_path / "show", tmp_path / "again", home=tmp_path / "home", durable=False)
    with made:
        assert made.desk.blobs.is_sound(good.hash)
        assert [one.name for one in made.blobs_lacking()] == ["scenic 2.pdf"]
    assert path.read_bytes() == b"?" * bad.size
    with open_workspace(tmp_path / "show", home=tmp_path / "home", durable=False) as again:
        assert [one["issue"] for one in again.issues(SCENIC, "file")] == [2, 1]


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")
def test_scenes_and_fixtures_of_lighting_are_attached_and_come_back_byte_by_byte(ws: Workspace, tmp_path: Path) -> None:
    sources = sorted((DATA / "mvr-gdtf").iterdir())
    with ws.edit("Lighting's files") as edit:
        for path in sources:
            record = edit.add("workspace.drafts", name=path.stem)
            edit.attach(record, "file", path)
    kinds = {one["media"] for one in ws.blobs()}
    assert kinds == {"application/x-mvr", "application/x-gdtf"}
    for path in sources:
        ref = ws.blob(next(one["hash"] for one in ws.blobs() if one["name"] == path.name))
        ws.export_blob(ref, tmp_path / path.name)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert ws.verify().is_sound


def test_what_a_device_lacks_it_takes_from_a_stick_and_believes_no_byte_of_it(ws: Workspace, tmp_path: Path) -> None:
    refs = [drawn(ws, 1), drawn(ws, 2)]
    stick = tmp_path / "stick"
    stick.mkdir()
    assert (ws.give_blobs(stick), ws.give_blobs(stick)) == (2, 0)
    for ref in refs:
        ws.desk.blobs.path(ref.hash).unlink()
    damaged = next(stick.rglob(refs[1].hash.hex()[2:]))
    damaged.chmod(0o600)
    damaged.write_bytes(b"?" * refs[1].size)
    assert [one.name for one in ws.blobs_lacking()] == ["scenic 1.pdf", "scenic 2.pdf"]
    assert ws.take_blobs(stick) == 1
    assert [one.name for one in ws.blobs_lacking()] == ["scenic 2.pdf"]
    assert [one.name for one in ws.blobs_held()] == ["scenic 1.pdf"]
    with pytest.raises(NoSuchFolder):
        ws.take_blobs(tmp_path / "no stick")
