from __future__ import annotations

import os
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from tests.unit.peers.desk import KEY, WORKSPACE, Desk, chance, device

from openprod.identity.invite import admission_for, invite_public, new_invitation
from openprod.identity.keys import SigningSeed, sign, workspace_key_id
from openprod.identity.opx import (
    BOXES_MAX,
    CHANCE_BYTES,
    FRAME_BYTES,
    RECORD_BYTES_MAX,
    DamagedOpx,
    ForgedOpx,
    MalformedOpx,
    NewerOpx,
    NotInvitedOpx,
    NotOpx,
    OpxFault,
    OtherWorkspaceOpx,
    Sealer,
    StrangerOpx,
    TruncatedOpx,
    device_name,
    encode_statement,
    sign_record,
    statement_message,
    waiting_hash,
)
from openprod.model.bundle import Sealed, encode_sealed
from openprod.model.ids import SIGN_OPX, ActorId, LogId, WorkspaceId
from openprod.peers import opx


def crafted(path: Path, writer: Desk, records: list[bytes], *, statement: bytes | None = None) -> Path:
    """Writes a file as a hostile member could: well sealed, with any records in it."""
    sealer = Sealer(KEY, 0, workspace_key_id(WORKSPACE, KEY), (), chance(CHANCE_BYTES))
    if statement is None:
        said = encode_statement(writer.log_id, writer.frontier(), waiting_hash(()))
        statement = sign_record(said, writer.sign_with_log(SIGN_OPX, statement_message(sealer.header, said)))
    body = b"".join(sealer.records([statement, *records]))
    path.write_bytes(sealer.header + body + sealer.finish())
    return path


def refused(desk: Desk, path: Path, fault: type[Exception], match: str | None = None) -> str:
    """Checks that nothing was handed to the workspace and returns the sentence."""
    before, raw = dict(desk.held), path.read_bytes()
    for attempt in (opx.read, opx.sync_file):
        with pytest.raises(fault, match=match) as caught:
            attempt(desk, path)
    assert desk.held == before
    assert desk.ingests == 0
    assert path.read_bytes() == raw, "what could not be read is not replaced"
    sentence = str(caught.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.fixture
def written(tmp_path: Path) -> tuple[Desk, Path]:
    """A file of several frames."""
    desk = device("creator", bundles=3)
    desk.write("long", FRAME_BYTES * 2)
    opx.write(desk, tmp_path / "show.opx", chance=chance)
    return desk, tmp_path / "show.opx"


# Carrying work


def test_what_one_device_wrote_another_reads(written: tuple[Desk, Path]) -> None:
    desk, path = written
    other = device("tablet")
    found = opx.read(other, path)
    assert found.bundles == 4
    assert found.taken == 4
    assert set(desk.held) < set(other.held)


def test_one_stick_among_three_devices_in_any_order_brings_all_together(tmp_path: Path) -> None:
    for at, order in enumerate(permutations(("creator", "tablet", "booth"))):
        devices = {name: device(name, bundles=2) for name in order}
        for name in (*order, *order):
            opx.sync_file(devices[name], tmp_path / f"{at}.opx")
        held = [set(one.held) for one in devices.values()]
        assert held[0] == held[1] == held[2]
        assert len(held[0]) == 6


def test_a_file_that_already_holds_all_is_left_alone(tmp_path: Path) -> None:
    desk, path = device("creator"), tmp_path / "show.opx"
    assert opx.sync_file(desk, path).written == path
    before = path.stat().st_mtime_ns, path.read_bytes()
    other = device("creator", bundles=0)
    for _ in range(2):
        assert opx.sync_file(desk, path).written is None
        assert opx.sync_file(other, path).written is None
    assert before == (path.stat().st_mtime_ns, path.read_bytes())
    desk.write("one more")
    assert opx.sync_file(desk, path).written == path


def test_bundles_that_wait_here_travel_on(tmp_path: Path) -> None:
    writer, relay, reader = device("creator", bundles=3), device("relay"), device("creator", bundles=0)
    last = list(writer.held.values())[-1]
    relay.apply(last)
    assert list(relay.waiting.values()) == [last]
    path = tmp_path / "show.opx"
    opx.sync_file(relay, path)
    assert opx.sync_file(relay, path).written is None
    assert opx.read(reader, path).taken == 2
    assert list(reader.waiting.values()) == [last]


def test_reading_twice_changes_nothing(written: tuple[Desk, Path]) -> None:
    other = device("tablet")
    opx.read(other, written[1])
    held = dict(other.held)
    assert opx.read(other, written[1]).taken == 0
    assert other.held == held


def test_both_branches_of_a_cloned_log_travel(tmp_path: Path) -> None:
    first, second, reader = device("creator"), device("creator"), device("tablet")
    first.write("on the laptop")
    second.write("on its clone")
    path = tmp_path / "show.opx"
    for desk in (first, second, reader, first):
        opx.sync_file(desk, path)
    assert set(first.held) <= set(second.held | reader.held)
    assert len([one for one in reader.frontier() if one.log == first.log_id]) == 2


def test_the_largest_bundle_crosses_frames_and_comes_back(tmp_path: Path) -> None:
    desk, reader = device("creator"), device("tablet")
    for size in (FRAME_BYTES - 400, FRAME_BYTES - 17, FRAME_BYTES, 900_000):
        desk.write("", size)
    opx.write(desk, tmp_path / "show.opx")
    opx.read(reader, tmp_path / "show.opx")
    assert set(desk.held) < set(reader.held)


def test_nothing_stands_in_clear(written: tuple[Desk, Path]) -> None:
    desk, path = written
    raw = path.read_bytes()
    for secret in (KEY, WORKSPACE, desk.log_id, b"creator", b"lighting", b"xxxxxxxx"):
        assert secret not in raw


def test_two_files_of_the_same_share_no_salt_and_no_frame(tmp_path: Path) -> None:
    desk = device("creator")
    opx.write(desk, tmp_path / "one.opx")
    opx.write(desk, tmp_path / "two.opx")
    one, two = (tmp_path / "one.opx").read_bytes(), (tmp_path / "two.opx").read_bytes()
    assert one[:45] == two[:45], "magic, suite, key id, epoch"
    assert one[45:77] != two[45:77]
    assert one[-100:] != two[-100:]


def test_a_device_that_wrote_nothing_yet_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(opx.NothingWritten, match="Make one change"):
        opx.write(device("tablet", bundles=0), tmp_path / "show.opx")
    assert not list(tmp_path.iterdir())


# Files that are not what they should be


def test_a_file_cut_anywhere_is_refused_whole(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = written[1].read_bytes()
    cuts = {1, 8, 9, 40, 109, 110, 133, 134, 151, FRAME_BYTES + 134, 2 * FRAME_BYTES + 134, len(raw) - 1}
    for cut in sorted(cuts | set(range(0, len(raw), 9_973)) - {0}):
        path = tmp_path / "cut.opx"
        path.write_bytes(raw[:cut])
        refused(device("tablet"), path, TruncatedOpx, "cut short")


def test_a_flipped_bit_anywhere_is_refused_whole(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = written[1].read_bytes()
    for at in sorted({*range(0, 160, 3), *range(160, len(raw), 4_999), len(raw) - 1}):
        path = tmp_path / "flipped.opx"
        path.write_bytes(raw[:at] + bytes((raw[at] ^ 0x10,)) + raw[at + 1 :])
        refused(device("tablet"), path, OpxFault)


def test_damage_in_the_middle_says_where(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = bytearray(written[1].read_bytes())
    raw[FRAME_BYTES + 5_000] ^= 1
    (tmp_path / "bent.opx").write_bytes(raw)
    assert "near byte" in refused(device("tablet"), tmp_path / "bent.opx", DamagedOpx)


def test_frames_in_another_order_twice_or_left_out_are_refused(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = written[1].read_bytes()
    head, frames = raw[:134], [raw[at : at + FRAME_BYTES] for at in range(134, len(raw), FRAME_BYTES)]
    first, second, last = frames
    for mixed in ([second, first, last], [first, first, second, last], [first, last], [second, last], [last]):
        (tmp_path / "mixed.opx").write_bytes(head + b"".join(mixed))
        refused(device("tablet"), tmp_path / "mixed.opx", OpxFault)


def test_bytes_behind_the_end_are_refused(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = written[1].read_bytes()
    for more in (b"x", bytes(FRAME_BYTES), raw):
        (tmp_path / "more.opx").write_bytes(raw + more)
        refused(device("tablet"), tmp_path / "more.opx", OpxFault)


def test_an_end_that_was_not_the_last_frame_is_refused(tmp_path: Path) -> None:
    desk = device("creator")
    opx.write(desk, tmp_path / "short.opx", chance=chance)
    raw = (tmp_path / "short.opx").read_bytes()
    full = raw[:134] + raw[134:].ljust(FRAME_BYTES, b"\0") + raw[134:]
    (tmp_path / "twice.opx").write_bytes(full)
    refused(device("tablet"), tmp_path / "twice.opx", OpxFault)


def test_a_file_of_another_production_is_refused(tmp_path: Path) -> None:
    stranger = device("tablet")
    stranger.key = b"another key".ljust(32)
    opx.write(device("creator"), tmp_path / "show.opx")
    assert "another production" in refused(stranger, tmp_path / "show.opx", OtherWorkspaceOpx)


@pytest.mark.parametrize("raw", [b"%PDF-1.7 ...", b"PK\x03\x04", b"\0" * 5_000, b"x"])
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "contract.pdf"
    path.write_bytes(raw)
    refused(device("tablet"), path, NotOpx, "no .opx file")
    with pytest.raises(NotOpx):
        opx.write(device("creator"), path)
    assert path.read_bytes() == raw


def test_a_newer_file_asks_for_an_update(written: tuple[Desk, Path], tmp_path: Path) -> None:
    raw = written[1].read_bytes()
    (tmp_path / "newer.opx").write_bytes(raw[:8] + b"\x02" + raw[9:])
    refused(device("tablet"), tmp_path / "newer.opx", NewerOpx, "Update this device")


def test_a_folder_a_pipe_or_nothing_at_all_gets_a_sentence(tmp_path: Path) -> None:
    desk = device("tablet")
    with pytest.raises(opx.CannotRead, match="no file"):
        opx.sync_file(desk, tmp_path)
    os.mkfifo(tmp_path / "pipe.opx")
    with pytest.raises(opx.CannotRead, match="no file"):
        opx.sync_file(desk, tmp_path / "pipe.opx")
    with pytest.raises(opx.NoFile, match="stick"):
        opx.read(desk, tmp_path / "nothing.opx")
    with pytest.raises(opx.NoFile):
        opx.sync_folder(desk, tmp_path / "nowhere")
    with pytest.raises(opx.CannotWrite, match="cannot be written"):
        opx.write(desk, tmp_path / "nowhere" / "show.opx")


# What a hostile member could seal


def test_huge_counts_and_lengths_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    writer = device("creator")
    good = encode_sealed(next(iter(writer.held.values())))
    path = crafted(tmp_path / "many.opx", writer, [b"\x93\xc4\x00\xc4\x00\xdd\xff\xff\xff\xff"])
    refused(device("tablet"), path, MalformedOpx, "too many parts")
    for junk in (b"", b"\x93", b"\x93\xc6\xff\xff\xff\xff", b"\xc0", b"\x93\xc4\x00\xc4\x00\x91\xc4\x00", good[:-1]):
        refused(device("tablet"), crafted(tmp_path / "junk.opx", writer, [junk]), MalformedOpx)

    sealer = Sealer(KEY, 0, workspace_key_id(WORKSPACE, KEY), (), chance(CHANCE_BYTES))
    sealer._plain += (RECORD_BYTES_MAX + 1).to_bytes(4, "big") + b"xx"  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
    (tmp_path / "long.opx").write_bytes(sealer.header + sealer.finish())
    refused(device("tablet"), tmp_path / "long.opx", MalformedOpx, "more than any may have")


def test_a_file_that_ends_inside_a_record_or_before_any_is_refused(tmp_path: Path) -> None:
    writer = device("creator")
    for plain in (b"", b"\0\0\0", b"\0\0\0\x09abc"):
        sealer = Sealer(KEY, 0, workspace_key_id(WORKSPACE, KEY), (), chance(CHANCE_BYTES))
        sealer._plain += plain  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
        (tmp_path / "ends.opx").write_bytes(sealer.header + sealer.finish())
        refused(device("tablet"), tmp_path / "ends.opx", MalformedOpx)
    refused(device("tablet"), crafted(tmp_path / "none.opx", writer, [], statement=b""), MalformedOpx)


def test_a_statement_by_somebody_else_is_a_forgery(tmp_path: Path) -> None:
    writer, liar = device("creator"), device("liar")
    records = [encode_sealed(one) for one in writer.held.values()]
    said = encode_statement(writer.log_id, writer.frontier(), waiting_hash(()))
    for message in (said, b""):
        forged = sign_record(said, sign(liar.seed, SIGN_OPX, message))
        refused(
            device("tablet"), crafted(tmp_path / "f.opx", writer, records, statement=forged), ForgedOpx, "statement"
        )


def test_a_statement_moved_into_another_file_is_a_forgery(tmp_path: Path) -> None:
    writer = device("creator")
    records = [encode_sealed(one) for one in writer.held.values()]
    other = Sealer(KEY, 0, workspace_key_id(WORKSPACE, KEY), (), bytes(CHANCE_BYTES))
    said = encode_statement(writer.log_id, writer.frontier(), waiting_hash(()))
    moved = sign_record(said, writer.sign_with_log(SIGN_OPX, statement_message(other.header, said)))
    refused(device("tablet"), crafted(tmp_path / "moved.opx", writer, records, statement=moved), ForgedOpx)


def tampered(change: Callable[[Sealed], Sealed], at: int) -> tuple[Desk, list[bytes]]:
    writer = device("creator", bundles=4)
    records = list(writer.held.values())
    records[at] = change(records[at])
    return writer, [encode_sealed(one) for one in records]


def test_a_changed_value_or_signature_is_a_forgery_wherever_it_stands(tmp_path: Path) -> None:
    def other_value(one: Sealed) -> Sealed:
        return msgspec.structs.replace(one, chunks=(one.chunks[0].replace(b"creator", b"CREATOR"),))

    def other_label(one: Sealed) -> Sealed:
        return msgspec.structs.replace(one, header=one.header.replace(b"\xa0", b"\xa1x", 1))

    def no_signature(one: Sealed) -> Sealed:
        return msgspec.structs.replace(one, signature=bytes(64))

    for change, places in ((other_value, range(4)), (other_label, range(4)), (no_signature, [3])):
        for at in places:
            writer, records = tampered(change, at)
            path = crafted(tmp_path / "forged.opx", writer, records)
            refused(device("tablet"), path, OpxFault)
    writer, records = tampered(no_signature, 1)
    opx.read(device("tablet"), crafted(tmp_path / "chained.opx", writer, records))


def test_no_log_vouches_for_a_bundle_of_another(tmp_path: Path) -> None:
    writer, liar = device("creator"), device("liar")
    forged = msgspec.structs.replace(writer.make("never written"), signature=bytes(64))
    paper = device("creator")
    paper.apply(forged)
    vouched = liar.make("vouches", before=paper.last())
    records = [*writer.held.values(), *liar.held.values(), forged, vouched]
    path = crafted(tmp_path / "vouched.opx", writer, [encode_sealed(one) for one in records])
    refused(device("tablet"), path, ForgedOpx, "A change")


def test_a_bundle_of_another_production_in_our_file_is_refused(tmp_path: Path) -> None:
    elsewhere = Desk(SigningSeed(bytes(32)), workspace_id=WorkspaceId(b"e" * 32))
    strange = encode_sealed(elsewhere.make("strange"))
    writer = device("creator")
    path = crafted(tmp_path / "mixed.opx", writer, [*(encode_sealed(one) for one in writer.held.values()), strange])
    refused(device("tablet"), path, MalformedOpx, "another production")


def test_a_stranger_with_the_key_is_refused(tmp_path: Path) -> None:
    stranger = device("stranger")
    records = [encode_sealed(one) for one in device("creator").held.values()]
    path = crafted(tmp_path / "stranger.opx", stranger, records)
    assert "must join first" in refused(device("tablet"), path, StrangerOpx)
    known = device("tablet")
    for sealed in stranger.held.values():
        known.apply(sealed)
    assert opx.read(known, path).bundles == 1


def test_a_stranger_whose_opening_does_not_prove_stays_a_stranger(tmp_path: Path) -> None:
    stranger = device("stranger", bundles=0)
    stranger.admission = admission_for(
        new_invitation(WORKSPACE, b"i" * 32, ""), ActorId(b"somebody else".ljust(32)), stranger.log_id
    )
    path = crafted(tmp_path / "stranger.opx", stranger, [encode_sealed(stranger.make("let me in"))])
    refused(device("tablet"), path, StrangerOpx)


# Writing


def test_a_failed_write_leaves_the_file_before_it(written: tuple[Desk, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    desk, path = written
    before = path.read_bytes()

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(opx.os, "fsync", no_space)
    with pytest.raises(opx.CannotWrite, match="No space left"):
        opx.write(desk, path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_error_of_the_workspace_while_writing_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Desk):
        def bundles(self, since: object = None) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
            if since is None:
                raise RuntimeError("the database is damaged")
            return iter(())

    desk = Broken(SigningSeed(b"creator".ljust(32)))
    desk.write("one")
    with pytest.raises(RuntimeError):
        opx.write(desk, tmp_path / "show.opx")  # pyright: ignore[reportArgumentType]
    assert not list(tmp_path.iterdir())


# Folders


def test_a_shared_folder_brings_devices_together_with_one_file_each(tmp_path: Path) -> None:
    devices = [device(name, bundles=2) for name in ("creator", "tablet", "booth")]
    for desk in (*devices, *devices):
        opx.sync_folder(desk, tmp_path)
    assert len({frozenset(one.held) for one in devices}) == 1
    assert {one.name for one in tmp_path.iterdir()} == {device_name(WORKSPACE, one.log_id) for one in devices}
    before = {one.name: one.stat().st_mtime_ns for one in tmp_path.iterdir()}
    devices[0].write("more")
    report = opx.sync_folder(devices[0], tmp_path)
    assert report.written == tmp_path / device_name(WORKSPACE, devices[0].log_id)
    after = {one.name: one.stat().st_mtime_ns for one in tmp_path.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {device_name(WORKSPACE, devices[0].log_id)}


def test_a_folder_at_rest_is_neither_read_nor_written_again(tmp_path: Path) -> None:
    first, second = device("creator"), device("tablet")
    for desk in (first, second, first, second):
        opx.sync_folder(desk, tmp_path)
    ingests = first.ingests, second.ingests
    for desk in (first, second):
        report = opx.sync_folder(desk, tmp_path)
        assert report.written is None
        assert ["holds nothing new" in one.skipped for one in report.files] == [True]
    assert (first.ingests, second.ingests) == ingests


def test_what_a_sharing_service_leaves_lying_about_is_passed_over_with_a_sentence(tmp_path: Path) -> None:
    creator, tablet = device("creator"), device("tablet", bundles=3)
    opx.sync_folder(tablet, tmp_path)
    whole = (tmp_path / device_name(WORKSPACE, tablet.log_id)).read_bytes()
    other = device("other")
    other.key = b"another".ljust(32)
    opx.write(other, tmp_path / "another production.opx")
    (tmp_path / "half copied.opx").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "zeros.opx").write_bytes(bytes(5_000))
    (tmp_path / "empty.opx").write_bytes(b"")
    (tmp_path / "copy of one.OPX").write_bytes(whole)
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / ".hidden.opx").write_bytes(whole)
    (tmp_path / "folder.opx").mkdir()
    (tmp_path / "link.opx").symlink_to(tmp_path / "zeros.opx")
    report = opx.sync_folder(creator, tmp_path)
    assert set(tablet.held) < set(creator.held)
    said = {one.name: one.skipped for one in report.files}
    assert len(said) == 6
    assert "another production" in said["another production.opx"]
    assert "cut short" in said["half copied.opx"]
    assert "no .opx file" in said["zeros.opx"]
    assert "no .opx file" in said["empty.opx"]
    copies = [said["copy of one.OPX"], said[device_name(WORKSPACE, tablet.log_id)]]
    assert sorted(copies) == ["", copies[0] or copies[1]]
    assert (tmp_path / "notes.txt").read_text() == "not ours"


def test_our_own_file_cut_short_by_a_service_is_written_again(tmp_path: Path) -> None:
    desk = device("creator", bundles=3)
    own = opx.sync_folder(desk, tmp_path).written
    assert own is not None
    raw = own.read_bytes()
    for bent in (raw[:-1], raw[:50], bytes(len(raw)), b""):
        own.write_bytes(bent)
        assert opx.sync_folder(desk, tmp_path).written == own
        assert opx.read(device("tablet"), own).bundles == 3
    assert opx.sync_folder(desk, tmp_path).written is None


def test_a_conflict_copy_that_holds_a_clones_branch_is_read(tmp_path: Path) -> None:
    laptop, clone, tablet = device("creator"), device("creator"), device("tablet")
    laptop.write("on the laptop")
    clone.write("on its clone")
    own = opx.sync_folder(laptop, tmp_path).written
    assert own is not None
    own.rename(tmp_path / f"{own.stem} (conflicted copy).opx")
    opx.write(clone, own)
    opx.sync_folder(tablet, tmp_path)
    assert set(laptop.held) | set(clone.held) < set(tablet.held)


# Joining


def test_an_invitation_and_a_file_are_enough_to_join(tmp_path: Path) -> None:
    desk = device("creator", bundles=3)
    invitations = [new_invitation(WORKSPACE, bytes((at,)) * 32, "Richard III") for at in range(3)]
    desk.invitations = [invite_public(one) for one in invitations]
    opx.write(desk, tmp_path / "show.opx")
    for invitation in invitations:
        found = opx.bootstrap(tmp_path / "show.opx", invitation)
        assert (found.workspace, found.epoch, found.key, found.count) == (WORKSPACE, 0, KEY, 3)
        assert list(found.bundles()) == list(desk.held.values())
        assert KEY.hex() not in repr(found)
        assert "kkkk" not in repr(found)
    joiner = device("joiner", bundles=0)
    joiner.admission = admission_for(invitations[0], ActorId(joiner.actor.public), LogId(joiner.log_id))
    joiner.ingest(opx.bootstrap(tmp_path, invitations[0]).bundles())
    joiner.write("hello")
    opx.sync_file(joiner, tmp_path / "show.opx")
    opx.sync_file(desk, tmp_path / "show.opx")
    assert set(joiner.held) == set(desk.held)


def test_an_invitation_that_was_not_open_opens_nothing(tmp_path: Path) -> None:
    desk = device("creator")
    desk.invitations = [new_invitation(WORKSPACE, b"a" * 32, "").public]
    opx.write(desk, tmp_path / "show.opx")
    for seed in (b"b", b"c"):
        late = new_invitation(WORKSPACE, seed * 32, "")
        with pytest.raises(NotInvitedOpx, match="Ask for a file"):
            opx.bootstrap(tmp_path / "show.opx", late)
    elsewhere = new_invitation(WorkspaceId(b"e" * 32), b"a" * 32, "")
    with pytest.raises(MalformedOpx):
        opx.bootstrap(tmp_path / "show.opx", elsewhere)


def test_only_the_newest_invitations_are_served_and_bad_keys_never(tmp_path: Path) -> None:
    desk = device("creator")
    invitations = [new_invitation(WORKSPACE, bytes((at,)) * 32, "") for at in range(BOXES_MAX + 2)]
    desk.invitations = [b"\x01" + bytes(31), *(invite_public(one) for one in invitations)]
    opx.write(desk, tmp_path / "show.opx")
    assert opx.bootstrap(tmp_path / "show.opx", invitations[BOXES_MAX - 1]).key == KEY
    with pytest.raises(NotInvitedOpx):
        opx.bootstrap(tmp_path / "show.opx", invitations[BOXES_MAX])


def test_joining_refuses_damaged_files_and_files_without_a_beginning(tmp_path: Path) -> None:
    invitation = new_invitation(WORKSPACE, b"i" * 32, "")
    tablet, creator = device("tablet"), device("creator")
    for desk in (tablet, creator):
        desk.invitations = [invitation.public]
    path = tmp_path / "show.opx"
    opx.write(tablet, path)
    with pytest.raises(MalformedOpx, match="beginning of the production"):
        opx.bootstrap(path, invitation)
    opx.write(creator, path)
    raw = path.read_bytes()
    path.write_bytes(raw[:-1])
    with pytest.raises(TruncatedOpx):
        opx.bootstrap(path, invitation)
    with pytest.raises(TruncatedOpx):
        opx.bootstrap(tmp_path, invitation)
    with pytest.raises(opx.NoFile):
        opx.bootstrap(tmp_path / "nowhere", invitation)


def test_a_file_replaced_between_proof_and_reading_is_noticed(tmp_path: Path) -> None:
    invitation = new_invitation(WORKSPACE, b"i" * 32, "")
    desk = device("creator")
    desk.invitations = [invitation.public]
    opx.write(desk, tmp_path / "show.opx")
    found = opx.bootstrap(tmp_path / "show.opx", invitation)
    opx.write(desk, tmp_path / "show.opx")
    with pytest.raises(MalformedOpx, match="replaced"):
        list(found.bundles())
