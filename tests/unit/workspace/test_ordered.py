"""Long ordered relations: many moves apart, many places in one edit, and places found without reading the list."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.unit.workspace.company import Company, meet

from openprod.workspace.workspace import Workspace

MODULE = """\
[module]
name = "lab"
version = "1.0.0"
title = "Lab"

[table.lists]
title = "Lists"
label = "{name}"

[table.lists.fields]
name = "text"

[table.cues]
title = "Cues"
label = "{name}"

[table.cues.fields]
name = "text"

[relation.order]
title = "Order"
inverse = "In"
source = "lists"
target_hint = ["cues"]
ordered = true
"""


def order(ws: Workspace, of: str) -> list[str]:
    return [one["title"] for one in ws.relations(of)]


def a_list(ws: Workspace, count: int) -> tuple[str, list[str]]:
    with ws.edit() as edit:
        of = edit.add("lab.lists", name="Show")
        cues = edit.add_many("lab.cues", ["name"], [[f"C{n:04}"] for n in range(count)])
    with ws.edit() as edit:
        entries = [edit.relate(of, "lab.order", cue) for cue in cues]
    return of, entries


def test_entries_are_placed_one_by_one_and_several_in_one_edit(tmp_path: Path) -> None:
    with Company(tmp_path) as company:
        ws = company.found("Ana", module=MODULE)
        of, entries = a_list(ws, 30)
        wanted = [f"C{n:04}" for n in range(30)]
        assert order(ws, of) == wanted
        chance = Random(3)
        for _ in range(40):
            moves = [chance.sample(range(30), 2) for _ in range(chance.choice((1, 1, 3)))]
            is_before = chance.random() < 0.5
            with ws.edit() as edit:
                for one, anchor in moves:
                    place = {"before": entries[anchor]} if is_before else {"after": entries[anchor]}
                    edit.move(entries[one], **place)
                    name, other = f"C{one:04}", f"C{anchor:04}"
                    wanted.remove(name)
                    wanted.insert(wanted.index(other) + (0 if is_before else 1), name)
            if chance.random() < 0.2:
                with ws.edit() as edit:
                    edit.move(entries[0])
                wanted.remove("C0000")
                wanted.append("C0000")
            assert order(ws, of) == wanted
        assert ws.verify().is_sound


def test_many_moves_apart_in_a_long_list_leave_every_entry_once_and_the_same_order(tmp_path: Path) -> None:
    with Company(tmp_path) as company:
        ana = company.found("Ana", module=MODULE)
        ben = company.join("Ben", ana)
        of, entries = a_list(ana, 400)
        meet(ana, ben)
        chance = Random(4)
        for _ in range(40):
            for ws in (ana, ben):
                one, anchor = chance.sample(entries, 2)
                with ws.edit() as edit:
                    edit.move(one, after=anchor)
        meet(ana, ben)
        assert order(ana, of) == order(ben, of)
        assert sorted(order(ana, of)) == [f"C{n:04}" for n in range(400)]
        assert ana.conflicts() == []
        assert ana.status()["state_hash"] == ben.status()["state_hash"]
