"""Views of tables: what modules bring, what people save, and who sees them."""

from __future__ import annotations

from tests.unit.workspace.company import LAB, Company, module_at

LISTS = """
[query.loud]
title = "Loud ones"
table = "cues"

[list.calling]
title = "Calling list"
table = "cues"
query = "queries/loud.toml"
group = ["done"]
fields = ["number", "text"]

[list.undone]
table = "cues"
where = "NOT done == true"
order = ["-number"]
"""
LOUD = """
from = "lab.cues"
where = 'EXISTS text'
[select]
what = "text"
[sort]
order = ["what", "number"]
"""


def test_a_modules_lists_are_views_with_the_condition_and_order_of_their_query(company: Company) -> None:
    ana = company.found(module=None)
    ana.adopt(module_at(company.folder / "listed", LAB + LISTS, {"queries/loud.toml": LOUD}))
    calling, undone = ana.views("lab.cues")
    assert (calling["id"], calling["title"], calling["module"]) == ("lab.calling", "Calling list", "lab")
    assert calling["spec"] == {
        "where": "EXISTS text",
        "order": ["text", "number"],
        "group": "done",
        "fields": ["number", "text"],
    }
    assert undone["title"] == "Undone"
    assert undone["spec"] == {"where": "NOT done == true", "order": ["-number"]}
    assert ana.views("lab.people") == []


def test_a_saved_view_is_everybodys_or_ones_own(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        edit.add("core.views", name="Act 1", table="lab.cues", spec='{"where": "number < 9"}')
        edit.add("core.views", name="Mine", table="lab.cues", spec="{", person=ana.actor)
        edit.add("core.views", name="Not mine", table="lab.cues", spec="{}", person="ff" * 32)
    assert [(one["title"], one["person"] != "", one["spec"]) for one in ana.views()] == [
        ("Act 1", False, {"where": "number < 9"}),
        ("Mine", True, {}),
    ]
