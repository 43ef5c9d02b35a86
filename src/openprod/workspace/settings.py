"""Settings of the show, the same for everybody: its name, its zone, how times are written, the size of paper.

Each is a record of core.settings under an id derived from its name, so that two people who set it apart meet in a
question. Knows which settings there are and what each may be; what they do is their readers'.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping

from openprod.catalog.tables import either, near_names
from openprod.model.errors import Refused
from openprod.model.ids import derived_id, id_text
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import SettingShape
from openprod.workspace.write import Edit

SETTINGS = "core.settings"
NAME, ZONE, CLOCK, PAPER = "name", "zone", "clock", "paper"
CLOCK_24, CLOCK_12 = "24", "12"
PAPERS = ("A4", "Letter", "A3", "Legal", "Tabloid")
NAME_CHARACTERS_MAX = 200
_HELP: Mapping[str, str] = {
    NAME: "What the production is called",
    ZONE: "The time zone of the venue, as Europe/London; times of events are local there",
    CLOCK: "How times of day are written: 24 (19:30) or 12 (7:30p)",
    PAPER: "The size of paper: A4, Letter, A3, Legal or Tabloid",
}
_DEFAULTS: Mapping[str, str] = {NAME: "", ZONE: "", CLOCK: CLOCK_24, PAPER: PAPERS[0]}


class BadSetting(Refused):
    """There is no such setting, or it cannot be that."""

    code = "settings.refused"


def settings(desk: Desk) -> list[SettingShape]:
    """Returns every setting with what it is, defaults where nobody set it."""
    return [
        {"name": name, "value": value_of(desk, name), "default": _DEFAULTS[name], "help": _HELP[name]} for name in _HELP
    ]


def value_of(desk: Desk, name: str) -> str:
    """Returns what a setting is; one that reads as nothing that it may be is its default."""
    record = desk.record_of(derived_id(SETTINGS, name))
    row = desk.db.one(f'SELECT value FROM "{SETTINGS}" WHERE "~eid" = ?', (record.eid if record is not None else 0,))  # noqa: S608 -- a name of ours
    text = row[0] if row is not None and isinstance(row[0], str) else ""
    try:
        return _checked(name, text) if text else _DEFAULTS[name]
    except BadSetting:
        return _DEFAULTS[name]


def stage(desk: Desk, edit: Edit, values: Mapping[str, str]) -> None:
    """Adds to an edit what settings are to be, empty for the default; raises BadSetting, and nothing is written."""
    checked = {name: _checked(name, value.strip()) for name, value in values.items()}
    for name, value in checked.items():
        record = derived_id(SETTINGS, name)
        if not desk.is_known(record):
            edit.add_record(SETTINGS, {"name": name, "value": value or None}, record_id=record)
            continue
        edit.restore(id_text(record))
        if SETTINGS not in desk.member_tables(record):
            edit.put(id_text(record), into=SETTINGS)
        edit.set(id_text(record), {f"{SETTINGS}.value": value or None})


def _checked(name: str, value: str) -> str:
    if name not in _HELP:
        near = near_names(name, _HELP)
        hint = f"Did you mean {either(near)}?" if near else f"There are {', '.join(_HELP)}."
        raise BadSetting(f"There is no setting '{name}'. {hint}")
    if not value:
        return value
    match name:
        case "zone":
            return _zone(value)
        case "clock":
            found = value.lower().removesuffix("h").strip()
            if found not in (CLOCK_12, CLOCK_24):
                raise BadSetting(f"Times are written with 12 or 24 hours, not '{value}'. Write 12 or 24.")
            return found
        case "paper":
            sizes = {size.lower(): size for size in PAPERS}
            if value.lower() not in sizes:
                raise BadSetting(f"'{value}' is no size of paper that is known here. Choose {either(PAPERS)}.")
            return sizes[value.lower()]
        case _:
            if len(value) > NAME_CHARACTERS_MAX or not value.isprintable():
                raise BadSetting(f"A name is one line of at most {NAME_CHARACTERS_MAX} letters. Write a shorter one.")
            return value


def _zone(value: str) -> str:
    try:
        return zoneinfo.ZoneInfo(value).key
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        near = near_names(value, zoneinfo.available_timezones())
        hint = f" Did you mean {either(near)}?" if near else " Write one like Europe/London."
        raise BadSetting(f"'{value}' is no time zone.{hint}") from None
