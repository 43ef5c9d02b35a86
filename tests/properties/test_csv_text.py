"""Comma-separated text: what is written is read again, and no bytes break the reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from openprod.exchange.csv import NotCsv, closed, is_formula, opened, read_csv, write_csv

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def marked(marks: int, sign: str, rest: str) -> str:
    return "'" * marks + sign + rest


SIGNS = st.sampled_from(["=", "@", "+", "-", "\t", "\r", ""])
FORMULAS: st.SearchStrategy[str] = st.builds(marked, st.integers(0, 3), SIGNS, TEXTS)


@given(FORMULAS | TEXTS)
def test_an_apostrophe_put_before_a_formula_comes_off_again(text: str) -> None:
    assert opened(closed(text)) == text


@given(FORMULAS)
def test_nothing_written_can_run_in_a_spreadsheet(text: str) -> None:
    assert not is_formula(closed(text))


@given(
    rows=st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(TEXTS | FORMULAS, min_size=n, max_size=n), max_size=6)),
    bom=st.booleans(),
    separator=st.sampled_from([",", ";", "\t"]),
)
@settings(max_examples=200)
def test_what_is_written_is_read_again(rows: list[list[str]], *, bom: bool, separator: str) -> None:
    width = len(rows[0]) if rows else 2
    header = [f"column{n}" for n in range(width)]
    sheet = read_csv(f"sep={separator}\r\n".encode() + write_csv(header, rows, bom=False, separator=separator))
    assert sheet.header == tuple(header)
    assert sheet.rows == [row for row in rows if any(row)]
    assert sheet.bad == []
    assert read_csv(write_csv(header, [], bom=bom)).header == tuple(header)


@given(st.binary(max_size=200) | st.text(st.sampled_from("\",;\t\r\n'=a|\0"), max_size=60).map(str.encode))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused_with_a_sentence(raw: bytes) -> None:
    try:
        sheet = read_csv(raw)
    except NotCsv:
        return
    assert all(len(row) == len(sheet.header) for row in sheet.rows)
    assert len(sheet.rows) == len(sheet.lines)
    assert list(sheet.lines) == sorted(sheet.lines)
