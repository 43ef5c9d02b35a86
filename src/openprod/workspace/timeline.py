"""The history a page at a time, and what people decided: for whoever looks back.

Knows the log and the words of `reading`. Writes nothing; called with the desk's lock held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openprod.model.slots import is_field_key
from openprod.model.values import plain
from openprod.store.log import branch_of
from openprod.workspace import reading
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import DecisionShape, HistoryPage, LogEntry, OpShape

SCANNED_MAX: Final = 4_000
OPS_MAX: Final = 40


def page(
    desk: Desk, limit: int, *, before: int | None = None, actor: str = "", table: str = "", words: str = ""
) -> HistoryPage:
    """Returns entries of the history that fit, the newest first, and where the next page begins.

    Args:
        desk: the workspace.
        limit: how many entries.
        before: the place that a page before gave; None for the newest.
        actor: whose, as the beginning of an id in hex.
        table: about which table.
        words: a text that label or changes hold.
    """
    names = reading.Names(desk)
    found: list[LogEntry] = []
    place = before
    wanted = words.casefold()
    for scanned, (number, at) in enumerate(_newest(desk, before)):
        if len(found) >= limit or scanned >= SCANNED_MAX:
            return {"entries": found, "next": place}
        place = at
        if actor and not desk.log.branches[branch_of(number)].actor.hex().startswith(actor):
            continue
        entry = reading.entry(desk, names, number)
        ops = [op for op in entry["ops"] if not table or _table_of(op) == table]
        if (table and not ops) or (wanted and not _says(entry["label"], ops, wanted)):
            continue
        found.append({**entry, "ops": ops[:OPS_MAX]})
    return {"entries": found, "next": None}


def _newest(desk: Desk, before: int | None) -> Iterator[tuple[int, int]]:
    """Yields number and place of bundles, the last to come here first."""
    rows = desk.db.rows(
        "SELECT no, place FROM bundle WHERE ? IS NULL OR place < ? ORDER BY place DESC LIMIT ?",
        (before, before, SCANNED_MAX + 1),
    )
    yield from list(rows)


def _table_of(op: OpShape) -> str:
    field = op["field"].removeprefix("@in/")
    if op["kind"] == "create" or field != op["field"]:
        return field
    return field.rpartition(".")[0] if is_field_key(field) else ""


def _says(label: str, ops: list[OpShape], wanted: str) -> bool:
    return wanted in label.casefold() or any(wanted in op["text"].casefold() for op in ops)


def decisions(desk: Desk, limit: int) -> list[DecisionShape]:
    """Returns what people decided about fields, the newest first, with the values that stood beside each other."""
    names = reading.Names(desk)
    found: list[DecisionShape] = []
    for number, _ in _newest(desk, None):
        for op in reading.ops_of(desk, number, names):
            if op["kind"] != "decide" or not is_field_key(op["field"]):
                continue
            found.append(_decision(desk, names, op))
            if len(found) == limit:
                return found
    return found


def _decision(desk: Desk, names: reading.Names, op: OpShape) -> DecisionShape:
    uuid, key = desk.uuid_in(op["record"], {}, ()), op["field"]
    oid = desk.oid_of(op["op"])
    actor = reading.actor_of(desk, oid)
    offered = [one for one in desk.replaced_by(desk.op_at(oid), uuid, key) if one.is_live is None]
    return {
        "op": op["op"],
        "record": op["record"],
        "title": op["title"],
        "field": key,
        "value": op["value"],
        "actor_name": names.actor(actor),
        "at": reading.at_of(desk, oid),
        "stands": oid in desk.heads_now(uuid, key),
        "offered": [
            {
                "op": desk.op_text(one.oid),
                "value": plain(one.value),
                "actor": reading.actor_of(desk, one.oid).hex(),
                "actor_name": names.actor(reading.actor_of(desk, one.oid)),
                "at": reading.at_of(desk, one.oid),
                "decision": one.is_decision,
            }
            for one in offered
        ],
    }
