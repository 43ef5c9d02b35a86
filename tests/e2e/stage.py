"""A small show on two devices, with one question open between them: what server and browser tests look at."""

from __future__ import annotations

from pathlib import Path

from openprod.workspace.opening import init_workspace, join_workspace
from openprod.workspace.workspace import Workspace

LABELS = ("House to half", "Battlements, moon", "Ghost special", "Lose the moon", "Trap glow", "Dawn, slow")


def set_up(folder: Path, cues: int = 60) -> Workspace:
    """Returns Alex's workspace: light cues, three people, and two values for LX 3's label (Dawn and Sunrise)."""
    ours = init_workspace(
        folder / "alex" / "show", name="Richard III", home=folder / "alex" / "home", person="Alex Kim"
    )
    ours.adopt("lighting")
    ours.adopt("contacts")
    with ours.edit("The cue sheet") as edit:
        rows = [[str(n), LABELS[n % 6], n % 9 + 0.5, "true" if n % 3 else "false"] for n in range(1, cues + 1)]
        edit.add_many("lighting.cues", ["number", "label", "up", "is_called"], rows)
        for name, phone in (("Jane Doe", "555-0100"), ("Mina Okafor", "555-0101"), ("Sam Reyes", "555-0102")):
            edit.add("contacts.people", name=name, phone=phone)
    apart(folder, ours, "lighting.cues:3", "label", "Dawn", "Sunrise")
    return ours


def apart(folder: Path, ours: Workspace, record: str, field: str, mine: str, theirs: str) -> None:
    """Lets Alex and Jordan set the same field to two values while apart, then meet."""
    with joined(folder, ours) as other:
        with other.edit("Sunday") as edit:
            edit.set(record, {field: theirs})
        with ours.edit("Saturday") as edit:
            edit.set(record, {field: mine})
        ours.ingest(other.bundles(ours.frontier()))


def overtaken(folder: Path, ours: Workspace, record: str, field: str, mine: str, theirs: str) -> None:
    """Lets Alex set a field and Jordan set it anew, knowing what Alex wrote: Alex cannot undo it any more."""
    with joined(folder, ours) as other:
        with ours.edit() as edit:
            edit.set(record, {field: mine})
        other.ingest(ours.bundles(other.frontier()))
        with other.edit() as edit:
            edit.set(record, {field: theirs})
        ours.ingest(other.bundles(ours.frontier()))


def joined(folder: Path, ours: Workspace) -> Workspace:
    """Returns Jordan's copy of a workspace, in a folder of its own."""
    invitation = ours.invite("for Jordan")
    keys = [(one[0], one[1]) for one in ours.keys()]  # noqa: SIM118 -- no mapping: the show's own keys
    return join_workspace(
        invitation,
        folder / "jordan" / "show",
        ours.bundles(),
        keys,
        home=folder / "jordan" / "home",
        person="Jordan Reed",
    )
