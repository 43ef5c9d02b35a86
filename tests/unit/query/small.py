"""A small catalog with a field of every type, two tables, two relations, and a module that is not adopted (`ghost`)."""

from __future__ import annotations

from tests.unit.query.read_model import ReadModel

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read
from openprod.catalog.tables import Catalog

MANIFEST = """
[module]
name = "m"
version = "1.0.0"
title = "M"

[table.a]
title = "As"
key = ["nat"]
label = "A {nat}"

[table.a.fields]
text = "text"
choice = { type = "choice", choices = ["SQ", "LX", "VID"], open = true }
int = "int"
float = "float"
dec = "decimal"
nat = "natural"
out = "outline"
bool = "bool"
date = "date"
time = "time"
moment = "datetime"
length = { type = "duration", unit = "s" }
record = { type = "record", target_hint = ["b"] }
list = { type = "list", items = "text" }
secret = { type = "text", hidden = true }

[table.b]
title = "Bs"
key = ["name"]
label = "{name}"

[table.b.fields]
name = "text"
rank = "int"
nat = "natural"

[relation.r]
title = "R"
inverse = "R of"
source = "a"
target_hint = ["b"]

[relation.r.properties]
weight = "int"
note = "text"

[relation.s]
title = "S"
inverse = "S of"
source = "b"
target_hint = ["a", "b"]
ordered = true
"""


def small_catalog() -> Catalog:
    return catalog_of(core_manifest(), [read(MANIFEST, "small.toml")])


def small() -> ReadModel:
    return ReadModel(small_catalog())
