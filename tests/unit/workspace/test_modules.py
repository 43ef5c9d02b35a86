"""Modules as people meet them: installed for one, used by all, put away and brought back, allowed to run by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.workspace.company import CUES, LAB, PEOPLE, Company, add, cells, meet, module_at, put, sound

from openprod.catalog.strict import ManifestError
from openprod.model.errors import Refused
from openprod.store.packages import NotAPack, NotInstalled
from openprod.workspace import modules, skeleton
from openprod.workspace.adopt import ModuleNotUsed
from openprod.workspace.modules import FileThere, NoCode, PackageLacking, UnknownModule
from openprod.workspace.shapes import ModuleShape
from openprod.workspace.skeleton import FolderThere
from openprod.workspace.workspace import Workspace

CODE = """
[capabilities]
data = ["read:contacts.people.name", "write:lab.people.phone"]
files = ["read:imports/*"]

[script.tidy]
run = "scripts/tidy.lua"

[view.board]
source = "views/board.tsx"
"""
NEWER = LAB.replace('"1.0.0"', '"1.1.0"').replace('phone = "text"', 'phone = "text"\npronouns = "text"', 1)


def coded(company: Company) -> str:
    """Returns the folder of a module with code."""
    folder = Path(module_at(company.folder / "coded", LAB + CODE))
    for name, text in (("scripts/tidy.lua", "-- tidy"), ("views/board.tsx", "export default 1")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def seen(ws: Workspace, name: str = "lab") -> ModuleShape:
    return next(one for one in ws.modules() if one["name"] == name)


def bring_files(giver: Workspace, taker: Workspace) -> None:
    """Lets files come along, as a stick does."""
    for kept in giver.desk.blobs.all():
        taker.desk.blobs.take(kept.hash, giver.desk.blobs.pieces(kept.hash))


# -- installed, for one person


def test_installing_is_for_one_person_and_touches_no_production(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben", module=None)
    assert ana.install(module_at(company.folder / "lab", LAB)) == ("lab", "1.0.0")
    assert (seen(ana)["installed"], seen(ana)["adopted"], seen(ana)["by"]) == ("1.0.0", "", "")
    assert [one["name"] for one in ben.modules() if one["name"] == "lab"] == []
    assert CUES not in [one["name"] for one in ana.tables()]
    assert ana.adopt("lab") == "lab"
    assert CUES in [one["name"] for one in ana.tables()]


def test_a_folder_dropped_among_the_installed_ones_is_installed(company: Company) -> None:
    ana = company.found(module=None)
    module_at(ana.home.modules_dir / "lab", LAB)
    assert seen(ana)["installed"] == "1.0.0"
    module_at(ana.home.modules_dir / "broken", "[module")
    assert "broken/module.toml:1: this is not TOML" in seen(ana, "broken")["help"]


def test_a_newer_installation_takes_the_place_of_the_older(company: Company) -> None:
    ana = company.found(module=None)
    ana.install(coded(company))
    ana.install(module_at(company.folder / "new", NEWER))
    assert seen(ana)["installed"] == "1.1.0"
    assert sorted(one.name for one in (ana.home.modules_dir / "lab").iterdir()) == ["module.toml"]
    assert [one.name for one in ana.home.modules_dir.iterdir()] == ["lab"]
    modules.uninstall(ana.home, "lab")
    with pytest.raises(NotInstalled, match="You have not installed"):
        modules.uninstall(ana.home, "lab")


def test_what_is_wrong_is_not_installed(company: Company) -> None:
    ana = company.found(module=None)
    with pytest.raises(ManifestError, match="nonsense"):
        ana.install(module_at(company.folder / "bad", LAB.replace('"decimal"', '"nonsense"')))
    with pytest.raises(ManifestError, match=r"scripts/tidy\.lua is named here and is not in the folder"):
        ana.install(module_at(company.folder / "lacking", LAB + CODE))
    assert list(ana.home.modules_dir.iterdir()) == []


# -- used by everybody


def test_others_see_who_brought_a_module_and_what_it_asks_and_can_install_it(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben", module=None)
    ana.adopt(coded(company))
    meet(ana, ben)
    shape = seen(ben)
    assert (shape["adopted"], shape["version"], shape["by"], shape["package"]) == ("1.0.0", "", "Ana", "lacking")
    assert shape["asks"] == [
        "read contacts.people.name",
        "change lab.people.phone",
        "read files imports/*",
        "run a script of its own",
        "show views of its own, which may signal to the network",
    ]
    with pytest.raises(PackageLacking, match="not on this device yet"):
        ben.install("lab")
    bring_files(ana, ben)
    assert seen(ben)["package"] == "here"
    assert ben.install("lab") == ("lab", "1.0.0")
    assert seen(ben)["hash"] == seen(ana)["hash"]
    assert (ben.home.modules_dir / "lab" / "scripts" / "tidy.lua").read_text() == "-- tidy"


def test_two_who_adopt_the_same_module_apart_made_the_same_record(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben", module=None)
    for ws in (ana, ben):
        ws.adopt(coded(company))
    meet(ana, ben)
    assert ana.conflicts() == ben.conflicts() == []
    assert ana.count("core.modules") == 1
    sound(ana, ben)


def test_putting_a_module_away_hides_and_bringing_it_back_shows_everything(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    with ana.edit() as edit:
        edit.relate(jane, "lab.runs", edit.add(CUES, number="1"))
    meet(ana, ben)
    assert ana.remove_module("lab") == [CUES, PEOPLE, "lab.crew"]
    meet(ana, ben)
    for ws in (ana, ben):
        assert [one["name"] for one in ws.tables() if one["module"] == "lab"] == []
    with pytest.raises(ModuleNotUsed, match="does not use a module 'lab'"):
        ana.remove_module("lab")
    ben.adopt(str(company.folder / "lab"))
    meet(ana, ben)
    assert cells(ana, PEOPLE, "name", "phone") == [("Jane", "1")]
    assert [one["title"] for one in ana.relations(jane)] == ["LX 1"]
    sound(ana, ben)


def test_putting_away_can_be_undone(company: Company) -> None:
    ana = company.found()
    add(ana, PEOPLE, name="Jane")
    ana.remove_module("lab")
    ana.undo()
    assert cells(ana, PEOPLE, "name") == [("Jane",)]


def test_a_query_that_somebody_changed_outlives_updates_and_putting_away(company: Company) -> None:
    text = '[query.all]\ntable = "people"\n'
    ana = company.found(module=None)

    def version(number: str, query: str) -> str:
        folder = Path(module_at(company.folder / f"v{number}", LAB.replace("1.0.0", number) + text))
        (folder / "queries").mkdir(exist_ok=True)
        (folder / "queries" / "all.toml").write_text(query)
        return str(folder)

    ana.adopt(version("1.0.0", 'from = "lab.people"'))
    record = str(ana.query("name == 'lab.all'", from_="core.queries")[0]["id"])
    ana.adopt(version("1.1.0", 'from = "lab.people"\nlimit = 5'))
    assert "limit" in str(ana.record(record)["fields"]["core.queries.query"])
    put(ana, record, {"query": 'from = "lab.cues"'})
    ana.adopt(version("1.2.0", 'from = "lab.people"\nlimit = 9'))
    ana.remove_module("lab")
    assert ana.count("core.queries", "name == 'lab.all'") == 0
    ana.adopt(version("1.2.0", 'from = "lab.people"\nlimit = 9'))
    assert ana.record(record)["fields"]["core.queries.query"] == 'from = "lab.cues"'


# -- versions side by side


def test_of_two_versions_the_higher_counts_whoever_adopts_last(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    ana.adopt(module_at(company.folder / "newer", NEWER))
    add(ana, PEOPLE, name="Jane", pronouns="she/her")
    ben.adopt(str(company.folder / "lab"))
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.catalog.modules["lab"] == "1.1.0"
        assert cells(ws, PEOPLE, "name", "pronouns") == [("Jane", "she/her")]
    sound(ana, ben)


def test_what_only_a_lower_version_declares_stays(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    apart = LAB.replace('"1.0.0"', '"1.0.1"').replace('phone = "text"', 'phone = "text"\nfax = "text"', 1)
    ana.adopt(module_at(company.folder / "apart", apart))
    add(ana, PEOPLE, name="Jane", fax="2")
    ben.adopt(module_at(company.folder / "newer", NEWER))
    meet(ana, ben)
    for ws in (ana, ben):
        assert [one["name"] for one in ws.fields(PEOPLE)] == ["name", "phone", "pronouns", "fax"]
        assert cells(ws, PEOPLE, "fax") == [("2",)]
    sound(ana, ben)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('phone = "text"', 'mobile = "text"', "1.0.0 has the field 'phone' here, and this version has not. If it is"),
        ('phone = "text"', 'phone = "int"', '1.0.0 says that this is "text", not "int"'),
        ('phone = "text"', 'phone = { type = "text", merge = "crdt" }', "How a text merges cannot change"),
        ("table.crew", "table.crews", "1.0.0 has the table lab.crew, and this version has not"),
        ('source = "people"', 'source = "crew"', "1.0.0 begins this relation in lab.people"),
        ("[relation.runs]", "[relation.steers]", "1.0.0 has the relation lab.runs, and this version has not"),
    ],
)  # fmt: skip
def test_a_version_that_takes_away_or_changes_is_refused_with_line_and_key(
    company: Company, old: str, new: str, expected: str
) -> None:
    ana = company.found()
    before = ana.status()["bundles"]
    changed = LAB.replace('"1.0.0"', '"1.1.0"').replace(old, new, -1 if old == "table.crew" else 1)
    with pytest.raises(ManifestError) as caught:
        ana.adopt(module_at(company.folder / "changed", changed))
    assert expected in str(caught.value)
    assert all(problem.line > 1 and problem.key for problem in caught.value.problems)
    assert ana.status()["bundles"] == before


def test_a_module_that_is_still_being_written_may_change_under_its_number(company: Company) -> None:
    ana = company.found(module=None)
    draft = LAB.replace('"1.0.0"', '"0.1.0"')
    ana.adopt(module_at(company.folder / "draft", draft))
    ana.adopt(module_at(company.folder / "draft", draft.replace('phone = "text"', 'mobile = "text"', 1)))
    assert [one["name"] for one in ana.fields(PEOPLE)] == ["name", "mobile"]


# -- consent


def test_consent_is_one_person_s_for_exactly_these_files(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben", module=None)
    ana.adopt(coded(company))
    meet(ana, ben)
    bundles = ana.status()["bundles"]
    assert not seen(ana)["is_allowed"]
    assert ana.allow_module("lab")["is_allowed"]
    assert seen(ana)["is_allowed"]
    assert not seen(ben)["is_allowed"]
    assert ana.status()["bundles"] == bundles
    (company.folder / "coded" / "scripts" / "tidy.lua").write_text("-- other")
    changed = LAB.replace('"1.0.0"', '"1.0.1"') + CODE
    (company.folder / "coded" / "module.toml").write_text(changed)
    ana.adopt(str(company.folder / "coded"))
    assert not seen(ana)["is_allowed"]
    ana.allow_module("lab")
    assert not ana.allow_module("lab", is_allowed=False)["is_allowed"]
    assert not seen(ana)["is_allowed"]


def test_there_is_nothing_to_allow_where_there_is_no_code(company: Company) -> None:
    ana = company.found()
    with pytest.raises(NoCode, match="brings no scripts or views"):
        ana.allow_module("lab")
    with pytest.raises(UnknownModule, match="There is no module 'lap' here"):
        ana.allow_module("lap")


# -- packs and new ones


def test_a_pack_is_the_same_for_the_same_files_and_can_be_adopted(company: Company, tmp_path: Path) -> None:
    ana = company.found(module=None)
    one, manifest, digest = modules.pack(ana.home, coded(company), tmp_path / "a.opmod", is_sure=False)
    other, _, _ = modules.pack(ana.home, coded(company), tmp_path / "b.opmod", is_sure=False)
    assert (one.read_bytes(), manifest.name) == (other.read_bytes(), "lab")
    with pytest.raises(FileThere, match="is there already"):
        modules.pack(ana.home, coded(company), one, is_sure=False)
    assert ana.adopt(str(one)) == "lab"
    assert seen(ana)["hash"] == digest
    one.write_bytes(one.read_bytes()[:-1])
    with pytest.raises(NotAPack, match="damaged"):
        ana.install(str(one))


def test_a_new_module_is_right_and_can_be_used_at_once(company: Company, tmp_path: Path) -> None:
    ana = company.found(module=None)
    folder = skeleton.write(tmp_path, "puppets")
    package, manifest = modules.read_module(str(folder))
    modules.check_package(package, manifest)
    ana.adopt(str(folder))
    add(ana, "puppets.puppets", name="Firebird")
    assert [row["name"] for row in ana.query("puppets.wanted")] == ["Firebird"]
    with pytest.raises(FolderThere):
        skeleton.write(tmp_path, "puppets")
    with pytest.raises(ManifestError, match="cannot be the name of a module"):
        skeleton.write(tmp_path, "Puppets!")
    assert not (tmp_path / "Puppets!").exists()


def test_files_that_no_pack_can_name_are_refused(company: Company) -> None:
    ana = company.found(module=None)
    folder = Path(module_at(company.folder / "odd", LAB))
    (folder / "a:b").write_text("x")
    with pytest.raises(Refused, match="cannot be in a module"):
        ana.adopt(str(folder))
