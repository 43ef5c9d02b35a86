"""Every query and check that is shipped can be asked, with all modules and with its own module alone."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.unit.query.production import ROOT, shipped_catalog
from tests.unit.query.read_model import ReadModel

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read
from openprod.query.tree import Query, read_query

QUERIES = sorted([*ROOT.glob("modules/*/queries/*.toml"), *ROOT.glob("templates/*/queries/*.toml")])


def alone(module: str) -> ReadModel:
    path = ROOT / "modules" / module / "module.toml"
    return ReadModel(catalog_of(core_manifest(), [read(path.read_text("utf-8"), path.name)]))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: "/".join(path.parts[-4:]))
def test_a_shipped_query_can_be_asked_of_everything_and_of_its_module_alone(path: Path) -> None:
    query = read_query(path.read_text("utf-8"))
    own = query.from_.partition(".")[0]
    for model in (ReadModel(shipped_catalog()), alone(own)):
        assert model.query(query) == []
        assert model.query(query, limit=10) == []
        assert model.count(query) == 0


@pytest.mark.parametrize("module", sorted(path.parent.name for path in ROOT.glob("modules/*/module.toml")))
def test_a_shipped_check_can_be_asked_of_its_module_alone(module: str) -> None:
    manifest: dict[str, Any] = tomllib.loads((ROOT / "modules" / module / "module.toml").read_text("utf-8"))
    for check in manifest.get("check", {}).values():
        where = Query(from_=f"{module}.{check['table']}", where=check.get("where", ""))
        query = read_query(check["query"]) if "query" in check else where
        for model in (alone(module), ReadModel(shipped_catalog())):
            assert model.query(query) == []
