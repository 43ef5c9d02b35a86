"""Saying that things are the same: fields mapped, records merged, and both taken back exactly.

Confirming writes no value, so nothing is chosen silently; taking back lists the values a side would lose under their
own identity, so that both sides keep what they showed and no false question arises (architecture section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openprod.catalog.names import quote
from openprod.catalog.tables import Catalog, Field
from openprod.merge.equivalence import Classes
from openprod.model.errors import Missing, Refused
from openprod.model.ids import derived_id, id_text
from openprod.model.ops import IdPair, KeyPair, Map, Member, Merge, Split, Unmap
from openprod.model.slots import MAPPING, SAME, is_field_key, member_key
from openprod.model.values import Plain, plain
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import Desk
from openprod.workspace.write import Edit

DECLINED = "core.declined"


class TypesDiffer(Refused):
    """Two fields of different types cannot be the same data."""

    code = "mapping.types_differ"


class NotMapped(Missing):
    """Two fields are not mapped to each other."""

    code = "mapping.unknown"


class SameThing(Refused):
    """A field or record is the same as itself already."""

    code = "mapping.same"


class NotMerged(Refused):
    """A record was never merged with another."""

    code = "merge.not_merged"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two fields that may be the same data, as a question for people."""

    low: str
    high: str
    text: str


# -- fields


def map_id(one: str, other: str) -> bytes:
    """Returns the subject of the mapping of two field keys."""
    return derived_id("map", *sorted((one, other)))


def stage_map(desk: Desk, edit: Edit, one: str, other: str) -> None:
    """Adds to an edit that two fields, by full key, are the same data.

    Raises:
        UnknownName: there is no such field.
        SameThing, TypesDiffer: they cannot be mapped.
    """
    low, high = sorted((one, other))
    fields = [desk.catalog.field(key) for key in (low, high)]
    if low == high:
        raise SameThing(f"{low} is one field. Name two to map.")
    _check_types(fields)
    if desk.heads.mapped.of(low) == desk.heads.mapped.of(high):
        raise SameThing(f"{low} and {high} are the same data already.")
    subject = map_id(low, high)
    edit.write_raw(Map, subject, MAPPING, KeyPair(low, high), desk.heads_now(subject, MAPPING))


def _check_types(fields: Sequence[Field]) -> None:
    one, other = fields
    if one.type != other.type or one.merge != other.merge:
        raise TypesDiffer(
            f"{one.title} ({one.key}) holds {_kind(one)} and {other.title} ({other.key}) holds {_kind(other)}, so they"
            " cannot be the same data. Change one of them, or keep them apart."
        )


def _kind(field: Field) -> str:
    return f"{field.type}{' that merges' if field.merge == 'crdt' else ''}"


def stage_unmap(desk: Desk, edit: Edit, one: str, other: str) -> None:
    """Adds to an edit that two mapped fields are apart again, each side keeping what it showed.

    Raises NotMapped where a person never mapped just these two.
    """
    low, high = sorted((one, other))
    subject = map_id(low, high)
    heads = desk.heads_now(subject, MAPPING)
    if not any(desk.op_at(oid).is_live for oid in heads):
        raise NotMapped(f"{low} and {high} are not mapped to each other. 'openprod mappings' shows what is.")
    edit.write_raw(Unmap, subject, MAPPING, None, heads)

    def carry(builder: ChunkBuilder, _: Sight) -> None:
        rows = desk.db.rows("SELECT low, high FROM mapped WHERE subject != ?", (subject,))
        after: Classes[str] = Classes(rows)
        parts = {after.of(key): after.members(key) for key in (low, high)}
        if len(parts) == 2:
            for part in parts.values():
                _carry_part(desk, builder, part)

    edit.build_with(carry)


def _carry_part(desk: Desk, builder: ChunkBuilder, keys: Sequence[str]) -> None:
    """Lists what a side of a mapping shows, but holds under the other side's key only, under its own."""
    numbers = [desk.heads.key_number(key) for key in keys]
    for eid in sorted(_eids_showing(desk, keys)):
        for record in desk.heads.load_eids((eid,)):
            members = desk.heads.class_of(record)
            own = {oid for one in members for number in numbers for oid in desk.heads.heads(one, number)}
            if own:
                continue
            for oid in desk.heads.united(record, numbers[0]):
                builder.add_carry([one.uuid for one in members], keys[0], oid)


def _eids_showing(desk: Desk, keys: Iterable[str]) -> set[int]:
    owners = {column.owner for key in keys for column in desk.model.columns_of.get(key, [])}
    return {
        eid
        for owner in owners
        for (eid,) in desk.db.rows(f'SELECT "~eid" FROM {quote(owner)}')  # noqa: S608 -- a quoted catalog name
    }


def mappings(desk: Desk) -> list[tuple[str, ...]]:
    """Returns the fields that are the same data, a tuple of full keys a class, sorted."""
    return list(desk.heads.mapped.all())


def pairs(desk: Desk) -> list[tuple[str, str]]:
    """Returns the pairs that people confirmed and nobody took back, sorted."""
    return sorted((low, high) for low, high in desk.db.rows("SELECT low, high FROM mapped"))


def suggestions(desk: Desk, declined: Iterable[tuple[str, str]] = ()) -> list[Suggestion]:
    """Returns the mappings that modules hint at by a shared key, and that nobody confirmed or declined yet.

    Only fields of one type, in tables of different modules. Nothing ever follows from a suggestion by itself.
    """
    said = set(declined)
    groups: dict[str, list[Field]] = {}
    for table in desk.catalog.tables.values():
        for field in table.fields.values():
            if field.shared_key:
                groups.setdefault(field.shared_key, []).append(field)
    found: list[Suggestion] = []
    for shared in sorted(groups):
        fields = sorted(groups[shared], key=lambda field: field.key)
        for at, one in enumerate(fields):
            for other in fields[at + 1 :]:
                pair = (one.key, other.key)
                is_apart = one.key.partition(".")[0] != other.key.partition(".")[0]
                is_new = desk.heads.mapped.of(one.key) != desk.heads.mapped.of(other.key) and pair not in said
                if is_apart and is_new and one.type == other.type and one.merge == other.merge:
                    found.append(Suggestion(*pair, question(desk.catalog, one, other, shared)))
    return found


def question(catalog: Catalog, one: Field, other: Field, shared: str) -> str:
    """Returns the sentence that asks whether two fields are the same data."""
    titles = [catalog.table(field.table).title for field in (one, other)]
    return f"{titles[0]} and {titles[1]} both have a '{shared}' field. Should these be the same data?"


# -- records


def merge_id(one: bytes, other: bytes) -> bytes:
    """Returns the subject of the merge of two records."""
    return derived_id("merge", *sorted((one, other)))


def stage_merge(desk: Desk, edit: Edit, one: bytes, other: bytes) -> None:
    """Adds to an edit that two records are one; the smaller id stands for it, both keep working."""
    low, high = sorted((desk.standing(one), desk.standing(other)))
    if low == high:
        raise SameThing(f"{desk.title(low)} is one record already.")
    for uuid in (low, high):
        if desk.relation_ends(uuid) is not None:
            raise Refused("Only records can be merged, and one of these is a relation.")
    subject = merge_id(low, high)
    edit.write_raw(Merge, subject, SAME, IdPair(low, high), desk.heads_now(subject, SAME))


def differences(desk: Desk, one: bytes, other: bytes) -> list[Mapping[str, Plain]]:
    """Returns the fields in which two records differ, as a merge would put them before people: key and both values."""
    found: list[Mapping[str, Plain]] = []
    records = [desk.record_of(uuid) for uuid in (one, other)]
    first, second = records
    if first is None or second is None:
        return found
    keys = dict.fromkeys([*desk.heads.class_slots(first), *desk.heads.class_slots(second)])
    for key in keys:
        text = desk.heads.key_texts[key]
        values = [desk.meaning.value_of(record, key) for record in (first, second)]
        if is_field_key(text) and None not in values and plain(values[0]) != plain(values[1]):
            found.append({"field": text, "one": plain(values[0]), "other": plain(values[1])})
    return found


def stage_split(desk: Desk, edit: Edit, uuid: bytes, tables: Sequence[str]) -> bytes:
    """Adds to an edit that one of the records merged into this one stands apart again, with these tables.

    Every field of a table goes with it; a field both sides show is kept on both. Returns the id that goes.

    Raises:
        NotMerged: the record was never merged.
        Refused: the tables are none of its own, or all of them.
    """
    members = desk.subjects_of(uuid)
    if len(members) == 1:
        raise NotMerged(f"{desk.title(uuid)} was not merged with anything, so there is nothing to split.")
    now = desk.member_tables(uuid)
    strangers = [table for table in tables if table not in now]
    if strangers or not tables or set(tables) == set(now):
        raise Refused(
            f"{desk.title(uuid)} is in {', '.join(now)}. Name those of them that go with the record that is split off,"
            " and leave at least one."
        )
    goes = _who_goes(desk, members, tables)
    edit.build_with(lambda builder, sight: _build_split(desk, builder, sight, members, goes, set(tables)))
    return goes


def _who_goes(desk: Desk, members: Sequence[bytes], tables: Sequence[str]) -> bytes:
    """Returns the member that was itself in most of the tables.

    Of equals the greatest id, never the one that stands.
    """

    def own(uuid: bytes) -> int:
        record = desk.heads.need(uuid)
        numbers = [desk.heads.key_number(member_key(table)) for table in tables]
        return sum(bool(desk.heads.heads(record, number)) for number in numbers)

    return max(members[1:], key=lambda uuid: (own(uuid), uuid))


def _build_split(
    desk: Desk, builder: ChunkBuilder, sight: Sight, members: Sequence[bytes], goes: bytes, tables: set[str]
) -> None:
    _part(desk, builder, members, goes)
    stay = [uuid for uuid in members if uuid != goes]
    for table in desk.member_tables(goes):
        for uuids, keeps in (([goes], table in tables), (stay, table not in tables)):
            _own_membership(desk, builder, uuids, table, keeps=keeps)
    for uuids, shown in (([goes], tables), (stay, set(desk.member_tables(goes)) - tables)):
        _own_values(desk, builder, sight, uuids, shown)


def _part(desk: Desk, builder: ChunkBuilder, members: Sequence[bytes], goes: bytes) -> None:
    """Takes back every merge of the one that goes, and joins the others anew where it alone held them together."""
    rows = desk.db.rows("SELECT subject, low, high FROM merged")
    for subject, low, high in rows:
        if goes in (low, high):
            builder.add_exactly(Split, (subject,), (SAME,), desk.heads_now(subject, SAME), None)
    left: Classes[bytes] = Classes((low, high) for _, low, high in rows if goes not in (low, high))
    heads = sorted({left.of(uuid) for uuid in members if uuid != goes})
    for other in heads[1:]:
        subject = merge_id(heads[0], other)
        builder.add_exactly(Merge, (subject,), (SAME,), desk.heads_now(subject, SAME), IdPair(heads[0], other))


def _own_membership(desk: Desk, builder: ChunkBuilder, uuids: Sequence[bytes], table: str, *, keeps: bool) -> None:
    number = desk.heads.key_number(member_key(table))
    for at, uuid in enumerate(uuids):
        heads = desk.heads.heads(desk.heads.need(uuid), number)
        is_in = any(desk.op_at(oid).is_live for oid in heads)
        wanted = keeps and (at == 0 or is_in)
        if wanted != is_in:
            builder.add_exactly(Member, (uuid,), (member_key(table),), heads, wanted)


def _own_values(desk: Desk, builder: ChunkBuilder, sight: Sight, uuids: Sequence[bytes], tables: set[str]) -> None:
    """Lists, for a side of a split, what its tables show but only the other side's ids hold."""
    records = [desk.heads.need(uuid) for uuid in uuids]
    keys = {
        field.key
        for name in tables
        if name in desk.catalog.tables
        for field in desk.catalog.tables[name].fields.values()
    }
    for key in sorted(keys):
        number = desk.heads.key_number(key)
        held = {
            oid for record in records for other in desk.heads.keys_of(number) for oid in desk.heads.heads(record, other)
        }
        for oid in sight.heads_now(uuids[0], key):
            if oid not in held:
                builder.add_carry(uuids, key, oid)


def merged_ids(desk: Desk, uuid: bytes) -> list[str]:
    """Returns the ids of a merged record as text, the one that stands for all first."""
    return [id_text(one) for one in desk.subjects_of(uuid)]
