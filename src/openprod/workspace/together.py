"""What the writes of a field say together: texts that several typed in, lists that several put things into.

Asks `merge` and the log. Must not know whose field it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from openprod.merge.lists import Element, ListHead, elements, value_of
from openprod.model.ops import ListAdd, ListRemove, ListReset, Text
from openprod.model.values import Value, value_key
from openprod.store.log import ORDINAL_BITS, Log, OpAt
from openprod.workspace.texts import Texts

LIST_OPS = ListAdd | ListRemove | ListReset
_LIST = b"list"


def says(log: Log, texts: Texts, oids: Sequence[int]) -> dict[int, Value]:
    """Returns what each of a field's heads says, seen beside the others."""
    ops = [log.op_at(oid) for oid in oids]
    if any(isinstance(op.op, LIST_OPS) for op in ops):
        value = value_of(elements_of(log, ops))
        return dict.fromkeys(oids, value)
    found: dict[int, Value] = {op.oid: op.value for op in ops}
    read = texts.read(op.oid for op in ops if isinstance(op.op, Text))
    found.update((oid, text or None) for oid, text in read.items())
    return found


def elements_of(log: Log, ops: Sequence[OpAt]) -> list[Element]:
    """Returns the elements of a list, given its heads."""
    by_bundle = {log.id_of(op.oid >> ORDINAL_BITS): op.oid >> ORDINAL_BITS for op in ops}

    def knows(one: ListHead, other: ListHead) -> bool:
        return log.knows(by_bundle[one.order[1]], by_bundle[other.order[1]])

    return elements([_list_head(log, op) for op in ops], knows)


def _list_head(log: Log, op: OpAt) -> ListHead:
    order = log.order_of(op.oid)
    match op.op:
        case ListAdd():
            return ListHead("add", op.op.payload.value, op.op.payload.element, op.op.payload.position, order)
        case ListRemove():
            return ListHead("remove", None, op.op.payload, "", order)
        case ListReset():
            return ListHead("reset", None, b"", "", order)
        case _:
            return ListHead("value", op.value, b"", "", order)


def sameness(texts: Texts, op: OpAt) -> bytes:
    """Returns bytes that are equal where two writes of one field are no question."""
    if isinstance(op.op, Text):
        return texts.base(op.oid)
    return _LIST if isinstance(op.op, LIST_OPS) else value_key(op.value)
