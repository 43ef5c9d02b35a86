"""Tables in sheets made for the eye, and forms whose columns are cues."""

from __future__ import annotations

import pytest

from openprod.exchange.grid import choose, table
from openprod.exchange.sheet import BadChoice, Choice, Sheet, Unreadable

Rows = list[tuple[int, list[str]]]


def rows(text: str) -> Rows:
    """Returns rows of cells with bars between; empty lines are rows without anything, which readers do not give."""
    found = [
        (at, [cell.strip() for cell in line.split("|")]) for at, line in enumerate(text.strip("\n").split("\n"), 1)
    ]
    return [(at, cells) for at, cells in found if any(cells)]


PLOT = """
Instrument Schedule |  |  | Version: | 1
Venue: | Hall | Show: | Hamlet | FOH

Unit | Channel | Type | Wattage | Colour

Bar 1

1 | 20 | Profile | 575 | L201
2 | 21 | Profile | 575 |
 |  |  | 1150 |

Bar 2

Unit | Channel | Type | Wattage | Colour
1 | 22 | Par | 1000 | R358
 |  |  | Total: | 1000

 |  | Except where noted this is ours |  |
"""


def test_titles_headings_totals_and_notes_are_told_from_rows() -> None:
    sheet = table(rows(PLOT), Choice())
    assert sheet.header == ("Unit", "Channel", "Type", "Wattage", "Colour", "Section")
    assert sheet.rows == [
        ["1", "20", "Profile", "575", "L201", "Bar 1"],
        ["2", "21", "Profile", "575", "", "Bar 1"],
        ["1", "22", "Par", "1000", "R358", "Bar 2"],
    ]
    assert sheet.lines == [8, 9, 15]
    assert sheet.unit == "row"
    said = " ".join(sheet.assumed)
    for words in ("Row 4 names", "rows 6, 12", "Totals were left out (rows 10, 16)", "row 14", "row 18"):
        assert words in said


def test_a_plain_table_loses_no_row_though_cells_are_missing() -> None:
    sheet = table(rows("Name | E-mail | Phone\nAnn | a@x.org | 1\nBob | |\nCara | | 3"), Choice())
    assert [row[0] for row in sheet.rows] == ["Ann", "Bob", "Cara"]
    assert sheet.assumed == ()


def test_the_row_with_most_known_names_wins_over_a_wider_title() -> None:
    text = "Our | lovely | show | of | spring\nName | Phone\nAnn | 1"
    assert table(rows(text), Choice(names=("name", "phone"))).header == ("Name", "Phone")
    assert table(rows(text), Choice(header=2)).header == ("Name", "Phone")


def test_a_row_that_is_not_there_cannot_name_columns() -> None:
    with pytest.raises(BadChoice, match="Row 2"):
        table(rows("A | B\n\n1 | 2"), Choice(header=2))


def test_rows_that_are_all_numbers_have_no_names() -> None:
    with pytest.raises(Unreadable, match="--header"):
        table(rows("1 | 2 | 3\n4 | 5 | 6"), Choice())


def test_a_list_of_one_column_is_a_table() -> None:
    assert table(rows("Name\nAnn\nBob"), Choice()).rows == [["Ann"], ["Bob"]]


FORM = """
 | School: | Tulsa
 | Cue Number | | 1 | 2 | 3.5 | 4
 | Fade Time | | 3 | w/trac | 0:27:00 |
 | Follow | | | 5 | |
 | Group | Purpose | 1 | 2 | 3.5 | 4
 | 1 | Front | 40 | 0 | |
 | COLOUR | Cyc | blue | | R=50,A=50 |
"""


def test_a_form_with_cues_as_columns_is_turned() -> None:
    sheet = table(rows(FORM), Choice())
    assert sheet.header == ("Cue Number", "Fade Time", "Follow", "Levels")
    assert sheet.rows == [
        ["1", "3", "", "Group 1 (Front): 40\nColour (Cyc): blue"],
        ["2", "w/trac", "5", "Group 1 (Front): 0"],
        ["3.5", "0:27:00", "", "Colour (Cyc): R=50,A=50"],
    ]
    assert sheet.lines == [4, 5, 6]
    said = " ".join(sheet.assumed)
    assert "Cues with nothing filled in were left out: 4." in said
    assert "60 times too long (column 6)" in said


def test_the_first_sheet_with_a_table_is_read_and_the_others_are_named() -> None:
    sheets: list[Rows] = [[], rows("1 | 2 | 3\n4 | 5 | 6"), rows("Name | Phone\nAnn | 1")]

    def chosen(choice: Choice) -> Sheet:
        return choose(["Empty", "Numbers", "People"], lambda at: sheets[at], choice)

    assert chosen(Choice()).name == "People"
    assert "'Empty', 'Numbers'" in chosen(Choice()).assumed[0]
    assert chosen(Choice(sheet="3")).rows == chosen(Choice(sheet=" people ")).rows == [["Ann", "1"]]
    with pytest.raises(BadChoice, match="There are: Empty, Numbers, People"):
        chosen(Choice(sheet="Persons"))
    with pytest.raises(Unreadable):
        choose(["Empty"], lambda _: [], Choice())
