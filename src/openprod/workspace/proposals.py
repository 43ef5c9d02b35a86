"""Proposals: what a link's condition, once lost, would take out again; nothing happens until a person says so.

A record that a link put into a table stays there when the condition does not hold any more, and is listed here. Taken
out is a person's removal, kept is a person's addition: either way nobody is asked again.
"""

from __future__ import annotations

from openprod.model.errors import Missing
from openprod.model.ids import derived_id, id_text
from openprod.workspace import links
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import ProposalShape
from openprod.workspace.write import Edit


class NoProposal(Missing):
    """Nothing is proposed by that id."""

    code = "proposals.unknown"


def proposals(desk: Desk) -> list[ProposalShape]:
    """Returns what is proposed, by title."""
    found: list[ProposalShape] = []
    for link, uuids in links.lost(desk):
        one, other = (desk.catalog.table(name).title for name in (link.source, link.target))
        for uuid in uuids:
            title = desk.title_in(desk.heads.need(uuid), link.source) if _was_in(desk, uuid, link) else desk.title(uuid)
            is_in = link.source in desk.member_tables(uuid)
            why = f"no longer meets the criteria for {other}" if is_in else f"left {one}, which put it into {other}"
            found.append(
                {
                    "id": derived_id("proposal", link.id, uuid)[:4].hex(),
                    "record": id_text(uuid),
                    "title": title,
                    "table": link.target,
                    "link": id_text(link.id),
                    "text": f"{title} {why}. Remove it?",
                }
            )
    return sorted(found, key=lambda shape: (shape["text"], shape["id"]))


def _was_in(desk: Desk, uuid: bytes, link: links.Link) -> bool:
    return bool(desk.heads_now(uuid, f"@in/{link.source}"))


def find(desk: Desk, reference: str) -> ProposalShape:
    """Returns the proposal of an id or a beginning of it; raises NoProposal."""
    found = [one for one in proposals(desk) if one["id"].startswith(reference)]
    if not reference or len(found) != 1:
        raise NoProposal(f"Nothing is proposed under '{reference}'. 'openprod proposals' lists what is.")
    return found[0]


def stage(edit: Edit, proposal: ProposalShape, *, is_accepted: bool) -> None:
    """Adds to an edit that a proposal is taken up, or that the record stays because a person says so."""
    if is_accepted:
        edit.remove(proposal["record"], from_=proposal["table"])
    else:
        edit.put(proposal["record"], into=proposal["table"])
