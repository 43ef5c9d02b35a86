"""Saying that things are the same: fields mapped, records merged, and both taken back exactly.

Confirming writes no value, so nothing is chosen silently; taking back lists the values a side would lose under their
own identity, so that both sides keep what they showed and no false question arises (architecture section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from openprod.catalog.tables import Catalog, Field
from openprod.merge.equivalence import Classes
from openprod.model.errors import Missing, Refused
from openprod.model.ids import EntityId, derived_id, id_text
from openprod.model.ops import IdPair, KeyPair, Map, Member, Merge, Split, Unmap
from openprod.model.slots import MAPPING, SAME, is_field_key, member_key, table_of_member_key
from openprod.model.values import Plain, plain
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import MappingShape
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


class NoSuggestion(Missing):
    """Nothing is suggested, or declined, by that id."""

    code = "mapping.no_suggestion"


MAPPING_KIND, MATCH_KIND = "mapping", "match"


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
    stage_undecline(desk, edit, MAPPING_KIND, low, high)


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
    """Lists what a side of a mapping shows, but holds under the other side's key only, under its own.

    Of records that are, or ever were, in its tables: what is out of sight comes back with what it showed.
    """
    numbers = [desk.heads.key_number(key) for key in keys]
    tables = sorted({column.owner for key in keys for column in desk.model.columns_of.get(key, [])})
    members = [desk.heads.key_number(member_key(table)) for table in tables]
    sides = [number for key in desk.keys_of(keys[0]) for number in (desk.heads.key_number(key),)]
    done: set[int] = set()
    for record in desk.heads.load_eids(sorted(desk.heads.eids_with(sides))):
        one = desk.heads.class_of(record)
        if one[0].eid in done or not any(desk.heads.united(record, number) for number in members):
            continue
        done.add(one[0].eid)
        if not any(desk.heads.heads(member, number) for member in one for number in numbers):
            for oid in desk.heads.united(record, numbers[0]):
                builder.add_carry([member.uuid for member in one], keys[0], oid)


def mappings(desk: Desk) -> list[tuple[str, ...]]:
    """Returns the fields that are the same data, a tuple of full keys a class, sorted."""
    return list(desk.heads.mapped.all())


def pairs(desk: Desk) -> list[tuple[str, str]]:
    """Returns the pairs that people confirmed and nobody took back, sorted."""
    return sorted((low, high) for low, high in desk.db.rows("SELECT low, high FROM mapped"))


def suggestions(desk: Desk) -> list[MappingShape]:
    """Returns the mappings that modules hint at by a shared key, and that nobody confirmed or declined yet.

    Only fields of one type, in tables of different modules. Nothing ever follows from a suggestion by itself.
    """
    said = declined(desk, MAPPING_KIND)
    groups: dict[str, list[Field]] = {}
    for table in desk.catalog.tables.values():
        for field in table.fields.values():
            if field.shared_key:
                groups.setdefault(field.shared_key, []).append(field)
    found: list[MappingShape] = []
    for shared in sorted(groups):
        fields = sorted(groups[shared], key=lambda field: field.key)
        for at, one in enumerate(fields):
            for other in fields[at + 1 :]:
                is_apart = one.key.partition(".")[0] != other.key.partition(".")[0]
                is_new = desk.heads.mapped.of(one.key) != desk.heads.mapped.of(other.key)
                if is_apart and is_new and one.type == other.type and one.merge == other.merge:
                    state = "declined" if (one.key, other.key) in said else "suggested"
                    text = question(desk.catalog, one, other, shared)
                    found.append(_mapping_shape(one.key, other.key, state, text))
    return [one for one in found if one["state"] == "suggested"]


def _mapping_shape(
    low: str, high: str, state: Literal["confirmed", "suggested", "declined"], text: str
) -> MappingShape:
    return {"id": map_id(low, high)[:4].hex(), "one": low, "other": high, "state": state, "text": text}


def mapping_shapes(desk: Desk) -> list[MappingShape]:
    """Returns the mappings that people confirmed, then those suggested, then those declined."""
    confirmed = [
        _mapping_shape(low, high, "confirmed", f"{low} and {high} are the same data.") for low, high in pairs(desk)
    ]
    refused = [
        _mapping_shape(low, high, "declined", f"{low} and {high} are kept apart.")
        for low, high in sorted(declined(desk, MAPPING_KIND))
        if (low, high) not in pairs(desk)
    ]
    return [*confirmed, *suggestions(desk), *refused]


def find_mapping(desk: Desk, reference: str) -> MappingShape:
    """Returns what was suggested or declined under an id or a beginning of it; raises NoSuggestion."""
    found = [one for one in mapping_shapes(desk) if one["state"] != "confirmed" and one["id"].startswith(reference)]
    if not reference or len(found) != 1:
        raise NoSuggestion(f"Nothing is suggested under '{reference}'. 'openprod mappings' lists what is.")
    return found[0]


def declined(desk: Desk, kind: str) -> set[tuple[str, str]]:
    """Returns the pairs of one kind that somebody declined and that are not asked about again."""
    rows = desk.db.rows('SELECT one, other FROM "core.declined" WHERE kind = ?', (kind,))
    return {(str(one), str(other)) for one, other in rows}


def declined_id(kind: str, one: str, other: str) -> bytes:
    """Returns the record that says that a pair was declined."""
    return derived_id(DECLINED, kind, *sorted((one, other)))


def stage_decline(desk: Desk, edit: Edit, kind: str, one: str, other: str) -> None:
    """Adds to an edit that a pair is not to be suggested again."""
    low, high = sorted((one, other))
    record = declined_id(kind, low, high)
    if desk.is_known(record):
        edit.restore(id_text(record))
        edit.put(id_text(record), into=DECLINED)
    else:
        fields = {"name": f"{kind}: {low} and {high}", "kind": kind, "one": low, "other": high}
        edit.add_record(DECLINED, fields, record_id=EntityId(record))


def stage_undecline(desk: Desk, edit: Edit, kind: str, one: str, other: str) -> None:
    """Adds to an edit that a pair that was declined is no longer, because somebody says that it is the same."""
    record = declined_id(kind, one, other)
    if desk.is_known(record) and DECLINED in desk.member_tables(record):
        edit.remove(id_text(record), from_=DECLINED)


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
    stage_undecline(desk, edit, MATCH_KIND, id_text(low), id_text(high))


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


def stage_split(desk: Desk, edit: Edit, uuid: bytes, tables: Sequence[str], named: bytes | None = None) -> bytes:
    """Adds to an edit that one of the records merged into this one stands apart again, with these tables.

    The one that stays keeps the other tables, and those of these in which it was by itself before the merge. Every
    field of a table goes with it; a field both sides show is kept on both. Returns the id that goes.

    Args:
        desk: the workspace.
        edit: the edit.
        uuid: the merged record.
        tables: those that go; none given: those in which the one that goes was by itself.
        named: which of the merged ones goes; None takes the one that was itself in most of the tables.

    Raises:
        NotMerged: the record was never merged.
        Refused: the tables are none of its own, or all of them.
    """
    members = desk.subjects_of(uuid)
    if len(members) == 1:
        raise NotMerged(f"{desk.title(uuid)} was not merged with anything, so there is nothing to split.")
    now = desk.member_tables(uuid)
    goes = named if named in members[1:] else _who_goes(desk, members, tables or now)
    wanted = set(tables) or set(_own_tables(desk, (goes,), members))
    kept = (set(now) - wanted) | set(_own_tables(desk, [one for one in members if one != goes], members))
    if wanted - set(now) or not wanted or not kept:
        raise Refused(
            f"{desk.title(uuid)} is in {', '.join(now)}. Name those of them that go with the record that is split off,"
            " and leave at least one."
        )
    edit.build_with(lambda builder, sight: _build_split(desk, builder, sight, (members, goes), (wanted, kept)))
    return goes


def _own_tables(desk: Desk, some: Iterable[bytes], members: Sequence[bytes]) -> list[str]:
    """Returns the tables that some of the merged records were put into by themselves, not as the merged one."""
    found: list[str] = []
    for uuid in some:
        record = desk.heads.need(uuid)
        for key in desk.heads.slots(record):
            table = table_of_member_key(desk.heads.key_texts[key])
            ops = [desk.op_at(oid) for oid in desk.heads.heads(record, key)] if table is not None else []
            if table is not None and any(op.is_live and len(set(members) & set(op.subjects)) == 1 for op in ops):
                found.append(table)
    return sorted(set(found))


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
    desk: Desk,
    builder: ChunkBuilder,
    sight: Sight,
    who: tuple[Sequence[bytes], bytes],
    what: tuple[set[str], set[str]],
) -> None:
    """Builds a split of `who`, the merged records and the one that goes, with `what`: the tables that go, that stay."""
    members, goes = who
    stay = [uuid for uuid in members if uuid != goes]
    sides = list(zip(([goes], stay), what, strict=True))
    _part(desk, builder, members, goes)
    for table in desk.member_tables(goes):
        for uuids, shown in sides:
            _own_membership(desk, builder, uuids, table, keeps=table in shown)
    for uuids, shown in sides:
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
        for oid in sight.heads_now(uuids[0], key) if not held else ():
            builder.add_carry(uuids, key, oid)


def merged_ids(desk: Desk, uuid: bytes) -> list[str]:
    """Returns the ids of a merged record as text, the one that stands for all first."""
    return [id_text(one) for one in desk.subjects_of(uuid)]
