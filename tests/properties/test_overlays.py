"""What an overlay shows is what its commit gives, whatever was staged in whatever order, with whatever left out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprod.model.errors import OpenprodError
from openprod.testing.clock import FakeClock, TrueTime
from openprod.workspace.opening import init_workspace, open_workspace
from openprod.workspace.staging import Overlay
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace
from openprod.workspace.write import Edit

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

MODULE = """\
[module]
name = "lab"
version = "1.0.0"
title = "Lab"

[table.people]
title = "People"
label = "{name}"
[table.people.fields]
name = "text"
phone = "text"
boss = { type = "record", target_hint = ["people"] }

[table.crew]
title = "Crew"
label = "{label}"
[table.crew.fields]
label = "text"
phone = "text"

[relation.knows]
title = "Knows"
inverse = "Known by"
source = "people"
target_hint = ["people"]
unique = true
properties = { note = "text" }

[relation.order]
title = "Order"
inverse = "In the order of"
source = "people"
target_hint = ["people"]
ordered = true
properties = { word = "text" }
"""
PEOPLE, CREW, KNOWS, ORDER = "lab.people", "lab.crew", "lab.knows", "lab.order"
TABLES, RELATIONS = (PEOPLE, CREW), (KNOWS, ORDER)
FIELDS = ("lab.people.name", "lab.people.phone", "lab.crew.label", "lab.crew.phone")
WORDS = ("X", "Y", "Z", None)
PAIRS = (("lab.people.name", "lab.crew.label"), ("lab.people.phone", "lab.crew.phone"))

Action = tuple[int, int, int, int]
actions = st.tuples(st.integers(0, 14), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
scripts = st.lists(actions, max_size=12)


class Stage:
    """A production that exists once, and copies of it for each example."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = TrueTime()
        self.chance = Random(1)
        (folder / "lab").mkdir()
        (folder / "lab" / "module.toml").write_text(MODULE, encoding="utf-8")
        made = init_workspace(
            folder / "given" / "show",
            name="Hamlet",
            home=folder / "given" / "home",
            person="Ana",
            clock=FakeClock(self.time),
            chance=self.chance.randbytes,
            durable=False,
        )
        made.adopt(str(folder / "lab"))
        with made.edit() as edit:
            self.given = [edit.add(PEOPLE, name=f"P{at}", phone=str(at)) for at in range(4)]
            self.given += [edit.add(CREW, label=f"C{at}", phone=str(at)) for at in range(2)]
            edit.put(self.given[0], into=CREW)
            edit.relate(self.given[0], KNOWS, self.given[1], note="old")
            for at in (1, 2):
                edit.relate(self.given[0], ORDER, self.given[at])
        made.close()
        self.copies = 0

    def open(self, folder: Path) -> Workspace:
        clock = FakeClock(self.time)
        return open_workspace(
            folder / "show", home=folder / "home", clock=clock, chance=self.chance.randbytes, durable=False
        )

    def fresh(self) -> Path:
        self.copies += 1
        folder = self.folder / f"copy{self.copies % 4}"
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.folder / "given", folder)
        return folder


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("overlays"))


class Hand:
    """Somebody who works: one action is one edit; what is refused is left."""

    def __init__(self, stage: Stage, ws: View, known: list[str]) -> None:
        self.stage = stage
        self.ws = ws
        self.known = known

    def play(self, number: int, action: Action) -> None:
        """Does one action; the same number and action make the same ids in every copy."""
        self.stage.chance.seed(number)
        try:
            self._play(*action)
        except OpenprodError:
            return

    def touched(self, action: Action) -> list[str]:
        """Returns the records that an action is about."""
        kind, first, second, _ = action
        if kind == 0:
            return []
        return [self.record(first), *([self.record(second)] if kind in (7, 8) else [])]

    def record(self, at: int) -> str:
        return self.known[at % len(self.known)]

    def _play(self, kind: int, first: int, second: int, third: int) -> None:
        record, other = self.record(first), self.record(second)
        word = WORDS[third % len(WORDS)]
        match kind:
            case 0:
                self._add(first, third)
            case 1 | 2 | 3:
                self._edit(lambda edit: edit.set(record, {FIELDS[second % len(FIELDS)]: word}))
            case 4:
                self._edit(lambda edit: edit.put(record, into=TABLES[second % 2]))
            case 5:
                self._edit(lambda edit: edit.remove(record, from_=TABLES[second % 2]))
            case 6:
                self._edit(lambda edit: (edit.delete if third % 3 else edit.restore)(record))
            case 7 | 8:
                self._edit(lambda edit: edit.relate(record, RELATIONS[kind - 7], other, **_property(kind, third)))
            case 9:
                self.ws.map_fields(*PAIRS[second % 2])
            case 10:
                self.ws.unmap_fields(*PAIRS[second % 2])
            case 11:
                self._on_relation(record, second, third)
            case 12:
                self.ws.merge(record, other)
            case 13:
                tables = [table for table in self.ws.record(record)["tables"] if table == TABLES[second % 2]]
                self.ws.split(record, tables)
            case _:
                questions = self.ws.conflicts(record)
                if questions:
                    self.ws.resolve(questions[second % len(questions)], choose=1 + third % 2)

    def _add(self, first: int, third: int) -> None:
        with self.ws.edit() as edit:
            made = (
                edit.add(PEOPLE, name=f"N{first}", phone=str(third)) if first % 2 else edit.add(CREW, label=f"N{first}")
            )
        self.known.append(made)

    def _edit(self, what: Callable[[Edit], object]) -> None:
        with self.ws.edit() as edit:
            what(edit)

    def _on_relation(self, record: str, second: int, third: int) -> None:
        found = [one for one in self.ws.relations(record) if one["is_source"]]
        if not found:
            return
        one = found[second % len(found)]
        with self.ws.edit() as edit:
            if third % 3 == 0:
                edit.unrelate(one["id"])
            elif third % 3 == 1 and one["relation"] == ORDER:
                others = [other["id"] for other in found if other["relation"] == ORDER and other["id"] != one["id"]]
                edit.move(one["id"], after=others[0] if others else None)
            else:
                name = "note" if one["relation"] == KNOWS else "word"
                edit.set_property(one["id"], {name: WORDS[third % len(WORDS)]})


def _property(kind: int, third: int) -> dict[str, object]:
    return {"note" if kind == 7 else "word": WORDS[third % len(WORDS)]}


def look(ws: View) -> dict[str, object]:
    """Returns everything that people read: tables, records, relations, questions, mappings, an aggregate."""
    found: dict[str, object] = {}
    for table in TABLES:
        rows = ws.query(query={"from": table, "conflicts": True})
        found[table] = sorted(repr(sorted(row.items())) for row in rows)
        ids = {str(row["id"]) for row in rows}
        for one in ids:
            shape = ws.record(one)
            # What a merge or mapping left in a table that the record is not in is shown nowhere.
            fields = {
                key: value
                for key, value in shape["fields"].items()
                if value is not None and key.rpartition(".")[0] in shape["tables"]
            }
            questions = [key for key in shape["conflicts"] if key.rpartition(".")[0] in shape["tables"]]
            found[one] = (shape["title"], shape["tables"], fields, questions, shape["marks"])
            found[f"{one} relations"] = [
                (mate["id"], mate["relation"], mate["other"], mate["is_source"], sorted(mate["properties"].items()))
                for mate in ws.relations(one)
            ]
    found["count"] = ws.query(query={"from": PEOPLE, "group": {"by": ["phone"], "many": "count(name)"}})
    found["questions"] = sorted(
        (one["record"], one["field"], one["kind"], sorted(str(value["value"]) for value in one["values"]))
        for one in ws.conflicts()
    )
    found["mappings"] = ws.mappings()
    return found


def decide(overlay: Overlay, chance: Random) -> None:
    """Decides every drift, one way or the other."""
    for _ in range(100):
        found = overlay.drift()
        if not found:
            return
        one = found[0]
        (overlay.keep if chance.random() < 0.5 else overlay.theirs)(one["record"], one["field"])
    raise AssertionError(f"deciding does not end: {overlay.drift()}")


@MANY
@given(before=scripts, staged=scripts, meanwhile=scripts, seed=st.integers(0, 1 << 16))
def test_an_overlay_reads_as_its_commit_does_whatever_happened_meanwhile(
    stage: Stage, before: list[Action], staged: list[Action], meanwhile: list[Action], seed: int
) -> None:
    ws = stage.open(stage.fresh())
    base = Hand(stage, ws, list(stage.given))
    for number, action in enumerate(before):
        base.play(number, action)
    overlay = ws.overlay("what if")
    hand = Hand(stage, overlay, list(base.known))
    for number, action in enumerate(staged):
        hand.play(100 + number, action)
        if number < len(meanwhile):
            base.play(200 + number, meanwhile[number])
    assert look(overlay) == look(ws.open_overlay("what if")), "as staged, and opened again"
    decide(overlay, Random(seed))
    shown = look(overlay)
    if ws.overlays()[0]["records"]:
        notices = [one["kind"] for one in ws.notices()]
        overlay.commit()
        assert look(ws) == shown
        assert [one["kind"] for one in ws.notices()] == notices
    findings = ws.verify()
    assert findings.is_sound, findings.damaged
    ws.close()


@MANY
@given(before=scripts, staged=scripts, at=st.integers(0, 9))
def test_leaving_a_record_out_is_as_if_nobody_had_staged_anything_about_it(
    stage: Stage, before: list[Action], staged: list[Action], at: int
) -> None:
    # What makes records or fields one belongs to several records: leaving that out is told elsewhere.
    before, staged = ([one for one in some if one[0] < 9] for some in (before, staged))
    looks: list[dict[str, object]] = []
    for is_whole in (True, False):
        ws = stage.open(stage.fresh())
        base = Hand(stage, ws, list(stage.given))
        for number, action in enumerate(before):
            base.play(number, action)
        overlay = ws.overlay("what if")
        hand = Hand(stage, overlay, list(base.known))
        out = hand.record(at)
        for number, action in enumerate(staged):
            if is_whole or out not in hand.touched(action):
                hand.play(100 + number, action)
        if is_whole:
            with suppress(OpenprodError):
                overlay.knock_out(out)
        if ws.overlays()[0]["records"]:
            overlay.commit()
        looks.append(look(ws))
        ws.close()
    assert looks[0] == looks[1]


@MANY
@given(staged=scripts)
def test_steps_go_back_to_nothing_and_forward_again_and_a_discard_leaves_no_trace(
    stage: Stage, staged: list[Action]
) -> None:
    ws = stage.open(stage.fresh())
    before, state = look(ws), ws.status()["state_hash"]
    overlay = ws.overlay("what if")
    hand = Hand(stage, overlay, list(stage.given))
    looks = [look(overlay)]
    for number, action in enumerate(staged):
        steps = overlay.can_undo()[0] is not None, ws.desk.db.rows("SELECT count(*) FROM step")
        hand.play(100 + number, action)
        if (overlay.can_undo()[0] is not None, ws.desk.db.rows("SELECT count(*) FROM step")) != steps:
            looks.append(look(overlay))
    for shown in reversed(looks[:-1]):
        overlay.undo()
        assert look(overlay) == shown
    assert look(overlay) == before
    for shown in looks[1:]:
        overlay.redo()
        assert look(overlay) == shown
    overlay.discard()
    assert (look(ws), ws.status()["state_hash"], ws.overlays()) == (before, state, [])
    ws.close()
