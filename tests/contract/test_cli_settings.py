"""`openprod settings`: zone, clock and paper of the show, for everybody, and what a clock of 12 hours shows."""

from __future__ import annotations

from pathlib import Path

import pytest

import openprod
from openprod.testing.terminal import Terminal
from openprod.workspace.settings import BadSetting


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of a production with a schedule."""
    made = Terminal(tmp_path / "home", tmp_path / "show")
    made.did("init", str(made.folder), "--name", "Hamlet", "--person", "Ann Ash")
    made.did("module", "adopt", "schedule")
    return made


def test_settings_are_shown_changed_and_checked(terminal: Terminal) -> None:
    before = terminal.asked("settings")
    assert before == {"name": "Hamlet", "zone": before["zone"], "clock": "24", "paper": "A4"}
    after = terminal.asked("settings", "clock=12h", "paper=letter", "zone=Europe/Berlin")
    assert (after["clock"], after["paper"], after["zone"]) == ("12", "Letter", "Europe/Berlin")
    for wrong, said in (
        ("clock=13", "12 or 24 hours, not '13'"),
        ("paper=A9", "is no size of paper that is known here"),
        ("zone=Europe/Londom", "Did you mean 'Europe/London'"),
        ("papper=A4", "Did you mean 'paper'"),
    ):
        ran = terminal.run("settings", "name=Lear", wrong)
        assert ran.status == 1, wrong
        assert said in ran.err
    assert terminal.asked("settings") == after
    assert terminal.asked("settings", "paper=")["paper"] == "A4"


def test_a_clock_of_twelve_hours_is_how_people_read_times_and_never_how_files_hold_them(terminal: Terminal) -> None:
    day = ("date=12 Jan 2026", "status=confirmed")
    ran = terminal.run("add", "schedule.events", "number=1", "title=Staging", "start=2-5", *day)
    assert "Start and End: '2-5' read as 14:00 to 17:00" in ran.err
    terminal.did("add", "schedule.events", "number=2", "title=Tech", "start=10:30p-1:15a", *day)
    terminal.did("settings", "clock=12")
    said = terminal.did("show", "schedule.events", "--fields", "number,start,end")
    assert "2:00p" in said
    assert "5:00p" in said
    assert "10:30p" in said
    assert "1:15a" in said
    rows = terminal.asked("show", "schedule.events")
    assert [(row["start"], row["end"]) for row in rows] == [("14:00", "17:00"), ("22:30", "01:15")]
    assert "14:00" in terminal.did("show", "schedule.events", "--format", "csv")
    assert "2:00p" in terminal.did("show", str(rows[0]["id"]))


def test_an_end_before_its_start_is_the_next_day_and_clocks_that_change_that_night_count(tmp_path: Path) -> None:
    with openprod.init(tmp_path / "show", name="Hamlet", home=tmp_path / "home", person="Ann") as ws:
        ws.adopt("schedule")
        ws.change_settings({"zone": "Europe/London"})
        with ws.edit() as edit:
            # The night to 25 October 2026 is an hour longer, the one to 29 March 2026 an hour shorter.
            for number, date in (("1", "2026-10-24"), ("2", "2026-03-28"), ("3", "2026-06-01")):
                edit.add(
                    "schedule.events",
                    number=number,
                    date=date,
                    start="22:00",
                    end="6:00",
                    title="Get-in",
                    status="draft",
                )
        lengths = {
            number: [
                row["number"]
                for row in ws.query(
                    f"span(moment(date, start), moment(date, end, start)) == {hours}h", from_="schedule.events"
                )
            ]
            for number, hours in (("1", 9), ("2", 7), ("3", 8))
        }
        assert lengths == {"1": ["1"], "2": ["2"], "3": ["3"]}
        assert {row["end"] for row in ws.query(from_="schedule.events")} == {"06:00"}
        with pytest.raises(BadSetting, match="no time zone"):
            ws.change_settings({"zone": "Nowhere/Land"})
