"""Links: the records of one table that are in another one too, as a table is told once, and what an edit owes to that.

A link is a record of core.links. It acts where the edit is made, in the same bundle and under its own cause, so
receiving makes nobody's device write. A person's word on one record stands: who was taken out by hand stays out. Taking
a link back gives the second table copies whose ids derive from what is taken back, the same on every device (S-34).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from openprod.model.bundle import CAUSE_EDIT, CAUSE_LINK, CAUSE_NAMES, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ids import EntityId, derived_id, id_from_text, id_text
from openprod.model.ops import Chunk, Ends, Exist, KnownOp, Member, Place, Relate, Relations, Rows, subject_ids
from openprod.model.slots import EXISTS, POSITION, RELATION, is_field_key, member_key, table_of_member_key
from openprod.model.values import RecordRef
from openprod.query.compile import compile_query
from openprod.query.conditions import Parameter
from openprod.query.tree import operands, read_query
from openprod.store.log import ORDINAL_BITS
from openprod.workspace import local
from openprod.workspace.building import ChunkBuilder, Linked, Sight
from openprod.workspace.building import Place as When
from openprod.workspace.desk import Desk
from openprod.workspace.write import Edit

LINKS = "core.links"
PERSON = "person"


class LinkedToItself(Refused):
    """A table cannot be linked to itself."""

    code = "links.itself"


class NotLinked(Missing):
    """Two tables are not linked."""

    code = "links.unknown"


class NotFixed(Refused):
    """A link's condition asks for what differs from person to person or moment to moment."""

    code = "links.not_fixed"


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its record's id, from which table into which, and for which records (empty: all)."""

    id: EntityId
    source: str
    target: str
    where: str


def link_id(source: str, target: str) -> EntityId:
    """Returns the record of the link between two tables."""
    return derived_id(LINKS, source, target)


def all_links(desk: Desk) -> list[Link]:
    """Returns the links that stand, by the tables' names."""
    # CROSS: the few links first, then their ids; SQLite, left to itself, goes through every entity there is.
    rows = desk.db.rows('SELECT uuid, source, target, "where" FROM "core.links" CROSS JOIN entity ON eid = "~eid"')
    found = [Link(EntityId(uuid), str(source), str(target), str(where or "")) for uuid, source, target, where in rows]
    return sorted(found, key=lambda link: (link.source, link.target, link.id))


def origin_of(desk: Desk, uuid: bytes, table: str) -> str:
    """Returns who put a record into a table: a person, or what else (link, rule, import …); empty if it is not in."""
    causes = [cause for oid in desk.heads_now(uuid, member_key(table)) if (cause := _cause(desk, oid, is_live=True))]
    if not causes:
        return ""
    kinds = [cause.kind for cause in causes]
    kind = CAUSE_EDIT if CAUSE_EDIT in kinds else kinds[-1]
    return PERSON if kind == CAUSE_EDIT or kind >= len(CAUSE_NAMES) else CAUSE_NAMES[kind]


def _cause(desk: Desk, oid: int, *, is_live: bool) -> Cause | None:
    """Returns why an op was written, None where it says the opposite of what is asked for."""
    op = desk.op_at(oid)
    return desk.log.header(oid >> ORDINAL_BITS).causes[op.op.cause] if bool(op.is_live) == is_live else None


# -- made and taken back


def stage_link(desk: Desk, edit: Edit, source: str, target: str, where: str) -> Link:
    """Adds a link to an edit, and puts into the second table whoever it concerns and was never there.

    Raises:
        LinkedToItself, UnknownName, NotFixed, or what is wrong with the condition: nothing was written.
    """
    desk.catalog.table(source)
    desk.catalog.table(target)
    for name in (source, target):
        if local.is_local(desk.catalog, name):
            raise local.LeavesDevice(
                f"{name} stays on each device, so it cannot be linked. Put single records into it."
            )
    if source == target:
        raise LinkedToItself(f"{source} cannot be linked to itself: its records are in it. Name two tables.")
    link = Link(link_id(source, target), source, target, where.strip())
    _check_condition(desk, link)
    there = matching(desk, link)
    fields = {"name": f"{source} to {target}", "source": source, "target": target, "where": link.where or None}
    record = id_text(link.id)
    if desk.is_known(link.id):
        edit.restore(record)
        if link not in all_links(desk):
            edit.put(record, into=LINKS)
        edit.set(record, {f"{LINKS}.{name}": value for name, value in fields.items()})
    else:
        edit.add_record(LINKS, fields, record_id=link.id)

    def put(builder: ChunkBuilder, sight: Sight) -> None:
        for uuid in sorted(there):
            if _may_put(desk, uuid, target):
                builder.add(Member, uuid, member_key(target), sight.heads_now(uuid, member_key(target)), payload=True)

    edit.build_with(put)
    return link


def warning(desk: Desk, source: str, target: str) -> str:
    """Returns what is odd about linking two tables, empty where their modules expect it."""
    one, other = desk.catalog.table(source), desk.catalog.table(target)
    if target in one.links_well_with or source in other.links_well_with:
        return ""
    return f"{one.title} and {other.title} are seldom linked: neither says that it goes well with the other."


def _check_condition(desk: Desk, link: Link) -> None:
    if not link.where:
        return
    query = read_query({"from": link.source, "where": link.where})
    asked = sorted({one.name for one in operands(query) if isinstance(one, Parameter)})
    if asked:
        raise NotFixed(
            f"The condition asks for ${asked[0]}, which is not the same for everybody. Link by what is in the tables."
        )
    compile_query(query, desk.catalog)


def matching(desk: Desk, link: Link) -> set[bytes]:
    """Returns the records of a link's first table for which its condition holds, as the tables stand."""
    if link.source not in desk.model.shelves:
        return set()
    form = {"from": link.source, **({"where": link.where} if link.where else {})}
    compiled = compile_query(read_query(form), desk.catalog, venue_zone=desk.loader.venue_zone)
    rows = desk.db.rows(compiled.sql, compiled.params)
    return {id_from_text(str(compiled.row(row)["id"])) for row in rows}


def _may_put(desk: Desk, uuid: bytes, table: str) -> bool:
    """Tells whether a link may put a record into a table: it was never in, or only a link took it out."""
    heads = desk.heads_now(uuid, member_key(table))
    causes = [_cause(desk, oid, is_live=False) for oid in heads]
    return all(cause is not None and cause.kind == CAUSE_LINK for cause in causes)


def stage_unlink(desk: Desk, edit: Edit, source: str, target: str, *, is_copying: bool) -> int:
    """Adds to an edit that a link ends. Returns how many copies that makes.

    Args:
        desk: the workspace.
        edit: the edit, whose cause is the link's.
        source, target: the two tables.
        is_copying: records that the link put into the second table are taken out of it, and copies of them put there;
            else they stay in both.

    Raises NotLinked.
    """
    link = next((one for one in all_links(desk) if (one.source, one.target) == (source, target)), None)
    if link is None:
        raise NotLinked(f"{source} is not linked to {target}. See: openprod tables --links")
    # What is taken back: a later link between the same tables is another one, and so are its copies.
    acts = [bundle + ordinal.to_bytes(4, "big") for bundle, ordinal in _acts(desk, link)]
    edit.remove(id_text(link.id), from_=LINKS)
    there = _put_by(desk, link) if is_copying else []

    def part(builder: ChunkBuilder, sight: Sight) -> None:
        copies: dict[bytes, bytes] = {uuid: derived_id("copy", uuid, target, *acts) for uuid in there}
        for uuid, copy in copies.items():
            _copy(desk, builder, sight, uuid, target, EntityId(copy))
        _copy_relations(desk, builder, sight, copies, target)

    edit.build_with(part)
    return len(there)


def _acts(desk: Desk, link: Link) -> list[tuple[bytes, int]]:
    return sorted(desk.address_of(oid) for oid in desk.heads_now(link.id, member_key(LINKS)))


def _put_by(desk: Desk, link: Link) -> list[bytes]:
    """Returns the records that are in both tables of a link and that nobody but it put into the second one."""
    return [uuid for uuid in sorted(_in_both(desk, link)) if put_by_link_only(desk, uuid, link)]


def _in_both(desk: Desk, link: Link) -> list[bytes]:
    if link.source not in desk.model.shelves or link.target not in desk.model.shelves:
        return []
    sql = (
        f'SELECT uuid FROM "{link.source}" AS a JOIN "{link.target}" AS b ON a."~eid" = b."~eid"'  # noqa: S608 -- names
        ' JOIN entity ON eid = a."~eid"'
    )
    return [uuid for (uuid,) in desk.db.rows(sql)]


def _copy(desk: Desk, builder: ChunkBuilder, sight: Sight, uuid: bytes, table: str, copy: EntityId) -> None:
    """Makes a record of its own of what one table shows of a record, and takes that one out of it."""
    builder.add_exactly(Exist, (copy,), (EXISTS,), (), payload=True)
    builder.add_exactly(Member, (copy,), (member_key(table),), (), payload=True)
    builder.add(Member, uuid, member_key(table), sight.heads_now(uuid, member_key(table)), payload=False)
    for one in desk.catalog.table(table).fields.values():
        for oid in sight.heads_now(uuid, one.key):
            builder.add_carry((copy,), one.key, oid)


def _copy_relations(desk: Desk, builder: ChunkBuilder, sight: Sight, copies: Mapping[bytes, bytes], table: str) -> None:
    """Makes relations of copies of those that one table shows of the records: from it, or usually into it.

    Their ids derive from what they join, so every device makes the same ones. Those of the records stay as they are.
    """
    eids = [record.eid for uuid in copies if (record := desk.record_of(uuid)) is not None]
    columns = "SELECT eid, type, src, dst FROM edge WHERE live = 1 AND"
    rows = {row for end in ("src", "dst") for row in desk.db.numbers(f"{columns} {end} IN carray(?)", eids)}
    for eid, type_no, src, dst in sorted(rows):
        relation = desk.catalog.relations.get(desk.heads.key_texts[type_no])
        own, source, target = (desk.heads.uuid_of(one) for one in (eid, src, dst))
        if relation is None or own is None or source is None or target is None:
            continue
        new_source = copies.get(source, source) if relation.source == table else source
        new_target = copies.get(target, target) if table in relation.target_hint else target
        if (new_source, new_target) == (source, target):
            continue
        parts = ("relation", relation.name) if relation.unique else ("copy", own)
        uuid = derived_id(*parts, new_source, new_target)
        builder.add_exactly(Relate, (uuid,), (RELATION,), (), Ends(relation.name, new_source, new_target))
        for oid in sight.heads_now(own, POSITION):
            builder.add_exactly(Place, (uuid,), (POSITION,), (), desk.op_at(oid).value)
        for one in relation.properties.values():
            for oid in sight.heads_now(own, one.key):
                builder.add_carry((uuid,), one.key, oid)


def put_by_link_only(desk: Desk, uuid: bytes, link: Link) -> bool:
    """Tells whether a record is in a link's second table because of the link and for no other reason."""
    causes = [_cause(desk, oid, is_live=True) for oid in desk.heads_now(uuid, member_key(link.target))]
    return bool(causes) and all(
        cause is not None and cause.kind == CAUSE_LINK and link.id in cause.detail for cause in causes
    )


def lost(desk: Desk) -> list[tuple[Link, list[bytes]]]:
    """Returns the links with the records that each put into its second table and that it no longer concerns.

    Their condition does not hold any more, or they left the first table.
    """
    found: list[tuple[Link, list[bytes]]] = []
    for link in all_links(desk):
        if link.source in desk.model.shelves and link.target in desk.model.shelves:
            sql = f'SELECT uuid FROM "{link.target}" JOIN entity ON eid = "~eid"'  # noqa: S608 -- a catalog name
            there = {uuid for (uuid,) in desk.db.rows(sql)} - matching(desk, link)
            gone = sorted(uuid for uuid in there if put_by_link_only(desk, uuid, link))
            found += [(link, gone)] if gone else []
    return found


def lacking(desk: Desk) -> list[tuple[Link, int]]:
    """Returns the links that others' work left unmatched: records they concern that are not in the second table yet."""
    found: list[tuple[Link, int]] = []
    for link in all_links(desk):
        if link.source in desk.model.shelves and link.target in desk.model.shelves:
            there = matching(desk, link) - set(_in_both(desk, link))
            count = sum(_may_put(desk, uuid, link.target) for uuid in there)
            found += [(link, count)] if count else []
    return found


# -- acting


@dataclass(slots=True)
class _Touched:
    """What a bundle in the making does to memberships, and which records it touches at all.

    Attributes:
        records: every record it touches.
        old: those among them that were there before.
        into: for a table, the records that it says are in.
        out_of: for a table, the records that it says are not.
    """

    records: set[bytes] = field(default_factory=set[bytes])
    old: set[bytes] = field(default_factory=set[bytes])
    into: dict[str, set[bytes]] = field(default_factory=dict[str, set[bytes]])
    out_of: dict[str, set[bytes]] = field(default_factory=dict[str, set[bytes]])

    def say(self, uuids: Collection[bytes], table: str, *, is_in: bool) -> None:
        """Notes that records are in a table, or not."""
        here, there = (self.into, self.out_of) if is_in else (self.out_of, self.into)
        here.setdefault(table, set()).update(uuids)
        if table in there:
            there[table].difference_update(uuids)

    def said_in(self, table: str) -> set[bytes]:
        """Returns the records that it says are in a table."""
        return self.into.get(table, set())

    def says(self, uuid: bytes, table: str) -> bool | None:
        """Tells whether it says that a record is in a table, None where it says nothing of that."""
        if uuid in self.into.get(table, ()):
            return True
        return False if uuid in self.out_of.get(table, ()) else None

    def take(self, desk: Desk, chunk: Chunk) -> None:
        """Reads the ops of a chunk."""
        for op in chunk.ops:
            named: Sequence[bytes] = subject_ids(chunk, op)
            subjects = [*map(desk.standing, named)] if desk.heads.same else named
            tables = [table for key in op.keys if (table := table_of_member_key(chunk.keys[key])) is not None]
            if isinstance(op, Rows):
                tables.append(op.payload.table)
            for table in tables:
                is_in = not isinstance(op, Member) or op.payload
                self.say(subjects, table, is_in=is_in)
            if tables or any(is_field_key(chunk.keys[key]) for key in op.keys):
                self.records.update(subjects)
            self.records.update(desk.standing(end) for end in _ends(op))


def _ends(op: KnownOp) -> Iterable[bytes]:
    match op:
        case Relate():
            return op.payload.source, op.payload.target
        case Relations():
            return [end.id for row in op.payload.rows for end in row[:2] if isinstance(end, RecordRef)]
        case _:
            return ()


def acted(desk: Desk, label: str, cause: Cause, start: When, chunks: Sequence[Chunk]) -> Linked:
    """Returns what the links add to a bundle that is about to be sealed, within its transaction.

    Of the records that the bundle touches, those that a link concerns then and that were never in its second table, or
    that only a link took out of it. What links put there may concern further links.
    """
    links = [one for one in all_links(desk) if one.source in desk.catalog.tables and one.target in desk.catalog.tables]
    if not links:
        return Linked()
    touched = _Touched()
    for chunk in chunks:
        touched.take(desk, chunk)
    records = sorted(touched.records)
    desk.heads.load(records)
    # A new record is only where this bundle puts it: of many new ones none has to be looked up for each link.
    touched.old = set() if desk.heads.are_new(records) else {one for one in records if desk.is_known(one)}
    found = Linked()
    while True:
        more = _round(desk, links, touched, found, (label, cause, start, chunks))
        if more is None:
            return found
        found = more


_Draft = tuple[str, Cause, When, Sequence[Chunk]]


def _round(desk: Desk, links: Sequence[Link], touched: _Touched, found: Linked, draft: _Draft) -> Linked | None:
    """Returns what was found and what links add to that, None where they add nothing."""
    label, cause, start, chunks = draft
    causes, made = list(found.causes), list(found.chunks)
    for link in links:
        wanted = touched.said_in(link.source) - touched.old - touched.said_in(link.target)
        wanted -= touched.out_of.get(link.target, set())
        wanted |= {uuid for uuid in touched.old if _is_due(desk, link, touched, uuid)}
        if wanted and link.where:
            with desk.trying(label, (cause, *found.causes), start, [*chunks, *found.chunks]):
                wanted &= matching(desk, link)
        if not wanted:
            continue
        builder = ChunkBuilder(Sight(desk, start), cause=len(causes) + 1)
        causes.append(Cause(CAUSE_LINK, auto=True, detail=(bytes(link.id),)))
        for uuid in sorted(wanted):
            key = member_key(link.target)
            builder.add(Member, uuid, key, desk.heads_now(uuid, key), payload=True)
        touched.say(wanted, link.target, is_in=True)
        made += builder.finish()
    return Linked(tuple(made), tuple(causes)) if len(causes) > len(found.causes) else None


def _is_due(desk: Desk, link: Link, touched: _Touched, uuid: bytes) -> bool:
    if touched.says(uuid, link.target) is not None or desk.is_gone(uuid):
        return False
    is_in = touched.says(uuid, link.source)
    if is_in is None:
        is_in = any(desk.op_at(oid).is_live for oid in desk.heads_now(uuid, member_key(link.source)))
    return is_in and _may_put(desk, uuid, link.target)
