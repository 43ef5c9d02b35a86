"""Checks of modules over a real workspace: counts, what they found, and what becomes of one that cannot be asked."""

from __future__ import annotations

from tests.unit.workspace.company import LAB, Company, module_at

CHECKS = """
[check.undone]
title = "Undone"
table = "cues"
where = "NOT done == true"
sentence = "{count} cues are not done"
one = "1 cue is not done"

[check.twice]
title = "Twice"
table = "cues"
sentence = "{count} cues have the text of another"

[check.twice.query]
from = "lab.cues"

[check.twice.query.first]
of = ["record"]

[check.twice.query.through.other]
any = [{ table = "lab.cues", where = "other.text == text AND NOT other == record" }]
"""


def test_checks_count_records_and_say_so_in_a_sentence(company: Company) -> None:
    ana = company.found(module=None)
    ana.adopt(module_at(company.folder / "checked", LAB + CHECKS))
    with ana.edit() as edit:
        for number, text in (("1", "Go"), ("2", "Go"), ("3", "Stop")):
            edit.add("lab.cues", number=number, text=text, done=number != "1")
    assert [(one["name"], one["count"], one["text"]) for one in ana.checks()] == [
        ("lab.undone", 1, "1 cue is not done"),
        ("lab.twice", 2, "2 cues have the text of another"),
    ]
    assert [row["number"] for row in ana.query("lab.twice")] == ["1", "2"]
    assert ana.checks("lab.people") == []


def test_people_may_change_what_a_check_asks(company: Company) -> None:
    ana = company.found(module=None)
    ana.adopt(module_at(company.folder / "checked", LAB + CHECKS))
    with ana.edit() as edit:
        edit.add("lab.cues", number="1", done=True)
        edit.add("core.queries", name="lab.undone", table="lab.cues", query='from = "lab.cues"')
    assert ana.checks()[0]["text"] == "1 cue is not done"


def test_a_check_that_cannot_be_asked_says_so_and_spares_the_others(company: Company) -> None:
    ana = company.found(module=None)
    ana.adopt(module_at(company.folder / "checked", LAB + CHECKS.replace("NOT done == true", "NOT dome == true")))
    first, second = ana.checks()
    assert (first["count"], second["count"]) == (None, 0)
    assert first["text"].startswith("Undone cannot be counted: ")
    assert "Did you mean 'done'" in first["text"]
