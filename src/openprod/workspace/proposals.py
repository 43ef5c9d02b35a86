"""Proposals: what a person may want done after a condition was lost or two records became one; nothing by itself.

A record that a link put into a table stays there when the condition does not hold any more: taken out is a person's
removal, kept is a person's addition. A relation that is once only, and is there twice since its ends were merged, is
made one on a person's word: what the other said comes beside it, so that nothing differing is lost from the offer.
"""

from __future__ import annotations

from collections.abc import Iterator

from openprod.catalog.names import quote
from openprod.model.errors import Missing
from openprod.model.ids import derived_id, id_from_text, id_text
from openprod.model.slots import RELATION, member_key
from openprod.workspace import links
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import Desk
from openprod.workspace.repair import declined, stage_decline
from openprod.workspace.shapes import ProposalShape
from openprod.workspace.write import Edit

DOUBLE_KIND = "double"


class NoProposal(Missing):
    """Nothing is proposed by that id."""

    code = "proposals.unknown"


def proposals(desk: Desk) -> list[ProposalShape]:
    """Returns what is proposed, by its sentence."""
    return sorted([*_lost(desk), *_doubles(desk)], key=lambda shape: (shape["text"], shape["id"]))


def _lost(desk: Desk) -> Iterator[ProposalShape]:
    for link, uuids in links.lost(desk):
        one, other = (desk.catalog.table(name).title for name in (link.source, link.target))
        for uuid in uuids:
            was_in = bool(desk.heads_now(uuid, member_key(link.source)))
            title = desk.title_in(desk.heads.need(uuid), link.source) if was_in else desk.title(uuid)
            is_in = link.source in desk.member_tables(uuid)
            why = f"no longer meets the criteria for {other}" if is_in else f"left {one}, which put it into {other}"
            yield {
                "id": derived_id("proposal", link.id, uuid)[:4].hex(),
                "kind": "remove",
                "record": id_text(uuid),
                "title": title,
                "table": link.target,
                "text": f"{title} {why}. Remove it?",
            }


def _doubles(desk: Desk) -> Iterator[ProposalShape]:
    kept_apart = declined(desk, DOUBLE_KIND)
    for relation in desk.catalog.relations.values():
        for first, *others in _same_ends(desk, relation.name) if relation.unique else ():
            for other in others:
                if tuple(sorted((id_text(first), id_text(other)))) not in kept_apart:
                    title = desk.title(first)
                    yield {
                        "id": derived_id("proposal", first, other)[:4].hex(),
                        "kind": "unite",
                        "record": id_text(first),
                        "title": title,
                        "table": relation.name,
                        "text": f"{title} is there twice, and {relation.title} is once only. Make them one?",
                    }


def _same_ends(desk: Desk, name: str) -> list[list[bytes]]:
    """Returns the groups of relations of one kind between the same two records, smallest ids first."""
    groups: dict[tuple[int, int], list[bytes]] = {}
    double = f'SELECT "~src", "~dst" FROM {quote(name)} GROUP BY 1, 2 HAVING count(*) > 1'  # noqa: S608 -- quoted
    for source, target in desk.db.rows(double):
        sql = (
            f'SELECT uuid FROM {quote(name)} JOIN entity ON eid = "~eid" WHERE "~src" = ? AND "~dst" = ? ORDER BY uuid'  # noqa: S608 -- quoted
        )
        groups[source, target] = [uuid for (uuid,) in desk.db.rows(sql, (source, target))]
    return list(groups.values())


def find(desk: Desk, reference: str) -> ProposalShape:
    """Returns the proposal of an id or a beginning of it; raises NoProposal."""
    found = [one for one in proposals(desk) if one["id"].startswith(reference)]
    if not reference or len(found) != 1:
        raise NoProposal(f"Nothing is proposed under '{reference}'. 'openprod proposals' lists what is.")
    return found[0]


def stage(desk: Desk, edit: Edit, proposal: ProposalShape, *, is_accepted: bool) -> None:
    """Adds to an edit that a proposal is taken up, or that things stay as they are because a person says so."""
    if proposal["kind"] == "unite":
        first = id_from_text(proposal["record"])
        groups = _same_ends(desk, proposal["table"])
        others = [one for group in groups if group[0] == first for one in group[1:]]
        other = next(one for one in others if derived_id("proposal", first, one)[:4].hex() == proposal["id"])
        if is_accepted:
            edit.unrelate(id_text(other))
            edit.build_with(lambda builder, sight: _unite(desk, builder, sight, first, other))
        else:
            stage_decline(desk, edit, DOUBLE_KIND, id_text(first), id_text(other))
    elif is_accepted:
        edit.remove(proposal["record"], from_=proposal["table"])
    else:
        edit.put(proposal["record"], into=proposal["table"])


def _unite(desk: Desk, builder: ChunkBuilder, sight: Sight, first: bytes, other: bytes) -> None:
    """Lists what one relation's properties hold beside the other's, under their own identity."""
    ends = desk.relation_ends(first)
    relation = desk.catalog.relations.get(ends.type) if ends is not None and sight.heads_now(first, RELATION) else None
    for one in relation.properties.values() if relation is not None else ():
        for oid in sight.heads_now(other, one.key):
            builder.add_carry((first,), one.key, oid)
