"""Reading a workspace as people and doors want it: records, relations, questions, history, status.

Asks the desk and puts facts into `shapes` and `wording`. Called with the desk's lock held; writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from openprod.catalog.check import parse
from openprod.catalog.tables import Field, Relation
from openprod.merge.heads import Head, Life, Offer, is_conflict, offers, shown
from openprod.merge.state_hash import text as hash_text
from openprod.model.bundle import CAUSE_NAMES, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ids import derived_id, id_text
from openprod.model.ops import (
    Admit,
    ClockAccept,
    InviteOpen,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    Relations,
    Rows,
    Text,
    subject_indexes,
    width,
)
from openprod.model.ops import (
    Place as PlaceOp,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, is_field_key, table_of_member_key
from openprod.model.text_update import read_update
from openprod.model.values import BlobRef, FieldRef, Plain, Value, plain
from openprod.store.heads import Record
from openprod.store.log import ORDINAL_BITS, SEQ_MASK, TOGETHER_KINDS, OpAt, StoredBundle, branch_of
from openprod.store.pending import ADMISSION, HELD, WAITING
from openprod.workspace import blobs, links, proposals, taking, wording
from openprod.workspace.desk import Desk, UnknownRecord, is_relation
from openprod.workspace.shapes import (
    ConflictShape,
    ConflictValue,
    FieldShape,
    LogEntry,
    NoticeShape,
    OpShape,
    RecordShape,
    RelationShape,
    StatusShape,
    TableShape,
)
from openprod.workspace.write import Edit

KEEP, DELETE = "keep", "delete"
OPS_SHOWN = 200
DAY_MS = 24 * 3600 * 1000

# A relation is shown while it and both its ends are there; until then questions about it rest.
_QUESTIONS = """
    SELECT conflict.eid, conflict.key FROM conflict JOIN entity USING(eid) LEFT JOIN edge USING(eid)
    WHERE main = 1 AND (alive > 0 OR (edge.live = 1 AND (SELECT alive > 0 FROM entity AS a WHERE a.eid = edge.src)
        AND (SELECT alive > 0 FROM entity AS b WHERE b.eid = edge.dst)))
    ORDER BY 1, 2"""


class UnknownConflict(Missing):
    """No open question goes by that id."""

    code = "conflict.unknown"


class NoSuchChoice(Refused):
    """A choice that the question does not offer."""

    code = "conflict.no_such_choice"


# -- small things


def moment(ms: int) -> str:
    """Returns milliseconds since 1970 UTC as ISO 8601 text with seconds.

    Beyond what calendars hold, as far as they go.
    """
    try:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"


def actor_of(desk: Desk, oid: int) -> bytes:
    """Returns who wrote an op."""
    return desk.log.branches[branch_of(oid >> ORDINAL_BITS)].actor


def actor_name(desk: Desk, actor: bytes) -> str:
    """Returns what a person is called here; eight hex digits of their key where nobody named them."""
    record = desk.record_of(derived_id("core.people", actor.hex()))
    if record is None:
        return actor.hex()[:8]
    row = desk.db.one('SELECT name FROM "core.people" WHERE "~eid" = ?', (record.eid,))
    if row is None:
        row = (desk.meaning.values_of(record, ("core.people.name",)).get("core.people.name"),)
    return row[0] if isinstance(row[0], str) and row[0] else actor.hex()[:8]


class Names:
    """What records and people are called, each looked up once: for one answer from one state of the workspace."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._titles: dict[bytes, str] = {}
        self._actors: dict[bytes, str] = {}

    def title(self, uuid: bytes) -> str:
        """Returns a record's title."""
        found = self._titles.get(uuid)
        if found is None:
            found = self._titles[uuid] = self._desk.title(uuid)
        return found

    def actor(self, actor: bytes) -> str:
        """Returns a person's name."""
        found = self._actors.get(actor)
        if found is None:
            found = self._actors[actor] = actor_name(self._desk, actor)
        return found


def at_of(desk: Desk, oid: int) -> str:
    """Returns when an op was written, as its author's clock (or whoever accepted it) says."""
    return moment(desk.log.row(oid >> ORDINAL_BITS).at)


# -- tables and records


def tables(desk: Desk) -> list[TableShape]:
    """Returns every table with the number of its records, the core's own last."""
    found: list[TableShape] = []
    for table in sorted(desk.catalog.tables.values(), key=lambda table: table.module == "core"):
        row = desk.db.one(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608 -- a catalog name, checked when read
        found.append(
            {
                "name": table.name,
                "title": table.title,
                "module": table.module,
                "count": row[0] if row else 0,
                "key": list(table.key),
                "hidden": table.hidden,
            }
        )
    return found


def fields(desk: Desk, name: str) -> list[FieldShape]:
    """Returns the fields of a table, or the properties of a relation, in order."""
    catalog = desk.catalog
    holder = catalog.relations[name].properties if name in catalog.relations else catalog.table(name).fields
    return [
        {
            "key": field.key,
            "name": field.column,
            "title": field.title,
            "type": field.type,
            "help": field.help,
            "required": field.required,
            "choices": list(field.choices),
            "open": field.open,
            "unit": field.unit,
            "hidden": field.hidden,
            "target": [table for table in field.target if table in catalog.tables],
        }
        for field in holder.values()
    ]


def record(desk: Desk, uuid: bytes) -> RecordShape:
    """Returns a record; deleted ones too, marked so. Raises UnknownRecord."""
    found = desk.record_of(uuid)
    if found is None or not desk.heads.class_slots(found):
        raise UnknownRecord(f"There is no record {id_text(uuid)} here.")
    values: dict[str, Plain] = {}
    heads: dict[str, list[str]] = {}
    conflicts: list[str] = []
    slots = [key for key in _shown_slots(desk, found) if is_field_key(desk.heads.key_texts[key])]
    sources = taking.sources_in(desk, found, (desk.heads.key_texts[key] for key in slots))
    for key in slots:
        text = desk.heads.key_texts[key]
        oids = desk.heads.united(found, key)
        heads[text] = [desk.op_text(oid) for oid in taking.heads_shown(desk, sources.get(text), oids)]
        values[text] = _shown_value(desk, desk.meaning.value_of(found, key))
        if len(oids) > 1 and is_conflict(desk.meaning.heads_of(found, key)):
            conflicts.append(text)
    return {
        "id": id_text(found.uuid),
        "title": desk.title(uuid),
        "tables": desk.member_tables(uuid),
        "origins": {table: links.origin_of(desk, uuid, table) for table in desk.member_tables(uuid)},
        "fields": values,
        "heads": heads,
        "taken": {text: taking.shape(desk, source) for text, source in sources.items()},
        "conflicts": sorted(conflicts),
        "marks": _marks(desk, found),
    }


def _shown_value(desk: Desk, value: Value) -> Plain:
    """Returns a value as a record shows it: a file with whether it is on this device."""
    shown_as = plain(value)
    if isinstance(value, BlobRef) and isinstance(shown_as, dict):
        shown_as["here"] = desk.blobs.size_of(value.hash) is not None
    return shown_as


def _shown_slots(desk: Desk, found: Record) -> list[int]:
    """Returns the slots of a record, those among them that it shows only because a field is mapped to another."""
    slots = dict.fromkeys(desk.heads.class_slots(found))
    if desk.heads.mapped:
        for name in desk.member_tables(found.uuid):
            table = desk.catalog.tables.get(name)
            for field in table.fields.values() if table is not None else ():
                if len(desk.keys_of(field.key)) > 1 and desk.heads_now(found.uuid, field.key):
                    slots[desk.heads.key_number(field.key)] = None
    return list(slots)


def _marks(desk: Desk, found: Record) -> list[str]:
    marks: list[str] = []
    if is_relation(found, desk.heads):
        marks.append("relation")
    elif found.alive == Life.GONE:
        marks.append("deleted")
    elif found.alive == Life.CONTESTED:
        marks.append("contested")
    if desk.db.numbers("SELECT 1 FROM shadow WHERE eid IN carray(?)", [one.eid for one in desk.heads.class_of(found)]):
        marks.append("replaced by work this version cannot read yet")
    return marks


def relations(desk: Desk, uuid: bytes) -> list[RelationShape]:
    """Returns the relations of a record that are shown, by relation, then place or title of the other end."""
    found = desk.record_of(uuid)
    if found is None:
        return []
    shapes: list[RelationShape] = []
    places: dict[str, str] = {}
    position = desk.heads.key_numbers.get(POSITION)
    rows = desk.db.rows("SELECT eid, type, src, dst FROM edge WHERE live = 1 AND (src = ?1 OR dst = ?1)", (found.eid,))
    for eid, type_no, src, dst in rows:
        name = desk.heads.key_texts[type_no]
        for is_source in (True, False):
            if (src if is_source else dst) != found.eid:
                continue
            other, own = desk.heads.uuid_of(dst if is_source else src), desk.heads.uuid_of(eid)
            if other is None or own is None or desk.is_gone(other) or desk.is_gone(uuid):
                continue
            edge = desk.record_of(own)
            relation = desk.catalog.relations.get(name)
            keys = [field.key for field in relation.properties.values()] if relation is not None else []
            values = desk.meaning.values_of(edge, keys) if edge is not None else {}
            if is_source and relation is not None and relation.ordered and edge is not None and position is not None:
                places[id_text(own)] = str(desk.meaning.value_of(edge, position) or "")
            shapes.append(
                {
                    "id": id_text(own),
                    "relation": name,
                    "name": _name_from(relation, name, is_source=is_source),
                    "other": id_text(other),
                    "title": desk.title(other),
                    "is_source": is_source,
                    "properties": {key: plain(value) for key, value in values.items()},
                }
            )

    def order(shape: RelationShape) -> tuple[str, bool, str, str]:
        place = places.get(shape["id"], shape["title"]) if shape["is_source"] else shape["title"]
        return shape["relation"], not shape["is_source"], place, shape["id"]

    return sorted(shapes, key=order)


def _name_from(relation: Relation | None, name: str, *, is_source: bool) -> str:
    if relation is None:
        return name
    return relation.title if is_source else relation.inverse or relation.title


# -- questions


def conflict_id(desk: Desk, uuid: bytes, key: str, oids: Iterable[int]) -> str:
    """Returns the id of a question: it includes the heads, so a question that moves on is another one."""
    ops = sorted(desk.address_of(oid) for oid in oids)
    heads = [bundle + ordinal.to_bytes(4, "big") for bundle, ordinal in ops]
    return derived_id("question", uuid, key, *heads)[:8].hex()


def conflicts(desk: Desk, uuid: bytes | None = None) -> list[ConflictShape]:
    """Returns the open questions, of one record or all, by title, then field. Those on deleted records rest."""
    found = [_shape(desk, one, key, oids) for one, key, oids in _open_questions(desk, uuid)]
    return sorted(found, key=lambda shape: (shape["text"], shape["id"]))


def count_conflicts(desk: Desk) -> int:
    """Returns how many questions are open."""
    contested = desk.db.one("SELECT count(*) FROM entity WHERE alive = 2")
    return len(desk.db.rows(_QUESTIONS)) + (contested[0] if contested is not None else 0)


def _open_questions(desk: Desk, uuid: bytes | None) -> Iterator[tuple[Record, int, tuple[int, ...]]]:
    """Yields (subject, slot key, heads) of every open question; the key of existence for contested deletions."""
    slots: dict[int, list[int]] = {}
    for eid, key in desk.db.rows(_QUESTIONS):
        slots.setdefault(eid, []).append(key)
    exists = desk.heads.key_numbers.get(EXISTS)
    if exists is not None:
        for (eid,) in desk.db.rows("SELECT eid FROM entity WHERE alive = 2"):
            slots.setdefault(eid, []).append(exists)
    for found in desk.heads.load_eids(slots):
        if uuid is None or found.uuid == uuid:
            for key in slots[found.eid]:
                yield found, key, desk.heads.united(found, key)


def _shape(desk: Desk, found: Record, key: int, oids: tuple[int, ...]) -> ConflictShape:
    text = desk.heads.key_texts[key]
    question = conflict_id(desk, found.uuid, text, oids)
    if text == EXISTS:
        return _delete_shape(desk, found, question, oids)
    heads = desk.meaning.heads_of(found, key)
    offered = offers(heads)
    title, label = desk.title(found.uuid), field_title(desk, text)
    edits = [
        (actor_name(desk, actor_of(desk, offer.heads[0].oid)), taking.said(desk, offer.value)) for offer in offered
    ]
    decisions = [offer for offer in offered if any(head.is_decision for head in offer.heads)]
    if len(decisions) > 1 and len(decisions) == len(offered):
        sentence = wording.decision_conflict(title, label, edits)
    elif decisions:
        decided = shown(heads)
        others = [edit for edit, offer in zip(edits, offered, strict=True) if decided not in offer.heads]
        sentence = wording.late_conflict(
            title, label, others, (actor_name(desk, actor_of(desk, decided.oid)), taking.said(desk, decided.value))
        )
    else:
        sentence = wording.value_conflict(title, label, edits)
    return {
        "id": question,
        "record": id_text(found.uuid),
        "field": text,
        "text": sentence,
        "values": [_value_shape(desk, offer) for offer in offered],
        "shown": desk.op_text(shown(heads).oid),
        "kind": "decision" if len(decisions) > 1 else "value",
    }


def field_title(desk: Desk, key: str) -> str:
    """Returns a field's title, its key where no table here declares it."""
    field = desk.catalog.find_field(key)
    return field.title if field is not None else key


def field_key(desk: Desk, uuid: bytes, name: str) -> str:
    """Returns the full key of a record's field from a short or full name; raises Missing naming where to look."""
    if "." in name and desk.catalog.find_field(name) is not None:
        return name
    tables = [desk.catalog.tables[one] for one in desk.member_tables(uuid) if one in desk.catalog.tables]
    found = [field.key for table in tables if (field := table.resolve(name)) is not None]
    if not found:
        raise Missing(f"{desk.title(uuid)} has no field '{name}'. 'openprod show' lists what it has.")
    return found[0]


def _value_shape(desk: Desk, offer: Offer) -> ConflictValue:
    newest = offer.heads[0]
    actor = actor_of(desk, newest.oid)
    return {
        "op": desk.op_text(newest.oid),
        "value": plain(offer.value),
        "actor": actor.hex(),
        "actor_name": actor_name(desk, actor),
        "at": at_of(desk, newest.oid),
        "decision": any(head.is_decision for head in offer.heads),
    }


def _delete_shape(desk: Desk, found: Record, question: str, oids: tuple[int, ...]) -> ConflictShape:
    deletes = [oid for oid in oids if not desk.op_at(oid).is_live]
    changed = _latest_work(desk, found, deletes)
    deleters = list(dict.fromkeys(actor_name(desk, actor_of(desk, oid)) for oid in deletes))
    changers = list(dict.fromkeys(actor_name(desk, actor_of(desk, oid)) for oid in changed))
    values: list[ConflictValue] = []
    newest = max(changed or oids, key=desk.log.order_of)
    for what, oid in ((KEEP, newest), (DELETE, max(deletes, key=desk.log.order_of))):
        actor = actor_of(desk, oid)
        values.append(
            {
                "op": desk.op_text(oid),
                "value": what,
                "actor": actor.hex(),
                "actor_name": actor_name(desk, actor),
                "at": at_of(desk, oid),
                "decision": False,
            }
        )
    return {
        "id": question,
        "record": id_text(found.uuid),
        "field": EXISTS,
        "text": wording.delete_conflict(desk.title(found.uuid), deleters, changers),
        "values": values,
        "shown": values[0]["op"],
        "kind": "delete",
    }


def _latest_work(desk: Desk, found: Record, deletes: Sequence[int]) -> list[int]:
    """Returns the heads on a record that no deletion of it knew."""
    numbers = [oid >> ORDINAL_BITS for oid in deletes]
    work: list[int] = []
    for key in desk.heads.class_slots(found):
        for oid in desk.heads.united(found, key):
            op = desk.op_at(oid)
            if (
                op.is_live is not False
                and not op.is_auto
                and not any(desk.log.knows(number, oid >> ORDINAL_BITS) for number in numbers)
            ):
                work.append(oid)
    return work


def stage_resolution(desk: Desk, edit: Edit, question: str, choose: int | str | None, value: object) -> None:
    """Adds the settling of a question to an edit.

    Args:
        desk: the workspace.
        edit: what to add to.
        question: the question's id or a unique beginning of it.
        choose: the number (from 1) or op id of an offered value; None to write `value`.
        value: a raw value.

    Raises:
        UnknownConflict: it is not open (any more), or moved on and is another one now.
        NoSuchChoice: it does not offer that.
    """
    found, key, _ = _find_question(desk, question)
    text = desk.heads.key_texts[key]
    if text == EXISTS:
        _stage_life(desk, edit, found, choose, value)
        return
    heads = desk.meaning.heads_of(found, key)
    settled = _chosen(desk, heads, choose) if choose is not None else _given(desk, text, value)
    edit.decide(found.uuid, text, settled, tuple(head.oid for head in heads))


def _find_question(desk: Desk, question: str) -> tuple[Record, int, tuple[int, ...]]:
    found = [
        one
        for one in _open_questions(desk, None)
        if conflict_id(desk, one[0].uuid, desk.heads.key_texts[one[1]], one[2]).startswith(question)
    ]
    if len(question) < 4 or not found:
        raise UnknownConflict(
            f"There is no open question {question}: it was settled, or somebody's change made it another one. See:"
            " openprod conflicts"
        )
    if len(found) > 1:
        raise UnknownConflict(
            f"{question} is the beginning of several questions. Give more of it; see: openprod conflicts"
        )
    return found[0]


def _chosen(desk: Desk, heads: Sequence[Head], choose: int | str) -> Value:
    offered = offers(heads)
    if isinstance(choose, int) or choose.isdigit():
        number = int(choose)
        if not 1 <= number <= len(offered):
            raise NoSuchChoice(f"This question offers values 1 to {len(offered)}, not {number}.")
        return offered[number - 1].value
    oid = desk.oid_of(choose)
    for offer in offered:
        if any(head.oid == oid for head in offer.heads):
            return offer.value
    raise NoSuchChoice(f"This question does not offer the change {choose}.")


def _given(desk: Desk, key: str, raw: object) -> Value:
    field: Field | None = desk.catalog.find_field(key)
    if field is None:
        raise Refused(f"No table here declares {key}, so only an offered value can be chosen.")
    return parse(field, raw)[0]


def _stage_life(desk: Desk, edit: Edit, found: Record, choose: int | str | None, value: object) -> None:
    answer = {"1": KEEP, "2": DELETE}.get(str(choose), str(choose)) if choose is not None else str(value)
    if answer not in (KEEP, DELETE):
        shape = _delete_shape(desk, found, "", desk.heads.heads(found, desk.heads.key_number(EXISTS)))
        answer = next((str(one["value"]) for one in shape["values"] if one["op"] == answer), answer)
    if answer == KEEP:
        edit.restore(id_text(found.uuid))
    elif answer == DELETE:
        edit.delete(id_text(found.uuid))
    else:
        raise NoSuchChoice("Choose 1 (keep it) or 2 (delete it).")


# -- history


def history(desk: Desk, uuid: bytes, field: str | None = None) -> list[LogEntry]:
    """Returns every change of a record, or of one of its fields, the newest first.

    Walks from the heads along what they replaced.
    """
    found = desk.record_of(uuid)
    if found is None:
        raise UnknownRecord(f"There is no record {id_text(uuid)} here.")
    wanted = _history_keys(desk, found, field)
    seen: dict[tuple[int, str], OpAt] = {}
    for key in wanted:
        text = desk.heads.key_texts[key]
        todo = [desk.op_at(oid) for oid in desk.heads.united(found, key)]
        while todo:
            one = todo.pop()
            if (one.oid, text) not in seen:
                seen[one.oid, text] = one
                todo += desk.replaced_by(one, uuid, text)
    names = Names(desk)
    return _entries(desk, names, [(oid, _op_shape(desk, names, op, uuid, text)) for (oid, text), op in seen.items()])


def replaced_texts(desk: Desk, uuid: bytes, key: str, op: str) -> list[str]:
    """Returns what a change of a field replaced there, in words, the newest first; empty where it was the first."""
    found = desk.op_at(desk.oid_of(op))
    if isinstance(found.op, TOGETHER_KINDS):
        # What somebody typed, or put into a list, stands beside what was there.
        return []
    ops = sorted(desk.replaced_by(found, uuid, key), key=lambda one: desk.log.order_of(one.oid), reverse=True)
    values = (taking.said(desk, desk.value_at(one.oid)) for one in ops if one.is_live is None)
    return list(dict.fromkeys(map(wording.value_text, values)))


def _history_keys(desk: Desk, found: Record, field: str | None) -> list[int]:
    keys = [*desk.heads.class_slots(found), *_shown_slots(desk, found)]
    if field is None:
        # What is mapped is one field with one history.
        return list({desk.heads.keys_of(key)[0]: key for key in reversed(keys)}.values())[::-1]
    named = [
        key
        for key in dict.fromkeys(keys)
        if desk.heads.key_texts[key] == field or desk.heads.key_texts[key].rpartition(".")[2] == field
    ]
    if named:
        return named
    field_key(desk, found.uuid, field)
    return []


def _entries(desk: Desk, names: Names, ops: Sequence[tuple[int, OpShape]]) -> list[LogEntry]:
    grouped: dict[int, list[tuple[int, OpShape]]] = {}
    for oid, shape in ops:
        grouped.setdefault(oid >> ORDINAL_BITS, []).append((oid, shape))
    stored = sorted(desk.log.stored(grouped), key=lambda one: (one.eff, one.id), reverse=True)
    return [
        _entry(desk, names, one, [shape for _, shape in sorted(grouped[one.no], key=lambda pair: pair[0])])
        for one in stored
    ]


def _entry(desk: Desk, names: Names, stored: StoredBundle, ops: list[OpShape]) -> LogEntry:
    header = desk.log.header(stored.no)
    actor = desk.log.branches[branch_of(stored.no)].actor
    return {
        "bundle": stored.id.hex(),
        "actor": actor.hex(),
        "actor_name": names.actor(actor),
        "at": moment(stored.at),
        "cause": ", ".join(dict.fromkeys(cause_text(cause) for cause in header.causes)),
        "label": header.label,
        "ops": ops,
    }


def cause_text(cause: Cause) -> str:
    """Returns a cause in words: "import cast.csv"."""
    name = CAUSE_NAMES[cause.kind] if cause.kind < len(CAUSE_NAMES) else f"cause {cause.kind}"
    detail = next((part for part in cause.detail if isinstance(part, str)), "")
    return f"{name} {detail}".strip()


def log_entries(desk: Desk, limit: int) -> list[LogEntry]:
    """Returns the last bundles in the order they came here, the newest first, with at most 200 of the ops of each."""
    names = Names(desk)
    rows = desk.db.rows("SELECT no FROM bundle ORDER BY place DESC LIMIT ?", (limit,))
    return [entry(desk, names, number) for (number,) in rows]


def entry(desk: Desk, names: Names, number: int) -> LogEntry:
    """Returns a bundle as history shows it, with at most 200 of its ops."""
    return _entry(desk, names, desk.log.row(number), list(ops_of(desk, number, names)))


def ops_of(desk: Desk, number: int, names: Names) -> Iterator[OpShape]:
    """Yields the ops of a bundle as history shows them, at most 200 besides row blocks."""
    header = desk.log.header(number)
    if number in desk.log.unread:
        return
    ordinal = 0
    shown_ops = 0
    for index in range(len(header.chunks)):
        chunk, _ = desk.log.chunk(number, index)
        for op in chunk.ops:
            if isinstance(op, Rows | Relations):
                count = len(op.payload.rows)
                what = op.payload.table if isinstance(op, Rows) else op.payload.type
                first = chunk.subjects[op.subjects[0] * 16 : op.subjects[0] * 16 + 16]
                title = names.title(first) if count == 1 and isinstance(op, Rows) else ""
                text = f"{title} created in {what}" if title else f"{count} created in {what}"
                yield {
                    "op": desk.op_text(number << ORDINAL_BITS | ordinal),
                    "kind": "create",
                    "record": id_text(first),
                    "title": title,
                    "field": what,
                    "value": count,
                    "text": text,
                }
            else:
                for at in subject_indexes(op.subjects):
                    for key in op.keys:
                        if shown_ops < OPS_SHOWN:
                            found = desk.op_at(number << ORDINAL_BITS | ordinal)
                            subject = chunk.subjects[at * 16 : at * 16 + 16]
                            yield _op_shape(desk, names, found, subject, chunk.keys[key])
                        shown_ops += 1
            ordinal += width(op)


def _op_shape(desk: Desk, names: Names, op: OpAt, uuid: bytes, key: str) -> OpShape:
    title = names.title(uuid)
    kind, text = _op_words(desk, op, title, uuid, key)
    return {
        "op": desk.op_text(op.oid),
        "kind": kind,
        "record": id_text(uuid),
        "title": title,
        "field": key,
        "value": plain(_op_value(op.op, op.value)),
        "text": text,
    }


def _op_value(op: KnownOp, value: Value) -> Value:
    """Returns what an op says by itself: of a text what was typed, of a list the element."""
    if isinstance(op, Text):
        return read_update(op.payload.update).letters or None
    return op.payload.value if isinstance(op, ListAdd) else value


def _op_words(desk: Desk, op: OpAt, title: str, uuid: bytes, key: str) -> tuple[str, str]:
    table = table_of_member_key(key)
    if key == EXISTS:
        word = "created" if isinstance(op.op, Rows) else "restored" if op.is_live else "deleted"
        return word.removesuffix("d"), f"{title} {word}"
    if table is not None:
        return ("put", f"{title} put into {table}") if op.is_live else ("remove", f"{title} taken out of {table}")
    if key == RELATION:
        return ("relate", f"{title} related") if op.is_live else ("unrelate", f"{title} unrelated")
    if key.startswith("@"):
        return _structure_words(op.op)
    label = wording.field_name(field_title(desk, key))
    if isinstance(op.op, Text):
        typed = read_update(op.op.payload.update)
        return "type", wording.typed(title, label, typed.letters, typed.deleted)
    if isinstance(op.op, ListAdd | ListRemove | ListReset):
        return _list_words(op.op, title, label)
    if op.is_decision:
        return (
            "decide",
            f"{wording.possessive(title)} {label} decided: {wording.value_text(taking.said(desk, op.value))}",
        )
    if op.value is None:
        return "clear", f"{wording.possessive(title)} {label} cleared"
    if isinstance(op.value, FieldRef):
        return "refer", f"{wording.possessive(title)} {label} {wording.value_text(taking.said(desk, op.value))}"
    if isinstance(op.value, BlobRef):
        number = blobs.issue(desk, op.oid, uuid, key)
        return (
            "set",
            f"{wording.possessive(title)} {label}: {wording.value_text(op.value)}, {wording.issue_text(number)}",
        )
    return "set", f"{wording.possessive(title)} {label} set to {wording.value_text(taking.said(desk, op.value))}"


def _list_words(op: ListAdd | ListRemove | ListReset, title: str, label: str) -> tuple[str, str]:
    whose = f"{wording.possessive(title)} {label}"
    if isinstance(op, ListAdd):
        return "list add", f"{wording.value_text(op.payload.value)} put into {whose}"
    if isinstance(op, ListRemove):
        return "list remove", f"something taken out of {whose}"
    return "list reset", f"{whose} emptied"


def _structure_words(op: KnownOp) -> tuple[str, str]:
    match op:
        case InviteOpen():
            return "invite", f"Invitation opened: {op.payload.label}"
        case Admit():
            return "admit", "Somebody let in"
        case ClockAccept():
            return "accept", "A change with a wrong clock accepted"
        case PlaceOp():
            return "place", "Moved in its list"
        case _:
            return "structure", "Housekeeping"


# -- status and notices


def status(desk: Desk, name: str) -> StatusShape:
    """Returns where the workspace stands."""
    counts = desk.pending.counts()
    key = desk.own_key()
    identity = desk.home.identity()
    row = desk.db.one("SELECT count(*) FROM bundle")
    return {
        "name": name,
        "workspace": desk.id.hex(),
        "path": str(desk.folder),
        "actor": identity.actor.hex() if identity is not None else "",
        "actor_name": actor_name(desk, identity.actor) if identity is not None else "",
        "log": key.log.hex() if key is not None else "",
        "logs": len({arm.id for arm in desk.log.shared_branches()}),
        "frontier": [{"log": one.log.hex(), "seq": one.seq, "tip": one.tip.hex()} for one in desk.log.frontier()],
        "bundles": row[0] if row else 0,
        "state_hash": hash_text(desk.applier.hash),
        "conflicts": count_conflicts(desk),
        "pending": sum(counts.values()),
        "waiting": counts.get(WAITING, 0),
        "held": counts.get(HELD, 0),
        "admission": counts.get(ADMISSION, 0),
        "unread": len(desk.log.unread),
        "quarantined": len(desk.ingest.quarantine.bundles()),
    }


def notices(desk: Desk, now_ms: int) -> list[NoticeShape]:
    """Returns what is worth knowing and blocks nothing: what waits and why, forks, what this version cannot read."""
    found: list[NoticeShape] = [*_pending_notices(desk, now_ms)]
    if desk.log.unread:
        found.append({"kind": "unread", "text": wording.unread_notice(len(desk.log.unread))})
    quarantine = desk.ingest.quarantine
    if damaged := quarantine.bundles():
        found.append({"kind": "damaged", "text": wording.damaged_notice(len(damaged))})
    found.extend({"kind": "derived", "text": text} for text in quarantine.derived())
    for link, count in links.lacking(desk):
        one, other = (desk.catalog.table(name).title for name in (link.source, link.target))
        found.append({"kind": "link", "text": wording.link_notice(one, other, (link.source, link.target), count)})
    if proposed := len(proposals.proposals(desk)):
        found.append({"kind": "proposal", "text": wording.proposal_notice(proposed)})
    late: dict[bytes, list[int]] = {}
    for kind, number, _, detail in desk.db.rows(
        "SELECT kind, bundle, ordinal, detail FROM flag WHERE bundle ORDER BY kind, bundle, ordinal"
    ):
        name = actor_name(desk, desk.log.branches[branch_of(number)].actor)
        match kind:
            case "fork":
                found.append({"kind": kind, "text": wording.fork_notice(name, number & SEQ_MASK)})
            case "void_over":
                found.append({"kind": kind, "text": wording.void_notice(name)})
            case "automation":
                found.append({"kind": kind, "text": wording.automation_notice(name)})
            case "late":
                late.setdefault(desk.log.branches[branch_of(number)].actor, []).append(int(detail) // DAY_MS)
            case _:
                continue
    for actor, days in late.items():
        found.append({"kind": "late", "text": wording.late_notice(actor_name(desk, actor), days)})
    return found


def _pending_notices(desk: Desk, now_ms: int) -> Iterator[NoticeShape]:
    groups: dict[tuple[str, bytes], list[tuple[str, int]]] = {}
    for one in desk.pending.all():
        groups.setdefault((one.reason, one.log), []).append((one.detail, one.claimed_ms))
    for (reason, log), entries in groups.items():
        arms = desk.log.branches_of(log)
        name = actor_name(desk, arms[0].actor) if arms else log.hex()[:8]
        if reason == HELD:
            ahead = max(claimed for _, claimed in entries) - now_ms
            yield {"kind": "held", "text": wording.held_notice(name, ahead / DAY_MS, len(entries))}
        elif reason == ADMISSION:
            yield {"kind": "admission", "text": wording.admission_notice(log.hex(), len(entries))}
        else:
            missing = {need for detail, _ in entries for need in detail.split()}
            yield {"kind": "waiting", "text": wording.waiting_notice(name, len(entries), max(len(missing), 1))}
