"""module.toml: what it declares, and what a module's author is told about what is wrong in it."""

# ruff: noqa: E501 - a table of cases reads best with a line for each

from __future__ import annotations

import pytest

from openprod.catalog.manifest import RESERVED_FIELDS, RESERVED_MODULES, Manifest, read, read_field
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import FIELD_TYPES
from openprod.model.values import Duration, Natural

GOOD = """
[module]
name = "lighting"
version = "1.0.0"
title = "Lighting"

[capabilities]
files = ["read:imports/*", "write:exports/*"]
data = ["read:contacts.people.name"]

[table.cues]
title = "Lighting Cues"
key = ["list", "number", "part"]
label = "LX {number}"
links_well_with = ["sm.cues"]

[table.cues.fields.list]
type = "natural"
default = "1"

[table.cues.fields.number]
type = "natural"
title = "Cue"
required = true
shared_key = "number"

[table.cues.fields]
part = "int"
up = { type = "duration", unit = "s", default = "1m 30s" }
status = { type = "choice", choices = ["idea", "locked"], open = true }
needs = { type = "list", items = "choice", choices = ["dark", "stage"] }

[table.cues.fields.position]
type = "record"
target_hint = ["positions", "sm.cues"]

[table.cues.fields.intent]
type = "text"
merge = "crdt"
on_conflict = "block"

[table.positions]
fields = { name = "text" }

[relation.in_scene]
title = "In scene"
inverse = "Light cues"
source = "cues"
target_hint = ["script.scenes"]
ordered = true
unique = false
properties = { placement = "text" }

[query.sheet]
title = "Cue sheet"
table = "cues"

[list.calling]
table = "cues"
order = ["number"]

[check.no_word]
table = "cues"
where = "NOT EXISTS on"
sentence = "{count} cues have no word"

[import.eos]
table = "cues"
columns = { TARGET_ID = "number" }

[rule.called]
table = "cues"
when = "is_called == true"
add_to = "sm.cues"

[script.renumber]
run = "scripts/renumber.lua"
mode = "manual"

[view.cue_sheet]
source = "views/cue-sheet.tsx"

[paper.cue_sheet]
query = "queries/cue_sheet.toml"
layout = "paper/cue_sheet.typ"
"""


def test_a_manifest_becomes_tables_fields_and_relations() -> None:
    manifest = read(GOOD)
    cues, positions = manifest.tables
    assert (manifest.name, manifest.version, manifest.title) == ("lighting", "1.0.0", "Lighting")
    assert (cues.name, cues.title, cues.key, cues.label) == (
        "lighting.cues",
        "Lighting Cues",
        ("list", "number", "part"),
        "LX {number}",
    )
    assert cues.fields["number"].key == "lighting.cues.number"
    assert cues.fields["number"].title == "Cue"
    assert cues.fields["number"].required
    assert cues.fields["number"].shared_key == "number"
    assert cues.fields["list"].default == Natural("1")
    assert cues.fields["up"].default == Duration(90_000_000)
    assert cues.fields["part"].title == "Part"
    assert cues.fields["status"].open
    assert cues.fields["needs"].item_type == "choice"
    assert cues.fields["position"].target == ("lighting.positions", "sm.cues")
    assert (cues.fields["intent"].merge, cues.fields["intent"].on_conflict) == ("crdt", "block")
    assert positions.label == "{name}"
    (in_scene,) = manifest.relations
    assert (in_scene.name, in_scene.source, in_scene.ordered) == ("lighting.in_scene", "lighting.cues", True)
    assert in_scene.properties["placement"].key == "lighting.in_scene.placement"


def test_what_other_rooms_run_is_kept_as_declared() -> None:
    manifest = read(GOOD)
    assert set(manifest.declared) == {"list", "import", "rule", "script", "view", "paper"}
    assert manifest.declared["rule"]["called"]["add_to"] == "sm.cues"
    assert manifest.queries[0].name == "lighting.sheet"
    assert manifest.queries[0].table == "lighting.cues"
    assert manifest.files() == (
        "queries/sheet.toml",
        "scripts/renumber.lua",
        "views/cue-sheet.tsx",
        "queries/cue_sheet.toml",
        "paper/cue_sheet.typ",
    )


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


HEAD = '[module]\nname = "props"\nversion = "1.0"\n'
FIELD = HEAD + "[table.items.fields.name]\n"
TABLE = HEAD + '[table.items.fields]\nname = "text"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "x = = 1", "module.toml:4: this is not TOML: Invalid value. Mend the line."),
        ("", 'module.toml:1: module.name: the module has no name. Add a section [module] with name = "lighting".'),
        ('[module]\nname = "core"\nversion = "1.0"', "module.toml:2: module.name: 'core' is kept for Openprod itself."),
        ('[module]\nname = "Props"\nversion = "1.0"', "module.toml:2: module.name: 'Props' cannot be the name of a module"),
        ('[module]\nname = "props"\nversion = "one"', "module.toml:3: module.version: 'one' is no version."),
        ('[module]\nname = 5\nversion = "1.0"', "module.toml:2: module.name: this must be a text in quotes, not a number."),
        (HEAD + "[tabel.items]\n", "module.toml:4: tabel: there is no key 'tabel' here. Did you mean 'table'?"),
        (HEAD + "table = 5\n", "module.toml:4: module.table: there is no key 'table' here. Known here: name,"),
        (HEAD + "[table]\nitems = 5\n", "module.toml:5: table.items: this must be a table, not a number."),
        (HEAD + "[table.items]\n", "module.toml:4: table.items: the table has no fields."),
        (HEAD + "[table.items]\nfields = []\n", "module.toml:5: table.items.fields: this must be a table, not a list"),
        (FIELD + 'type = "natral"', "table.items.fields.name.type: 'natral' is no field type. Did you mean 'natural'?"),
        (FIELD + 'type = "zebra"', "is no field type. The types are bool, int,"),
        (FIELD + 'title = "Name"', "module.toml:4: table.items.fields.name: the field has no type. Add type = "),
        (FIELD + 'type = "text"\nrequird = true', "module.toml:6: table.items.fields.name.requird: there is no key"),
        (FIELD + 'type = "text"\nrequired = "yes"', "required: this must be true or false, not a text."),
        (FIELD + 'type = "text"\nchoices = ["a"]', "choices: only a choice has choices."),
        (FIELD + 'type = "choice"\nchoices = "a"', 'choices: this must be a list of texts like ["a", "b"], not a text.'),
        (FIELD + 'type = "choice"', "the choice has no choices. Add choices = "),
        (FIELD + 'type = "choice"\nchoices = ["a", "a"]', "a choice stands twice or is empty."),
        (FIELD + 'type = "choice"\nchoices = ["a"]\ndefault = "b"', "the default does not fit: 'b' is not a choice here"),
        (FIELD + 'type = "text"\nopen = true', "open: only a choice can be open."),
        (FIELD + 'type = "duration"\nunit = "fortnight"', "unit: 'fortnight' is no unit of time. Write 'us', 'ms',"),
        (FIELD + 'type = "text"\nunit = "kg"', "unit: only numbers and durations have a unit"),
        (FIELD + 'type = "int"\nmerge = "crdt"', "merge: only text can merge letter by letter"),
        (FIELD + 'type = "text"\nmerge = "magic"', "merge: 'magic' is not known here. Write 'scalar' or 'crdt'."),
        (FIELD + 'type = "text"\non_conflict = "hide"', "on_conflict: 'hide' is not known here. Write 'show' or 'block'."),
        (FIELD + 'type = "text"\ntarget_hint = ["a.b"]', "target_hint: only a record field has a target."),
        (FIELD + 'type = "record"\ntarget_hint = ["a-b"]', "target_hint: 'a-b' is no table's name."),
        (FIELD + 'type = "text"\nitems = "int"', "items: only a list has items."),
        (FIELD + 'type = "list"\nitems = "list"', 'items: a list cannot hold "list".'),
        (FIELD + 'type = "text"\ntitle = 2026-01-12', "title: this must be a text in quotes, not a date or time."),
        (TABLE + 'id = "text"', "table.items.fields.id: 'id' means something in queries and cannot be a field."),
        (TABLE + 'Big = "text"', "'Big' cannot be the name of a field"),
        (TABLE + '[table.items]\nkey = ["nam"]', "table.items.key: there is no field 'nam' in this table. Did you mean 'name'"),
        (TABLE + '[table.items]\nkey = ["name", "name"]', "a field stands twice in the key."),
        (TABLE + 'd = "blob"\n[table.items]\nkey = ["d"]', "'d' cannot be part of the key"),
        (TABLE + '[table.items]\nlabel = "Item"', 'the label names no field. Write one like "LX {number}".'),
        (TABLE + '[table.items]\nlabel = "{zebra}"', "label: there is no field 'zebra' in this table. The fields are name."),
        (TABLE + '[table.items]\nlinks_well_with = ["items"]', "'items' is no table's name. Write it in full"),
        (TABLE + "[relation.used_in]\n", "module.toml:6: relation.used_in: the relation has no source."),
        (TABLE + '[relation.used_in]\nsource = "item"', "relation.used_in.source: there is no table 'item' in this module."),
        (TABLE + '[relation.items]\nsource = "items"', "'items' is a table of this module too."),
        (TABLE + '[relation.a]\nsource = "items"\ntarget_hint = ["itms"]', "target_hint: there is no table 'itms'"),
        (TABLE + '[relation.a]\nsource = "items"\nproperties = { p = "txt" }', "properties.p.type: 'txt' is no field type."),
        (TABLE + '[paper.sheet]\nquery = "../q.toml"\nlayout = "l.typ"', "query: '../q.toml' must be a path inside"),
        (TABLE + '[paper.sheet]\nquery = "/q.toml"\nlayout = "l.typ"', "'/q.toml' must be a path inside the package"),
        (TABLE + '[paper.sheet]\nquery = "q.toml"', 'paper.sheet: the paper has no layout. Add layout = "folder/file".'),
        (TABLE + '[check.a]\ntable = "items"', "check.a: the check has no sentence."),
        (TABLE + '[check.a]\ntable = "thing"\nsentence = "x"', "check.a.table: there is no table 'thing' in this module."),
        (TABLE + '[list.a]\nwhere = "x"\nquery = "q.toml"', "list.a.where: give either where or query, not both."),
        (TABLE + '[script.a]\nrun = "a.lua"\ntrigger = 5', "script.a.trigger: this must be a table, not a number."),
        (TABLE + '[view.a]\nsorce = "a.tsx"', "view.a.sorce: there is no key 'sorce' here. Did you mean 'source'?"),
        (TABLE + "[query]\na = true", "query.a: this must be a table, not true or false."),
        (HEAD + '[capabilities]\nfiles = ["imports"]', 'capabilities.files: \'imports\' is no grant. Write one like "read:'),
        (HEAD + '[capabilities]\nfiles = ["read:../x"]', "'read:../x' is no grant"),
    ],
)  # fmt: skip
def test_a_problem_names_file_line_key_and_what_to_do(text: str, expected: str) -> None:
    found = problems(text)
    assert any(expected in problem for problem in found), found


def test_every_problem_is_named_at_once_and_on_its_line() -> None:
    text = GOOD.replace('type = "natural"\ntitle', 'type = "natral"\ntitle').replace(
        "required = true", "requierd = true"
    )
    text = text.replace('source = "cues"', 'source = "cue"').replace('unit = "s"', 'unit = "sec"')
    lines = text.splitlines()
    found = problems(text)
    assert [lines[int(problem.split(":")[1]) - 1] for problem in found] == [
        'key = ["list", "number", "part"]',
        'label = "LX {number}"',
        'type = "natral"',
        "requierd = true",
        'up = { type = "duration", unit = "sec", default = "1m 30s" }',
        'source = "cue"',
    ]


def test_a_problem_in_a_named_file_carries_its_name() -> None:
    with pytest.raises(ManifestError) as caught:
        read("x = ", file="modules/props/module.toml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("modules/props/module.toml", 1)
    assert caught.value.code == "manifest.invalid"


@pytest.mark.parametrize("name", sorted(RESERVED_FIELDS))
def test_words_of_queries_are_no_field_names(name: str) -> None:
    assert "means something in queries" in problems(TABLE + f'{name} = "text"')[0]


@pytest.mark.parametrize("name", RESERVED_MODULES)
def test_names_of_the_house_are_no_module_names(name: str) -> None:
    assert "kept for Openprod itself" in problems(f'[module]\nname = "{name}"\nversion = "1.0"')[0]


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_every_type_can_be_declared(type_: str) -> None:
    spec = f'{{ type = "{type_}", open = true }}' if type_ == "choice" else f'"{type_}"'
    assert read(HEAD + f"[table.items.fields]\nname = {spec}").tables[0].fields["name"].type == type_


def test_a_field_s_spec_may_be_a_type_or_a_table() -> None:
    assert read_field("workspace.props", "workspace.props.name", "text").type == "text"
    found = read_field("workspace.props", "workspace.props.size", {"type": "choice", "choices": ["S", "L"]})
    assert found.choices == ("S", "L")
    with pytest.raises(ManifestError, match="no field type"):
        read_field("workspace.props", "workspace.props.size", "zebra")
    with pytest.raises(ManifestError, match="must be a table"):
        read_field("workspace.props", "workspace.props.size", 5)


def test_a_manifest_without_tables_is_a_module_too() -> None:
    assert read(HEAD) == Manifest(name="props", version="1.0", title="Props")
