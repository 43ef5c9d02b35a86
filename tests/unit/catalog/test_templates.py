"""template.toml, and what is wrong in it."""

# ruff: noqa: E501 - a table of cases reads best with a line for each

from __future__ import annotations

import pytest

from openprod.catalog.strict import ManifestError
from openprod.catalog.templates import Link, read

GOOD = """
[template]
name = "stage-management"
modules = ["contacts", "schedule"]
links = ["contacts.people[Cast] -> casting.performers", "contacts.groups <-> schedule.groups"]
maps = ["name"]
rules = ["lighting.called"]

[query."schedule.first_calls"]
title = "First calls"
file = "queries/first_calls.toml"
"""


def test_a_template_names_modules_queries_and_links() -> None:
    template = read(GOOD)
    assert template.title == "Stage management"
    assert template.modules == ("contacts", "schedule")
    assert template.queries[0].name == "schedule.first_calls"
    assert template.queries[0].file == "queries/first_calls.toml"
    assert template.links == (
        Link(source="contacts.people", only="Cast", target="casting.performers"),
        Link(source="contacts.groups", target="schedule.groups", both=True),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[template]\n", "template.toml:1: template.modules: the template has no modules."),
        ('[template]\nname = "A B"\nmodules = ["a"]', "template.toml:2: template.name: 'A B' cannot be a template's name"),
        ('[template]\nname = "a"\nmodules = ["A"]', "template.modules: 'A' cannot be the name of a module"),
        ('[template]\nname = "a"\nmodules = ["a"]\nlinks = ["a => b"]', "template.links: 'a => b' is no link."),
        ('[template]\nname = "a"\nmodules = ["a"]\nlinks = ["a -> b.c"]', "'a -> b.c' is no link."),
        ('[template]\nname = "a"\nmodules = ["a"]\n[query.first]', "query.first: 'first' must be a full name in quotes"),
        ('[template]\nname = "a"\nmoduls = ["a"]', "template.moduls: there is no key 'moduls' here. Did you mean 'modules'?"),
    ],
)  # fmt: skip
def test_a_problem_names_file_line_key_and_what_to_do(text: str, expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert expected in str(caught.value)
