"""What tables mean: manifests, tables, fields, relations, names a person may use, checks on a local intent. Quiet.

Importing the package loads nothing; `catalog_of` is looked up when first asked for, because a program that starts from
a cached catalog never reads TOML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openprod.catalog.assembly import catalog_of as catalog_of


def __getattr__(name: str) -> object:
    """Loads `catalog_of` from its file."""
    if name == "catalog_of":
        from openprod.catalog.assembly import catalog_of  # noqa: PLC0415 - lazy on purpose

        return catalog_of
    raise AttributeError(name)
