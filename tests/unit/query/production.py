"""The Richard III production of ../shared/data as a read model. The folder lies beside the project, not in it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.query.read_model import ReadModel

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read
from openprod.catalog.tables import Catalog

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data" / "production"
MODULES = ("contacts", "script", "casting", "schedule", "lighting", "sound", "video", "sm", "notes", "confidential")


def shipped_catalog() -> Catalog:
    manifests = [
        read((ROOT / "modules" / name / "module.toml").read_text("utf-8"), f"modules/{name}/module.toml")
        for name in MODULES
    ]
    return catalog_of(core_manifest(), manifests)


def shipped_query(folder: str, name: str) -> str:
    return (ROOT / folder / "queries" / f"{name}.toml").read_text("utf-8")


def rows(name: str) -> list[dict[str, str]]:
    if not DATA.is_dir():
        sentence = (
            f"The production's tables are not here: {DATA.name} is looked for beside the project, in shared/data."
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Production:
    """Loads the tables; only a loader knows the words COMPANY, ALL CAST and DEPT:x."""

    def __init__(self) -> None:
        self.model = ReadModel(shipped_catalog())
        self.model.connection.execute("BEGIN")
        self.people = dict(self.load_people())
        self.groups: dict[str, int] = {}
        self.load_groups()
        self.scenes = dict(self.load_scenes())
        self.characters = dict(self.load_characters())
        self.events = dict(self.load_events())
        self.load_cues()
        self.model.connection.execute("COMMIT")

    def load_people(self) -> Iterator[tuple[str, int]]:
        for row in rows("contacts.csv"):
            name = f"{row['first_name']} {row['last_name']}"
            shared = {"name": name, "email": row["email"], "phone": row["phone"], "department": row["department"]}
            person = self.model.add("contacts.people", {**shared, "role": row["role"]}, name=row["contact_id"])
            self.model.add("schedule.attendees", shared, eid=person)
            if row["department"] == "Cast":
                self.model.add("casting.performers", {"name": name}, eid=person)
            yield row["contact_id"], person

    def load_groups(self) -> None:
        for row in rows("contacts.csv"):
            names = ["COMPANY", f"DEPT:{row['department']}", *(["ALL CAST"] if row["department"] == "Cast" else [])]
            for name in names:
                if name not in self.groups:
                    self.groups[name] = self.model.add("contacts.groups", {"name": name}, name=name)
                self.model.relate("contacts.in_group", self.people[row["contact_id"]], self.groups[name])

    def load_scenes(self) -> Iterator[tuple[str, int]]:
        for row in rows("scenes.csv"):
            values = {"number": row["scene"], "act": row["act"], "order": row["order"], "place": row["location"]}
            yield row["scene"], self.model.add("script.scenes", values, name=row["scene"])

    def load_characters(self) -> Iterator[tuple[str, int]]:
        characters: dict[str, int] = {}
        for row in rows("characters.csv"):
            values = {"code": row["character_id"], "name": row["name"]}
            character = self.model.add("script.characters", values, name=row["character_id"])
            self.model.add("casting.roles", values, eid=character)
            characters[row["character_id"]] = character
            yield row["character_id"], character
        for row in rows("scene_characters.csv"):
            self.model.relate("script.appears", characters[row["character_id"]], self.scenes[row["scene"]])
        for row in rows("casting.csv"):
            self.model.relate("casting.plays", self.people[row["contact_id"]], characters[row["character_id"]])

    def load_events(self) -> Iterator[tuple[str, int]]:
        for row in rows("schedule.csv"):
            same = {key: row[key] for key in ("date", "start", "end", "room", "title", "status", "note")}
            event = self.model.add(
                "schedule.events",
                {**same, "number": row["event_id"], "call": row["call_time"], "kind": row["type"]},
                name=row["event_id"],
            )
            for scene in filter(None, row["scenes"].split(";")):
                self.model.relate("schedule.works_on", event, self.scenes[scene])
            for token in filter(None, row["also_called"].split(";")):
                called = self.people[token] if token in self.people else self.groups[token]
                self.model.relate("schedule.calls", event, called)
            for token in filter(None, row["not_called"].split(";")):
                self.model.relate("schedule.excuses", event, self.people[token])
            yield row["event_id"], event

    def load_cues(self) -> None:
        for row in rows("lx_cues.csv"):
            anchor = {"on": row["cue_words"], "page": row["page"], "line": row["script_line"]}
            own = {"list": row["cue_list"], "number": row["cue"], "part": row["part"], "label": row["label"]}
            cue = self.model.add("lighting.cues", {**anchor, **own, "up": row["up"], "is_called": row["called"] == "Y"})
            if row["scene"]:
                self.model.relate("lighting.in_scene", cue, self.scenes[row["scene"]])
            if row["called"] == "Y":
                section = "show" if row["scene"] else "pre-show"
                called = {"dept": "LX", "number": row["cue"], "section": section, "nudge": 0}
                self.model.add("sm.cues", called, eid=cue)
        for row in rows("sound_cues.csv"):
            anchor = {"on": row["cue_words"], "page": row["page"], "line": row["script_line"]}
            own = {"number": row["number"], "type": row["type"], "label": row["name"]}
            cue = self.model.add("sound.cues", {**anchor, **own, "is_called": row["called"] == "Y"})
            if row["scene"]:
                self.model.relate("sound.in_scene", cue, self.scenes[row["scene"]])
            if row["called"] == "Y":
                place = {"PRE": ("pre-show", -1), "POST": ("post-show", 0)}
                section, nudge = place.get(row["number"], ("show", 0))
                called = {"dept": "SQ", "number": row["number"], "section": section, "nudge": nudge}
                self.model.add("sm.cues", called, eid=cue)
