"""Comma-separated text as people's programs write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.exchange.csv import LINE_CHARACTERS_MAX, NotCsv, closed, opened, read_csv, write_csv

DEMO = Path(__file__).resolve().parents[3] / "demo" / "data"


def test_cells_stand_with_the_line_they_begin_in() -> None:
    sheet = read_csv(b'name,notes\r\nAnn,"two\r\nlines"\r\n\r\nBob,x\r\n')
    assert sheet.header == ("name", "notes")
    assert sheet.rows == [["Ann", "two\r\nlines"], ["Bob", "x"]]
    assert list(sheet.lines) == [2, 5]


@pytest.mark.parametrize(
    ("raw", "encoding", "assumes"),
    [
        ("name,x\nZoë,1\n".encode(), "utf-8", False),
        ("name,x\nZoë,1\n".encode("utf-8-sig"), "utf-8", False),
        ("name,x\nZoë,1\n".encode("utf-16"), "utf-16", False),
        ("name,x\nZoë,1\n".encode("utf-16-le"), "utf-16", True),
        ("name,x\nZoë,1\n".encode("utf-16-be"), "utf-16", True),
        ("name,x\nZoë,1\n".encode("cp1252"), "cp1252", True),
    ],
)
def test_the_encoding_is_found_and_a_guess_is_said(raw: bytes, encoding: str, *, assumes: bool) -> None:
    sheet = read_csv(raw)
    assert sheet.rows == [["Zoë", "1"]]
    assert sheet.encoding == encoding
    assert bool(sheet.assumed) == assumes


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str) -> None:
    lines = [["name", "words"], ["Ann", "To be, or not"], ["Bob", "so; it is"], ["Cyd", "x"]]
    sheet = read_csv(write_csv(lines[0], lines[1:], separator=separator))
    assert sheet.separator == separator
    assert sheet.rows == lines[1:]


def test_the_separator_that_the_first_line_names_is_taken() -> None:
    sheet = read_csv(b"sep=;\r\na;b,c\r\n1;2\r\n")
    assert sheet.header == ("a", "b,c")
    assert list(sheet.lines) == [3]


def test_one_column_needs_no_separator() -> None:
    assert read_csv(b"name\nAnn\nBob\n").rows == [["Ann"], ["Bob"]]


def test_a_faulty_line_is_named_and_the_others_are_read() -> None:
    sheet = read_csv(b'a,b\n1,2\n"3"x,4\n5,6,7\n8\n9,10,,\n')
    assert sheet.rows == [["1", "2"], ["8", ""], ["9", "10"]]
    assert [line for line, _ in sheet.bad] == [3, 4]
    assert "3 cells" in sheet.bad[1][1]


def test_a_quotation_mark_that_is_never_closed_costs_one_line() -> None:
    sheet = read_csv(b'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    assert sheet.rows == [["1", "2"], ["5", "6"], ["7", "8"]]
    assert list(sheet.lines) == [2, 4, 5]
    assert [line for line, _ in sheet.bad] == [3]


def test_a_cell_that_is_too_long_is_named() -> None:
    sheet = read_csv(b"a,b\n" + b"x" * (1 << 20) + b"x,1\n2,3\n")
    assert sheet.rows == [["2", "3"]]
    assert sheet.bad[0][0] == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=SUM(A1)", "'=SUM(A1)"),
        ("@x", "'@x"),
        ("+44 20 7946", "'+44 20 7946"),
        ("-x", "'-x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=x", "''=x"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("-", "-"),
        ("'tis", "'tis"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text: str, shown: str) -> None:
    assert closed(text) == shown
    assert opened(shown) == text


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b",,,\n", b"PK\x03\x04\x00\x00\x08\x00\x01\x00", b"\xff\xfea\x00b"])
def test_what_is_no_table_is_refused_with_what_to_do(raw: bytes) -> None:
    with pytest.raises(NotCsv):
        read_csv(raw)


def test_every_file_of_the_demo_is_read_whole() -> None:
    counts = {file.stem: len(read_csv(file.read_bytes()).rows) for file in DEMO.glob("*.csv")}
    assert counts["lx_cues"] == 407
    assert counts["schedule"] == 79
    assert all(not read_csv(file.read_bytes()).bad for file in DEMO.glob("*.csv"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_any_end_are_counted_across_the_pieces_a_file_is_read_in(end: str) -> None:
    names = ["é" * 700 + f" {n}" for n in range(2_000)]
    names[1_200] = f'"two{end}lines"'
    sheet = read_csv(end.join(["name", *names]).encode())
    assert [row[0] for row in sheet.rows] == [name.strip('"') for name in names]
    assert list(sheet.lines) == [*range(2, 1_203), *range(1_204, 2_003)]


def test_an_apostrophe_before_a_formula_is_taken_away_wherever_the_cell_stands() -> None:
    sheet = read_csv(b"a,b\n'=1,x\n\"'=2\",'=3\nit's,'tis\n")
    assert list(sheet.rows) == [["=1", "x"], ["=2", "=3"], ["it's", "'tis"]]


def test_a_line_as_no_table_has_it_is_named_and_not_held() -> None:
    raw = b"a,b\n" + b"1,2\n" * 10 + b"x" * (LINE_CHARACTERS_MAX + 1)
    with pytest.raises(NotCsv, match="Line 12 of the file is longer"):
        read_csv(raw)
    with pytest.raises(NotCsv, match="Line 1 of the file is longer"):
        read_csv(b"x" * (LINE_CHARACTERS_MAX * 2))
