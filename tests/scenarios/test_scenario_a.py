"""Scenario A: lighting works on Saturday, sound on Sunday; on Monday they meet, and the stage manager settles it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import openprod
from openprod.exchange.demo import build_demo
from openprod.identity.invite import read_invitation
from openprod.peers import opx
from openprod.store.home import Home
from openprod.testing.terminal import Terminal

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

LIGHTING, SOUND, MANAGER = "Lena Lux", "Sam Sound", "Maggie Stage"
LABELS = {"11": ("Dawn", "Sunrise"), "14": ("Storm builds", "Storm breaks")}
PAGE_OF_20 = ("31", "32")
BOTH = "since last sync. Choose a value."
SENTENCES = [
    f'LX 11\'s label was edited by {LIGHTING} ("Dawn") and {SOUND} ("Sunrise") {BOTH}',
    f'LX 14\'s label was edited by {LIGHTING} ("Storm builds") and {SOUND} ("Storm breaks") {BOTH}',
    f"LX 20's page was edited by {LIGHTING} (31) and {SOUND} (32) {BOTH}",
]
Meet = Callable[["Workspace", "Workspace"], None]


def open_home(path: Path, person: str) -> Home:
    home = Home(path)
    home.create_identity(person, bytes([len(person)]) * 31 + person.encode()[:1])
    return home


@pytest.fixture
def devices(tmp_path: Path) -> Generator[list[Workspace]]:
    """The stage manager's demo production, and lighting and sound, who joined it from a stick."""
    homes = [open_home(tmp_path / f"home-{name[:3]}", name) for name in (MANAGER, LIGHTING, SOUND)]
    build_demo(tmp_path / "manager", homes[0].path).close()
    manager = openprod.open(tmp_path / "manager", home=homes[0])
    found = [manager]
    for home, folder in zip(homes[1:], ("lighting", "sound"), strict=True):
        invitation = manager.invite(folder)
        opx.sync_file(manager, tmp_path / "join.opx")
        start = opx.bootstrap(tmp_path / "join.opx", read_invitation(invitation))
        found.append(
            openprod.join(invitation, tmp_path / folder, start.bundles(), [(start.epoch, start.key)], home=home)
        )
    yield found
    for one in found:
        one.close()


def cues_of(ws: Workspace, table: str, count: int, without: Sequence[str] = ()) -> list[str]:
    """Returns the ids of the first cues of a table, some numbers left out."""
    rows = ws.query(query={"from": table, "sort": {"order": ["number"]}})
    return [str(row["id"]) for row in rows if row["number"] not in without][:count]


def work_on_saturday(lighting: Workspace) -> None:
    """Lighting changes 20 cues, three of them where sound will change them too."""
    shared = {
        **{number: {"label": ours} for number, (ours, _) in LABELS.items()},
        "20": {"lighting.cues.page": PAGE_OF_20[0]},
    }
    own = cues_of(lighting, "lighting.cues", 17, tuple(shared))
    for cue in own:
        with lighting.edit("Saturday") as edit:
            edit.set(cue, {"notes": "refocused on Saturday", "up": 4})
    for number, fields in shared.items():
        with lighting.edit("Saturday") as edit:
            edit.set(f"lighting.cues:{number}", fields)


def work_on_sunday(sound: Workspace) -> None:
    """Sound changes 15 cues: 12 of its own, and three of lighting's."""
    for cue in cues_of(sound, "sound.cues", 12):
        with sound.edit("Sunday") as edit:
            edit.set(cue, {"level": "-6 dB"})
    for number, (_, theirs) in LABELS.items():
        with sound.edit("Sunday") as edit:
            edit.set(f"lighting.cues:{number}", {"label": theirs})
    with sound.edit("Sunday") as edit:
        edit.set("lighting.cues:20", {"lighting.cues.page": PAGE_OF_20[1]})


def in_process(one: Workspace, other: Workspace) -> None:
    one.ingest(other.bundles(since=one.frontier()))
    other.ingest(one.bundles(since=other.frontier()))


def by_stick(one: Workspace, other: Workspace) -> None:
    stick = one.path.parent / "monday.opx"
    for device in (one, other, one):
        opx.sync_file(device, stick)


@pytest.mark.parametrize("meet", [in_process, by_stick])
def test_lighting_and_sound_meet_and_leave_exactly_three_questions(devices: list[Workspace], meet: Meet) -> None:
    manager, lighting, sound = devices
    work_on_saturday(lighting)
    work_on_sunday(sound)
    meet(lighting, sound)
    for device in (lighting, sound):
        assert sorted(one["text"] for one in device.conflicts()) == SENTENCES
    assert lighting.status()["state_hash"] == sound.status()["state_hash"]

    meet(manager, lighting)
    assert sorted(one["text"] for one in manager.conflicts()) == SENTENCES
    for question in manager.conflicts():
        manager.resolve(question, choose=2)
    meet(manager, lighting)
    meet(manager, sound)
    meet(manager, lighting)

    assert len({device.status()["state_hash"] for device in devices}) == 1
    for device in devices:
        assert device.conflicts() == []
        assert device.record("lighting.cues:11")["fields"]["lighting.cues.label"] == "Sunrise"
        assert device.count("lighting.cues", 'notes LIKE "refocused%"') == 17
        assert device.count("sound.cues", 'level == "-6 dB"') == 12
        assert device.verify().is_sound


def test_everybody_reads_the_same_value_until_somebody_decides(devices: list[Workspace]) -> None:
    _, lighting, sound = devices
    work_on_saturday(lighting)
    work_on_sunday(sound)
    in_process(lighting, sound)
    shown = [device.record("lighting.cues:11")["fields"]["lighting.cues.label"] for device in (lighting, sound)]
    assert shown == ["Sunrise", "Sunrise"]
    assert lighting.record("lighting.cues:11")["conflicts"] == [
        "lighting.cues.label",
        "sm.cues.what",
        "sound.cues.label",
    ]


def test_the_same_weekend_at_three_terminals(tmp_path: Path) -> None:
    manager = Terminal(tmp_path / "home-manager", tmp_path / "manager")
    lighting = Terminal(tmp_path / "home-lighting", tmp_path / "lighting")
    sound = Terminal(tmp_path / "home-sound", tmp_path / "sound")
    stick = str(tmp_path / "stick.opx")
    for terminal, name in ((manager, MANAGER), (lighting, LIGHTING), (sound, SOUND)):
        terminal.did("identity", "create", "--name", name)
    manager.did("demo", str(manager.folder), "--no-serve")
    for terminal in (lighting, sound):
        invitation = manager.did("invite")
        manager.did("sync", stick)
        terminal.did("join", "-", str(terminal.folder), "--from", stick, stdin=invitation)

    lighting.did("set", "lighting.cues:11", "label=Dawn")
    lighting.did("set", "lighting.cues:14", "label=Storm builds")
    lighting.did("set", "lighting.cues:20", "page=31")
    sound.did("set", "lighting.cues:11", "label=Sunrise")
    sound.did("set", "lighting.cues:14", "label=Storm breaks")
    sound.did("set", "lighting.cues:20", "page=32")

    lighting.did("sync", stick)
    met = sound.asked("sync", stick, status=3)
    assert sorted(one["text"] for one in met["conflicts"]) == SENTENCES
    manager.did("sync", stick, status=3)
    for question in manager.asked("conflicts"):
        manager.did("resolve", question["id"], "--choose", "1")
    manager.did("sync", stick)
    for terminal in (lighting, sound):
        terminal.did("sync", stick)
    assert len({terminal.asked("status")["state_hash"] for terminal in (manager, lighting, sound)}) == 1
    for terminal in (manager, lighting, sound):
        assert terminal.asked("conflicts") == []
        assert terminal.asked("show", "lighting.cues:11")["fields"]["lighting.cues.label"] == "Dawn"
        terminal.did("verify")
