"""Views of tables: those that modules bring and those that people saved, for everybody or for themselves.

Knows where both are kept and that they have one shape. Must not know how a table is drawn.
"""

from __future__ import annotations

from typing import cast

import msgspec

from openprod.catalog.tables import ShippedList
from openprod.model.errors import OpenprodError
from openprod.model.values import Plain
from openprod.query.tree import split_order
from openprod.workspace.asking import Asker, Question
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import ViewShape

VIEWS = "core.views"
Spec = dict[str, Plain]


def views(desk: Desk, asker: Asker, me: str, table: str | None = None) -> list[ViewShape]:
    """Returns the views of one table (full name) or of all that a person sees: modules' first, then saved ones by name.

    Args:
        desk, asker: the workspace.
        me: the person, by public key in hexadecimal; others' own views are left out.
        table: full name; raises UnknownName where there is no such table.
    """
    if table is not None:
        desk.catalog.table(table)
    shipped = [_shipped(asker, one) for one in desk.catalog.lists.values()]
    return [one for one in (*shipped, *_saved(asker, me)) if table in (None, one["table"])]


def _saved(asker: Asker, me: str) -> list[ViewShape]:
    found: list[ViewShape] = []
    for row in asker.rows(Question(None, None, {"from": VIEWS, "sort": {"order": ["name"]}}, None, None)):
        person = str(row.get("person") or "")
        if person not in ("", me):
            continue
        found.append(
            {
                "id": str(row["id"]),
                "title": str(row.get("name") or ""),
                "table": str(row.get("table") or ""),
                "person": person,
                "module": "",
                "spec": _read(str(row.get("spec") or "")),
            }
        )
    return found


def _read(text: str) -> Spec:
    """Returns what a saved view says; one that cannot be read says nothing."""
    try:
        return cast("Spec", msgspec.json.decode(text or "{}", type=dict[str, object]))
    except msgspec.MsgspecError:
        return {}


def _shipped(asker: Asker, one: ShippedList) -> ViewShape:
    spec: Spec = _asked(asker, one.table, one.query) if one.query else {}
    said: Spec = {
        "where": one.where,
        "order": list(one.order),
        "group": one.group,
        "fields": list(one.fields),
    }
    spec |= {key: value for key, value in said.items() if value}
    return {
        "id": one.name,
        "title": one.title,
        "table": one.table,
        "person": "",
        "module": one.name.partition(".")[0],
        "spec": spec,
    }


def _asked(asker: Asker, table: str, name: str) -> Spec:
    """Returns condition and order of a saved query whose rows are the table's own records; else nothing."""
    try:
        query = asker.query_of(Question(name, None, None, None, None))
    except OpenprodError:
        return {}
    if query.from_ != table or query.through or query.group is not None or query.first is not None:
        return {}
    columns = {name: column for name, column in query.select.items() if isinstance(column, str)}
    order: list[Plain] = []
    for term in query.sort.order:
        column, is_down = split_order(term)
        order.append(f"{columns.get(column, column)} desc" if is_down else columns.get(column, column))
    found: Spec = {"where": query.where, "order": order}
    return {key: value for key, value in found.items() if value}
