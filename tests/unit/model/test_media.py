"""What kind of file it is, told by its bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from openprod.model.media import HEAD_BYTES, TAIL_BYTES, media_type

OFFICE = "application/vnd.openxmlformats-officedocument"
DATA = Path("../shared/data")


def sniffed(raw: bytes, name: str = "") -> str:
    return media_type(raw[:HEAD_BYTES], raw[-TAIL_BYTES:], name)


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, "x" * 5000)
    return made.getvalue()


@pytest.mark.parametrize(
    ("raw", "name", "kind"),
    [
        (b"%PDF-1.4\n", "x.txt", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "", "image/jpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "", "audio/wav"),
        (b"\0\0\0\x18ftypisom", "", "video/mp4"),
        (b"\0\0\0\x18ftypheic", "", "image/heic"),
        (b"AC1032", "", "image/vnd.dwg"),
        (b"a,b\n1,2\n", "cues.csv", "text/csv"),
        (b"a,b\n1,2\n", "cues.pdf", "text/plain"),
        ("Ophelia: Gülden Öz".encode(), "notes", "text/plain"),
        (b"<html><script>", "photo.jpg", "text/html"),
        (b'<?xml version="1.0"?>\n<svg/>', "", "image/svg+xml"),
        (b"\x00\x01\x02", "x.csv", "application/octet-stream"),
        (b"", "x.pdf", "text/plain"),
        (("é" * 3000).encode()[: HEAD_BYTES - 1], "", "text/plain"),
        (zipped("GeneralSceneDescription.xml", "a.gdtf"), "x.zip", "application/x-mvr"),
        (zipped("description.xml", "thumbnail.png"), "", "application/x-gdtf"),
        (zipped("[Content_Types].xml", "word/document.xml"), "", f"{OFFICE}.wordprocessingml.document"),
        (zipped("a.txt"), "", "application/zip"),
    ],
)  # fmt: skip
def test_the_bytes_say_what_a_file_is_and_the_name_only_which_kind_of_text(raw: bytes, name: str, kind: str) -> None:
    assert sniffed(raw, name) == kind


def test_an_open_document_says_itself_what_it_is() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        file.writestr("content.xml", "<x/>")
    assert sniffed(made.getvalue()) == "application/vnd.oasis.opendocument.text"


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("basic_fixture.mvr", "application/x-mvr"),
        ("capture_demo_show.mvr", "application/x-mvr"),
        ("BlenderDMX_LED_PAR_64_RGBW_v0.3.gdtf", "application/x-gdtf"),
    ],
)
def test_real_scenes_and_fixtures_of_lighting_are_known(name: str, kind: str) -> None:
    assert sniffed((DATA / "mvr-gdtf" / name).read_bytes(), "x") == kind
