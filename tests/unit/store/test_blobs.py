"""Files kept by hash: streamed in, kept once, proven when read, and nothing kept where something is wrong."""

from __future__ import annotations

import os
import resource
import secrets
import subprocess
import sys
from io import FileIO
from pathlib import Path

import pytest
from blake3 import blake3

from openprod.store import blobs as module
from openprod.store.blobs import (
    BlobChanged,
    BlobDamaged,
    BlobMissing,
    BlobNotKept,
    BlobNotThatOne,
    BlobNotWritten,
    Blobs,
    BlobUnreadable,
    clean_name,
)

DRAFT = b"%PDF-1.7 the balcony, first thoughts"


@pytest.fixture
def kept(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", secrets.token_bytes, durable=False)


def written(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def test_a_file_stands_under_its_hash_and_comes_back_as_it_was(tmp_path: Path, kept: Blobs) -> None:
    ref = kept.add(written(tmp_path, "scenic draft.pdf", DRAFT))
    digest = blake3(DRAFT).digest()
    assert (ref.hash, ref.name, ref.size, ref.media) == (digest, "scenic draft.pdf", len(DRAFT), "application/pdf")
    assert (tmp_path / "blobs" / digest.hex()[:2] / digest.hex()[2:]).read_bytes() == DRAFT
    assert kept.read(digest) == DRAFT
    assert b"".join(kept.pieces(digest)) == DRAFT


def test_a_file_added_twice_is_kept_once_whatever_it_is_called(tmp_path: Path, kept: Blobs) -> None:
    one, other = (kept.add(written(tmp_path, name, DRAFT)) for name in ("a.pdf", "b.pdf"))
    assert one.hash == other.hash
    assert [found.hash for found in kept.all()] == [one.hash]
    assert len(files_under(kept.folder)) == 1


def test_bytes_that_a_program_made_are_kept_like_a_file(kept: Blobs) -> None:
    ref = kept.add_bytes(b"\x89PNG\r\n\x1a\n...", "plan.png")
    assert (ref.media, kept.read(ref.hash)) == ("image/png", b"\x89PNG\r\n\x1a\n...")


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_kept(
    tmp_path: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "growing.wav", bytes(5000))

    def grows(target: FileIO, piece: bytes) -> None:
        with path.open("ab") as more:
            more.write(b"more")
        target.write(piece)

    monkeypatch.setattr(module, "_write_all", grows)
    with pytest.raises(BlobChanged, match="changed while it was being read"):
        kept.add(path)
    assert files_under(kept.folder) == []


def test_what_is_no_file_is_refused(tmp_path: Path, kept: Blobs) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "not there"):
        with pytest.raises(BlobUnreadable):
            kept.add(path)
    assert files_under(kept.folder) == []


def test_a_full_disk_keeps_nothing(tmp_path: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_target: object, _piece: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write_all", full)
    with pytest.raises(BlobNotKept, match="the disk is full"):
        kept.add(written(tmp_path, "a.pdf", DRAFT))
    assert files_under(kept.folder) == []


def test_a_missing_file_and_a_damaged_one_are_told_apart_and_a_damaged_one_is_never_read(
    tmp_path: Path, kept: Blobs
) -> None:
    ref = kept.add(written(tmp_path, "a.pdf", DRAFT))
    path = kept.path(ref.hash)
    path.chmod(0o600)
    path.write_bytes(b"X" + DRAFT[1:])
    with pytest.raises(BlobDamaged, match=r"a\.pdf is damaged"):
        kept.open(ref.hash, "a.pdf")
    assert kept.size_of(ref.hash) is None
    assert kept.is_aside(ref.hash)
    with pytest.raises(BlobDamaged):
        kept.open(ref.hash)
    with pytest.raises(BlobMissing):
        kept.open(bytes(32))


def test_a_damaged_file_is_mended_by_adding_it_again(tmp_path: Path, kept: Blobs) -> None:
    source = written(tmp_path, "a.pdf", DRAFT)
    ref = kept.add(source)
    kept.path(ref.hash).chmod(0o600)
    kept.path(ref.hash).write_bytes(b"Y" * len(DRAFT))
    assert not kept.is_sound(ref.hash)
    kept.add(source)
    assert kept.is_sound(ref.hash)
    assert not kept.is_aside(ref.hash)


def test_what_others_offer_is_kept_only_if_it_is_that_file(kept: Blobs) -> None:
    digest = blake3(DRAFT).digest()
    with pytest.raises(BlobNotThatOne):
        kept.take(digest, [DRAFT, b"!"])
    assert files_under(kept.folder) == []
    kept.take(digest, [DRAFT[:7], DRAFT[7:]])
    assert kept.read(digest) == DRAFT


def test_a_file_is_written_out_whole_and_replaces_nothing_unasked(tmp_path: Path, kept: Blobs) -> None:
    ref = kept.add(written(tmp_path, "a.pdf", DRAFT))
    there = written(tmp_path, "there.pdf", b"mine")
    with pytest.raises(BlobNotWritten, match="already"):
        kept.copy_to(ref.hash, there)
    assert there.read_bytes() == b"mine"
    kept.copy_to(ref.hash, there, is_replacing=True)
    assert there.read_bytes() == DRAFT
    with pytest.raises(BlobNotWritten):
        kept.copy_to(ref.hash, tmp_path / "no folder" / "a.pdf")


def test_what_a_power_cut_left_unfinished_goes_after_a_day(tmp_path: Path, kept: Blobs) -> None:
    kept.add(written(tmp_path, "a.pdf", DRAFT))
    old, new = (written(kept.folder / module.UNFINISHED, name, b"half") for name in ("old", "new"))
    os.utime(old, (1, 1))
    kept.add(written(tmp_path, "b.pdf", DRAFT + b"2"))
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\jo\\plan.pdf", "plan.pdf"),
        ("a\nb\x1b[31m.txt", "ab[31m.txt"),
        ("", "file"),
        ("Bühnenbild – 4. Fassung.pdf", "Bühnenbild – 4. Fassung.pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_a_name_is_kept_without_folders_and_tricks(given: str, name: str) -> None:
    assert clean_name(given) == name


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """In a process of its own, as the most that this one ever used says nothing."""
    source = tmp_path / "film.mov"
    with source.open("wb") as file:
        # Holes take no room on the disk, and read as zeros.
        file.truncate(300 << 20)
    code = (
        "import resource, secrets, sys; from pathlib import Path; from openprod.store.blobs import Blobs;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "kept = Blobs(Path(sys.argv[2]), secrets.token_bytes, durable=False);"
        "kept.is_sound(kept.add(Path(sys.argv[1])).hash);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    assert resource.RUSAGE_SELF == 0
    ran = subprocess.run(
        [sys.executable, "-c", code, str(source), str(tmp_path / "blobs")], check=True, capture_output=True, text=True
    )
    grown_bytes = int(ran.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown_bytes < 32 << 20
