"""Checks: what modules say somebody should look at, counted over the tables as they are.

Knows which checks there are and how a count is said. Asks the query engine; decides and writes nothing.
"""

from __future__ import annotations

from openprod.catalog.tables import Check
from openprod.model.errors import OpenprodError
from openprod.workspace.asking import Asker, Question
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import CheckShape


def checks(desk: Desk, asker: Asker, table: str | None = None) -> list[CheckShape]:
    """Returns every check, or those over one table (full name), with its count; raises UnknownName for no table."""
    if table is not None:
        desk.catalog.table(table)
    return [_counted(asker, one) for one in desk.catalog.checks.values() if table in (None, one.table)]


def _counted(asker: Asker, check: Check) -> CheckShape:
    shape: CheckShape = {
        "name": check.name,
        "title": check.title,
        "table": check.table,
        "where": check.where,
        "count": None,
        "text": "",
    }
    try:
        count = asker.count(Question(check.name, None, None, None, None))
    except OpenprodError as error:
        # A table that it asks about was changed under it: said where the count would stand, and no other check suffers.
        return {**shape, "text": f"{check.title} cannot be counted: {error}"}
    said = check.one if count == 1 and check.one else check.sentence
    return {**shape, "count": count, "text": said.replace("{count}", str(count))}
