"""Builds the demo production, Richard III, from the tables beside it, through the public API and nothing else.

Knows the columns of the files in `data/` and what the schedule's words COMPANY, ALL CAST and DEPT:x mean; nobody else
does. Must not know how a workspace keeps what it is given.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import openprod
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace
    from openprod.workspace.write import Edit

NAME = "Richard III"
TEMPLATE = "stage-management"
DATA = Path(__file__).resolve().parent / "data"
SETTING, BEGUN, FINISHED = "demo", "begun", "finished"
BUNDLES_OF_A_BARE_ONE = 2
COMPANY, ALL_CAST, DEPARTMENT = "COMPANY", "ALL CAST", "DEPT:"
CAST = "Cast"
FOLLOWS = {"F": "follow", "H": "hang"}
CONTINUES = {"0": "none", "1": "auto-continue", "2": "auto-follow"}
YES_NO = {"Y": True, "N": False}

Row = Mapping[str, str]
Step = Callable[["Workspace", "Edit"], None]


def build(path: str | Path, home: str | Path | None = None) -> Workspace:
    """Returns the demo production in a folder: opened if it is there, finished if its making was cut short, else made.

    Args:
        path: the folder.
        home: the per-user state directory; None takes the usual one.

    Raises:
        Refused: the folder holds another production, or other files; nothing was changed.
    """
    folder = Path(path)
    is_there = (folder / "workspace.db").is_file()
    workspace = openprod.open(folder, home=home) if is_there else openprod.init(folder, name=NAME, home=home)
    try:
        stage = progress_of(workspace)
        if not stage and (workspace.name != NAME or workspace.status()["bundles"] > BUNDLES_OF_A_BARE_ONE):
            raise Refused(
                f"{folder} holds another production ({workspace.name}), so the demo was not put there. "
                "Give it a folder of its own."
            )
        if stage != FINISHED:
            fill(workspace)
    except BaseException:
        workspace.close()
        raise
    return workspace


def progress_of(workspace: Workspace) -> str:
    """Returns how far the making of the demo came: nothing, begun or finished."""
    found = workspace.query(
        query={"from": "core.settings", "where": f'name == "{SETTING}"', "select": {"value": "value"}}
    )
    return str(found[0]["value"]) if found else ""


def fill(workspace: Workspace) -> None:
    """Writes every table that is still empty, one bundle each; the last one says that the demo is whole."""
    workspace.apply_template(TEMPLATE, is_seeding=False)
    for label, table, step in STEPS:
        if not workspace.count(table):
            with workspace.edit(label) as edit:
                step(workspace, edit)


def rows(name: str) -> Iterator[Row]:
    """Yields the rows of one of the demo's files."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def given(**fields: object) -> dict[str, object]:
    """Returns the fields that have a value."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def names_of_people() -> dict[str, str]:
    """Returns what people are called, by their number in the files."""
    return {row["contact_id"]: f"{row['first_name']} {row['last_name']}" for row in rows("contacts")}


def ids_by(workspace: Workspace, table: str, field: str) -> dict[str, str]:
    """Returns the ids of a table's records by one of their fields."""
    found = workspace.query(query={"from": table, "select": {field: field}})
    return {str(row[field]): str(row["id"]) for row in found}


# -- the steps, in order


def people(_: Workspace, edit: Edit) -> None:
    """Everybody: one record each, in the contacts, in the schedule, and, if of the cast, among the performers."""
    edit.add("core.settings", name=SETTING, value=BEGUN)
    groups: dict[str, str] = {}
    for row in rows("contacts"):
        name, department = f"{row['first_name']} {row['last_name']}", row["department"]
        reached = {"email": row["email"], "phone": row["phone"], "department": department}
        sort_name = f"{row['last_name']}, {row['first_name']}"
        person = edit.add("contacts.people", name=name, sort_name=sort_name, role=row["role"], **reached)
        edit.put(person, into="schedule.attendees")
        edit.set(person, {f"schedule.attendees.{key}": value for key, value in {"name": name, **reached}.items()})
        if department == CAST:
            edit.put(person, into="casting.performers")
            edit.set(person, {"casting.performers.name": name})
            if row["role"] == "Swing":
                edit.set(person, {"casting.performers.kind": "swing"})
        for group in (COMPANY, ALL_CAST if department == CAST else DEPARTMENT + department):
            if group not in groups:
                groups[group] = add_group(edit, group)
            edit.relate(person, "contacts.in_group", groups[group])


def add_group(edit: Edit, name: str) -> str:
    """Adds what the schedule writes as one word: the company, the cast, or a department."""
    kind = {COMPANY: "company", ALL_CAST: "cast"}.get(name, "department")
    group = edit.add("contacts.groups", name=name, short=name.removeprefix(DEPARTMENT).capitalize(), kind=kind)
    edit.put(group, into="schedule.groups")
    edit.set(group, {"schedule.groups.name": name})
    return group


def script(workspace: Workspace, edit: Edit) -> None:
    """Scenes and characters, who is in what, and who plays whom."""
    scenes: dict[str, str] = {}
    for row in rows("scenes"):
        number = row["scene"]
        pages = {"page_from": row["page_start"], "page_to": row["page_end"]}
        place = {"place": row["location"], "lines": row["lines"]}
        scenes[number] = edit.add(
            "script.scenes", number=number, act=row["act"], kind="scene", order=row["order"], **place, **pages
        )
    characters: dict[str, str] = {}
    for order, row in enumerate(rows("characters"), 1):
        code, name = row["character_id"], row["name"]
        characters[code] = edit.add("script.characters", code=code, name=name, order=order)
        edit.put(characters[code], into="casting.roles")
        edit.set(characters[code], {"casting.roles.code": code, "casting.roles.name": name})
    for row in rows("scene_characters"):
        told = {"how": row["how"], "speeches": row["speeches"]}
        edit.relate(characters[row["character_id"]], "script.appears", scenes[row["scene"]], **told)
    called, ids = names_of_people(), ids_by(workspace, "contacts.people", "name")
    for row in rows("casting"):
        edit.relate(ids[called[row["contact_id"]]], "casting.plays", characters[row["character_id"]])


def schedule(workspace: Workspace, edit: Edit) -> None:
    """Events and rooms: what is worked on, who is called besides, and who is not."""
    ids = ids_by(workspace, "contacts.people", "name")
    called = {number: ids[name] for number, name in names_of_people().items()}
    called |= ids_by(workspace, "contacts.groups", "name")
    scenes = ids_by(workspace, "script.scenes", "number")
    rooms: dict[str, str] = {}
    for row in rows("schedule"):
        at = {"start": row["start"], "end": row["end"], "call": row["call_time"], "room": row["room"]}
        what = {"title": row["title"], "kind": row["type"], "status": row["status"], "note": row["note"]}
        event = edit.add("schedule.events", **given(number=row["event_id"], date=row["date"], **at, **what))
        for order, scene in enumerate(filter(None, row["scenes"].split(";")), 1):
            edit.relate(event, "schedule.works_on", scenes[scene], order=order)
        for word in filter(None, row["also_called"].split(";")):
            edit.relate(event, "schedule.calls", called[word])
        for word in filter(None, row["not_called"].split(";")):
            edit.relate(event, "schedule.excuses", called[word])
        if row["room"] not in rooms:
            rooms[row["room"]] = edit.add("schedule.rooms", name=row["room"])


def light(workspace: Workspace, edit: Edit) -> None:
    """Light cues."""
    scenes = ids_by(workspace, "script.scenes", "number")
    for row in rows("lx_cues"):
        key = {"list": row["cue_list"], "number": row["cue"], "part": row["part"]}
        follow = {"follow": FOLLOWS.get(row["follow"][:1]), "follow_time": row["follow"][1:]}
        times = {"up": row["up"], "down": row["down"], **follow}
        at = {"page": row["page"], "line": row["script_line"], "on": row["cue_words"]}
        told = {"label": row["label"], "is_called": YES_NO.get(row["called"]), "notes": row["notes"]}
        cue = edit.add("lighting.cues", **given(**key, **times, **at, **told))
        if row["scene"]:
            edit.relate(cue, "lighting.in_scene", scenes[row["scene"]])


def sound(workspace: Workspace, edit: Edit) -> None:
    """Sound cues."""
    scenes = ids_by(workspace, "script.scenes", "number")
    for row in rows("sound_cues"):
        told = {"label": row["name"], "is_called": YES_NO.get(row["called"]), "notes": row["notes"]}
        runs = {"continue": CONTINUES[row["continue_mode"]], "pre_wait": row["pre_wait"], "duration": row["duration"]}
        at = {"page": row["page"], "line": row["script_line"], "on": row["cue_words"]}
        cue = edit.add("sound.cues", **given(number=row["number"], type=row["type"], **told, **runs, **at))
        if row["scene"]:
            edit.relate(cue, "sound.in_scene", scenes[row["scene"]])


def calling(workspace: Workspace, edit: Edit) -> None:
    """The calling list: every called cue of light and sound. Words and scenes stay with their owners."""
    for dept, table in (("LX", "lighting.cues"), ("SQ", "sound.cues")):
        select = {"number": "number", "scene": f"->{table.partition('.')[0]}.in_scene.number"}
        for row in workspace.query(query={"from": table, "where": "is_called == true", "select": select}):
            cue, number = str(row["id"]), str(row["number"])
            section = "show" if row["scene"] else "post-show" if number == "POST" else "pre-show"
            told = {
                "dept": dept,
                "number": number,
                "section": section,
                "nudge": -1 if number == "PRE" else 0,
                "standby": "own",
            }
            edit.put(cue, into="sm.cues")
            edit.set(cue, {f"sm.cues.{name}": value for name, value in told.items()})
    edit.set(f"core.settings:{SETTING}", {"value": FINISHED})


STEPS: tuple[tuple[str, str, Step], ...] = (
    ("The company of Richard III", "contacts.people", people),
    ("Scenes, characters and casting", "script.scenes", script),
    ("Two weeks of rehearsal", "schedule.events", schedule),
    ("Light cues", "lighting.cues", light),
    ("Sound cues", "sound.cues", sound),
    ("The calling list", "sm.cues", calling),
)
