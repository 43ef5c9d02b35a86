"""Packages on disk: found by shipped name or folder, read whole, and no more than a module may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.model.errors import Refused
from openprod.store import packages
from openprod.store.packages import NoSuchPackage, PackageTooLarge


def folder(at: Path, **files: str) -> Path:
    at.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = at / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return at


def test_shipped_modules_are_found_by_name() -> None:
    names = packages.shipped_names("modules", "module.toml")
    assert {"contacts", "lighting", "schedule"} <= set(names)
    found = packages.find("modules", "lighting", "module.toml")
    assert found.text("module.toml").startswith("[module]") or "[module]" in found.text("module.toml")
    assert packages.shipped_names("no such kind", "x") == []


def test_a_folder_wins_over_a_name_and_an_unknown_one_is_told_what_there_is(tmp_path: Path) -> None:
    own = folder(tmp_path / "lighting", module__toml="mine")
    assert packages.find("modules", str(own), "module.toml").text("module.toml") == "mine"
    for reference in ("nothing", "", ".", "..", str(tmp_path)):
        with pytest.raises(NoSuchPackage, match="lighting"):
            packages.find("modules", reference, "module.toml")


def test_the_hash_covers_names_and_contents(tmp_path: Path) -> None:
    one = packages.read(folder(tmp_path / "a", module__toml="x", other="y"))
    same = packages.read(folder(tmp_path / "b", module__toml="x", other="y"))
    renamed = packages.read(folder(tmp_path / "c", module__toml="x", othe="ry"))
    assert one.hash == same.hash != renamed.hash


def test_hidden_files_and_links_are_left_out(tmp_path: Path) -> None:
    at = folder(tmp_path / "a", module__toml="x")
    folder(at / ".git", config="secret")
    folder(at / "__pycache__", code="x")
    (tmp_path / "outside.txt").write_text("secret", encoding="utf-8")
    (at / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert list(packages.read(at).files) == ["module.toml"]


def test_more_than_a_module_may_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = folder(tmp_path / "a", one="12345", two="12345")
    monkeypatch.setattr(packages, "PACKAGE_BYTES_MAX", 9)
    with pytest.raises(PackageTooLarge):
        packages.read(at)
    monkeypatch.setattr(packages, "PACKAGE_BYTES_MAX", 100)
    monkeypatch.setattr(packages, "FILES_MAX", 1)
    with pytest.raises(PackageTooLarge):
        packages.read(at)


def test_a_missing_file_or_one_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    at = folder(tmp_path / "a", module__toml="\ufeffx")
    (at / "raw").write_bytes(b"\xff\xfe\x00")
    found = packages.read(at)
    assert found.text("module.toml") == "x"
    with pytest.raises(Refused, match="is missing"):
        found.text("queries/x.toml")
    with pytest.raises(Refused, match="not text in UTF-8"):
        found.text("raw")


def test_a_pack_has_the_bytes_of_its_format_and_reads_back(tmp_path: Path) -> None:
    package = packages.read(folder(tmp_path / "a", module__toml="x", other="yz"))
    raw = package.pack()
    assert raw.hex() == ("6f70656e70726f64206d6f64756c6520310a9292ab6d6f64756c652e746f6d6cc4017892a56f74686572c402797a")
    assert package.hash == packages.read_pack(raw, tmp_path / "a.opmod").hash
    assert packages.read_pack(raw, tmp_path / "a.opmod").files == package.files


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"openprod module 1\n",
        b"openprod module 1\n\x90",
        b"openprod module 1\n\x91\x92\xa3../\xc4\x00",
        b"openprod module 1\n\x91\x92\xa2.a\xc4\x00",
        b"openprod module 1\n\x91\x92\xa3a/b\xc5\x00\x00",
        b"openprod module 1\n\x92\x92\xa1b\xc4\x00\x92\xa1a\xc4\x00",
        b"openprod module 1\n\x92\x92\xa1a\xc4\x00\x92\xa1a\xc4\x00",
        b"openprod module 1\n\x91\x92\xa1a\xc4\x00\x00",
        b"openprod module 2\n\x91\x92\xa1a\xc4\x00",
    ],
)
def test_what_is_no_pack_is_refused(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(packages.NotAPack):
        packages.read_pack(raw, tmp_path / "a.opmod")


def test_an_installation_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "modules"
    packages.install(installed, "a", packages.read(folder(tmp_path / "a", module__toml="old")), bytes)
    other = packages.read(folder(tmp_path / "b", module__toml="new"))

    def full(_: Path, __: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Refused, match="No space left"):
        packages.install(installed, "a", other, bytes)
    assert (installed / "a" / "module.toml").read_text(encoding="utf-8") == "old"
    assert [one.name for one in installed.iterdir()] == ["a"]
