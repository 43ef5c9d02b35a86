"""MVR scenes and GDTF fixture types: the fixtures of a scene, or the modes of a fixture type.

Knows the elements of both (DIN SPEC 15800). Must not know which field one is; the lighting module says that
(`[import.mvr]`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openprod.exchange.outside import elements, entry_bytes, open_zip, tag_of, text_in
from openprod.exchange.sheet import Choice, Sheet, Unreadable, make_sheet, number_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SCENE, TYPE = "GeneralSceneDescription.xml", "description.xml"
UNIVERSE = 512
ADDRESS_MAX = 65_536 * UNIVERSE
TYPES_MAX = 500
TYPE_BYTES_MAX = 64 << 20
HEADER = (
    "UUID", "Fixture ID", "Unit", "Name", "Type", "Mode", "Address", "Footprint", "Wattage", "Weight", "Position",
    "Layer", "Group", "Custom ID", "Function", "X", "Y", "Z",
)  # fmt: skip
TYPE_HEADER = ("Type", "Manufacturer", "Mode", "Footprint", "Wattage", "Weight")
_VECTOR = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a fixture type says of itself."""

    name: str
    maker: str
    modes: Mapping[str, int]
    wattage: str
    weight: str


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the fixtures of a scene; raises Unreadable."""
    del choice
    archive = open_zip(raw, "an MVR scene")
    kinds = _Kinds(archive)
    positions, bad = dict[str, str](), list[tuple[int, str]]()
    rows = list(_fixtures(entry_bytes(archive, SCENE), kinds, positions, bad))
    if not rows and not bad:
        raise Unreadable("The scene holds no fixtures.")
    for _, row in rows:
        row["Position"] = positions.get(row["Position"].casefold(), row["Position"] and "")
    assumed = ["Places are in metres from the scene's origin; addresses are written as universe/address."]
    if any(not row["Fixture ID"] for _, row in rows):
        assumed.append("A fixture number of 0 means none.")
    assumed += kinds.notes
    return make_sheet(
        HEADER,
        ((at, [row.get(name, "") for name in HEADER]) for at, row in rows),
        bad=bad,
        assumed=assumed,
        unit="entry",
    )


def read_type(raw: bytes, choice: Choice) -> Sheet:
    """Returns the modes of a GDTF fixture type, one row each; raises Unreadable."""
    del choice
    kind = _kind(entry_bytes(open_zip(raw, "a GDTF fixture type"), TYPE))
    rows = [
        (at, [kind.name, kind.maker, mode, str(footprint) if footprint else "", kind.wattage, kind.weight])
        for at, (mode, footprint) in enumerate(kind.modes.items(), 1)
    ]
    if not rows:
        raise Unreadable("The fixture type has no mode.")
    assumed = ["A GDTF file describes a type of fixture, not fixtures of a show: each of its modes is one row."]
    return make_sheet(TYPE_HEADER, rows, assumed=assumed, unit="entry")


def _fixtures(
    raw: bytes, kinds: _Kinds, positions: dict[str, str], bad: list[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the fixtures with the layer and groups they stand in, in the order of the scene."""
    layer, groups, place = "", list[str](), 0
    is_scene = False
    for event, element, depth in elements(raw):
        name = tag_of(element)
        if event == "start":
            is_scene = is_scene or (depth == 1 and name == "GeneralSceneDescription")
            if not is_scene:
                raise Unreadable("The file is no MVR scene: its description begins otherwise.")
            if name == "Layer":
                layer = element.get("name", "")
            elif name == "GroupObject":
                groups.append(element.get("name", ""))
        elif name == "GroupObject":
            groups.pop()
            element.clear()
        elif name == "Position" and element.get("uuid"):
            positions[element.get("uuid", "").casefold()] = element.get("name", "")
        elif name == "Fixture":
            place += 1
            if element.get("uuid"):
                yield place, _cells(element, layer, " / ".join(filter(None, groups)), kinds)
            else:
                bad.append((place, "the fixture has no uuid"))
            element.clear()
        elif name in ("Layer", "SceneObject", "Truss", "Symdef", "Geometries"):
            element.clear()


def _cells(fixture: Element, layer: str, group: str, kinds: _Kinds) -> dict[str, str]:
    parts = {tag_of(one): one for one in fixture}
    spec = text_in(parts.get("GDTFSpec"))
    mode = text_in(parts.get("GDTFMode"))
    kind = kinds.of(spec)
    footprint = kind.modes.get(mode, 0) if kind is not None else 0
    x, y, z = _place(text_in(parts.get("Matrix")))
    return {
        "UUID": fixture.get("uuid", "").lower(),
        "Fixture ID": _unless_zero(text_in(parts.get("FixtureID"))),
        "Unit": _unless_zero(text_in(parts.get("UnitNumber"))),
        "Name": fixture.get("name", ""),
        "Type": spec.removesuffix(".gdtf") or fixture.get("name", ""),
        "Mode": mode,
        "Address": _addresses(parts.get("Addresses")),
        "Footprint": str(footprint) if footprint else "",
        "Wattage": kind.wattage if kind is not None else "",
        "Weight": kind.weight if kind is not None else "",
        "Position": text_in(parts.get("Position")),
        "Layer": layer,
        "Group": group,
        "Custom ID": _unless_zero(text_in(parts.get("CustomId"))),
        "Function": text_in(parts.get("Function")),
        "X": x,
        "Y": y,
        "Z": z,
    }


def _unless_zero(text: str) -> str:
    return "" if text == "0" else text


def _addresses(part: Element | None) -> str:
    """Returns addresses as universe/address, counted from 1: 513 is 2/1; several breaks are joined."""
    found: list[str] = []
    for one in part if part is not None else ():
        text = text_in(one)
        if text.isascii() and text.isdecimal() and len(text) < 10 and 0 < int(text) <= ADDRESS_MAX:
            universe, address = divmod(int(text) - 1, UNIVERSE)
            found.append(f"{universe + 1}/{address + 1}")
        elif "." in text:
            found.append(text.replace(".", "/", 1))
    return "; ".join(dict.fromkeys(found))


def _place(matrix: str) -> tuple[str, str, str]:
    """Returns where a fixture is in metres, out of a matrix in millimetres."""
    vectors = _VECTOR.findall(matrix)
    if len(vectors) == 4:
        try:
            x, y, z = (float(one) / 1000 for one in vectors[3].split(","))
        except ValueError:
            return "", "", ""
        if all(abs(one) < 1e6 for one in (x, y, z)):
            return number_text(round(x, 3)), number_text(round(y, 3)), number_text(round(z, 3))
    return "", "", ""


class _Kinds:
    """The fixture types packed into a scene, read when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.notes: list[str] = []
        self._archive = archive
        self._names = {name.casefold(): name for name in archive.namelist() if name.lower().endswith(".gdtf")}
        self._found: dict[str, _Kind | None] = {}

    def of(self, spec: str) -> _Kind | None:
        """Returns a type by the name the scene calls it, with or without its ending; None where it is not there."""
        key = spec.casefold()
        name = self._names.get(key) or self._names.get(f"{key}.gdtf")
        if not spec or name is None:
            return None
        if name not in self._found:
            self._found[name] = self._read(name) if len(self._found) < TYPES_MAX else None
        return self._found[name]

    def _read(self, name: str) -> _Kind | None:
        try:
            raw = entry_bytes(self._archive, name)
            inner = open_zip(raw, "a GDTF fixture type")
            if inner.getinfo(TYPE).file_size > TYPE_BYTES_MAX:
                return None
            return _kind(entry_bytes(inner, TYPE))
        except (Unreadable, KeyError):
            self.notes.append(f"The fixture type '{name}' in the scene cannot be read; its footprint is left open.")
            return None


def _kind(raw: bytes) -> _Kind:
    name, maker = "", ""
    breaks: dict[str, dict[str, int]] = {}
    mode = ""
    watts, weight = 0.0, ""
    for event, element, depth in elements(raw):
        tag = tag_of(element)
        if depth == 1 and tag != "GDTF":
            raise Unreadable("The file is no GDTF fixture type: its description begins otherwise.")
        if event == "start" and tag == "FixtureType":
            name = element.get("LongName") or element.get("Name", "")
            maker = element.get("Manufacturer", "")
        elif event == "start" and tag == "DMXMode":
            mode = element.get("Name", "")
            breaks[mode] = {}
        elif event == "start" and tag == "DMXChannel" and mode:
            _count(breaks[mode], element)
        elif event == "start" and tag == "PowerConsumption":
            watts += _positive(element.get("Value", ""))
        elif event == "start" and tag == "Weight":
            weight = number_text(_positive(element.get("Value", ""))) if _positive(element.get("Value", "")) else ""
        elif event == "end" and tag in ("DMXMode", "Geometries", "Wheels"):
            element.clear()
    modes = {one: sum(found.values()) for one, found in breaks.items()}
    return _Kind(name, maker, modes, number_text(watts) if watts else "", weight)


def _count(found: dict[str, int], channel: Element) -> None:
    """Counts a channel: each break is as long as its highest offset."""
    which = channel.get("DMXBreak", "1")
    for one in channel.get("Offset", "").split(","):
        if one.strip().isascii() and one.strip().isdecimal() and len(one) < 6:
            found[which] = max(found.get(which, 0), int(one))


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0 < number < 1e6 else 0.0
