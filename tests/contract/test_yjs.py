"""The bytes of texts, exchanged with stock Yjs under Node: what a browser's editor uses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.unit.workspace.company import Company, add, meet
from tests.unit.workspace.test_texts import CUES, MODULE, NOTES, type_in

from openprod.merge.text import Document, Splice
from openprod.model.ops import Text
from openprod.model.text_update import client_of, read_clocks, read_update, seed, units

ROOT = Path(__file__).parents[2]
LOG = bytes(range(32))


def yjs(*asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Lets Node answer; the web folder's packages are what it finds."""
    package = ROOT / "web" / "package.json"
    if not (package.parent / "node_modules" / "yjs").is_dir():
        pytest.fail("Yjs is not installed. Run: make test")
    node = shutil.which("node")
    assert node is not None
    command = [node, str(Path(__file__).with_name("yjs.mjs")), str(package)]
    ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_yjs_reads_what_three_desks_typed_as_they_do(tmp_path: Path) -> None:
    chance = Random(5)
    with Company(tmp_path) as company:
        desks = [company.found("Ana", module=MODULE)]
        desks += [company.join(name, desks[0]) for name in ("Ben", "Cy")]
        cue = add(desks[0], CUES, number="11", notes="On the 🎭 bell, é")
        meet(*desks)
        for at in range(40):
            desk = chance.choice(desks)
            length = len(str(desk.record(cue)["fields"][NOTES] or ""))
            place = chance.randint(0, length)
            gone = min(chance.choice((0, 0, 2)), length - place)
            type_in(desk, cue, place, chance.choice(("a", "🎭x", "word ")), gone)
            if at % 7 == 0:
                meet(*chance.sample(desks, 2))
        meet(*desks)
        desk = desks[0].desk
        with desk.reading():
            ops = [op for number in desk.log.in_order() for op in desk.log.chunk(number, 0)[0].ops]
            updates = [op.payload.update.hex() for op in ops if isinstance(op, Text)]
            (head, *others) = desk.heads_now(desk.uuid_in(cue, {}, ()), NOTES)
            base = desk.texts.base(head)
            document = desk.texts.document(frozenset((head, *others)), base)
            begin, state, vector = desk.texts.document(frozenset(), base).state, document.state, document.vector
        shown = desks[0].record(cue)["fields"][NOTES]
        assert len(updates) == 40
        one_by_one, whole = yjs({"updates": [begin.hex(), *updates]}, {"updates": [state.hex()]})
        assert one_by_one["before"] == whole["before"] == shown
        assert read_clocks(bytes.fromhex(whole["vector"])) == read_clocks(vector)


def test_what_a_browser_types_is_read_here_and_is_of_the_client_id_it_was_given() -> None:
    chance = Random(9)
    ours = Document(seed(client_of(LOG, 1), "Standby 🎭 LX 11"))
    for run in range(2, 6):
        text = ours.text
        edits: list[list[tuple[int, int, str]]] = []
        for _ in range(12):
            spots = [units(text[:at]) for at in range(len(text) + 1)]
            at = chance.randrange(len(spots))
            gone = min(chance.choice((0, 1, 3)), len(text) - at)
            come = chance.choice(("b", "é🎭", ""))
            edits.append([(spots[at], spots[at + gone] - spots[at], come)])
            text = text[:at] + come + text[at + gone :]
        client = client_of(LOG, run)
        (answer,) = yjs({"updates": [ours.state.hex()], "client": client, "edits": edits})
        for update in map(bytes.fromhex, answer["made"]):
            assert read_update(update).client in (client, None)
            assert ours.take(update)
        assert ours.text == answer["after"] == text


def test_a_change_of_ours_is_one_of_theirs() -> None:
    ours = Document(seed(client_of(LOG, 1), "Standby 🎭 LX 11"))
    made = ours.typed(client_of(LOG, 2), [Splice(8, 1, "🎪🎪"), Splice(0, 7, "Go")])
    begin = ours.state
    assert ours.take(made)
    (answer,) = yjs({"updates": [begin.hex(), made.hex(), made.hex()]})
    assert answer["before"] == ours.text == "Go 🎪🎪 LX 11"
    assert Document(bytes.fromhex(answer["state"])).text == ours.text
