"""The modules and templates that ship with Openprod."""

from __future__ import annotations

import pathlib

import pytest

from openprod.catalog import manifest, templates
from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import Manifest
from openprod.model.values import Natural

ROOT = pathlib.Path(__file__).parents[3]
MODULES = sorted((ROOT / "modules").glob("*/module.toml"))
TEMPLATES = sorted((ROOT / "templates").glob("*/template.toml"))


def read(path: pathlib.Path) -> Manifest:
    return manifest.read(path.read_text(encoding="utf-8"), path.name)


def test_the_modules_of_the_core_are_all_here() -> None:
    names = {path.parent.name for path in MODULES}
    assert names >= {"contacts", "script", "casting", "schedule", "lighting", "sound", "sm"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.parent.name)
def test_a_shipped_module_reads_and_brings_every_file_it_names(path: pathlib.Path) -> None:
    found = read(path)
    assert found.name == path.parent.name
    assert [name for name in found.files() if not (path.parent / name).is_file()] == []
    assert (path.parent / "README.md").is_file()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.parent.name)
def test_a_shipped_module_is_useful_alone(path: pathlib.Path) -> None:
    found = read(path)
    catalog = catalog_of(core_manifest(), [found])
    assert catalog.problems == ()
    for table in found.tables:
        assert table.label
        assert table.fields


def test_notes_merge_letter_by_letter_and_keys_and_titles_do_not() -> None:
    merging = {
        field.key
        for path in MODULES
        for table in read(path).tables
        for field in table.fields.values()
        if field.merge == "crdt"
    }
    assert {"contacts.people.notes", "lighting.cues.intent", "sm.cues.sm_notes", "notes.notes.text"} <= merging
    assert not {key for key in merging if key.rpartition(".")[2] in ("name", "number", "label", "title", "on")}


def test_all_modules_together_make_one_catalog() -> None:
    catalog = catalog_of(core_manifest(), map(read, MODULES))
    hinted = {name for relation in catalog.relations.values() for name in (relation.source, *relation.target_hint)}
    assert catalog.problems == ()
    assert hinted <= set(catalog.tables)
    assert catalog.resolve_field("lighting.cues", "list").default == Natural("1")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
def test_a_shipped_template_names_what_exists(path: pathlib.Path) -> None:
    template = templates.read(path.read_text(encoding="utf-8"), path.name)
    manifests = [read(ROOT / "modules" / name / "module.toml") for name in template.modules]
    catalog = catalog_of(core_manifest(), manifests)
    shared = {field.shared_key for table in catalog.tables.values() for field in table.fields.values()}
    rules = {f"{found.name}.{rule}" for found in manifests for rule in found.declared.get("rule", {})}
    assert template.name == path.parent.name
    assert {query.table for query in template.queries} <= set(catalog.tables)
    assert [query.file for query in template.queries if not (path.parent / query.file).is_file()] == []
    assert {name for link in template.links for name in (link.source, link.target)} <= set(catalog.tables)
    assert set(template.maps) <= shared
    assert set(template.rules) <= rules
