"""Linux Show Player sessions (.lsp): the cues of a sound show.

Knows that program's JSON. Must not know which field a column is; the sound module says that (`[import.lsp]`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import cast
from urllib.parse import unquote, urlsplit

from openprod.exchange.calling import SAID, Cue, called
from openprod.exchange.csv import decode_text
from openprod.exchange.json_rows import Json, decode
from openprod.exchange.sheet import Choice, Sheet, Unreadable, make_sheet, number_text

HEADER = (
    "Number",
    "Id",
    "Type",
    "Name",
    "File",
    "Duration",
    "Pre Wait",
    "Post Wait",
    "Continue Mode",
    "Notes",
    "Called",
)
CONTINUES = {
    "AutoNext": "auto-continue", "TriggerAfterWait": "auto-continue",
    "AutoFollow": "auto-follow", "TriggerAfterEnd": "auto-follow",
}  # fmt: skip
TYPES = {
    "MediaCue": "audio", "GstMediaCue": "audio", "UriAudioCue": "audio", "StopAll": "stop", "VolumeControl": "fade",
    "SeekCue": "memo", "MidiCue": "midi", "OscCue": "network", "CommandCue": "network", "CollectionCue": "group",
    "IndexActionCue": "group",
}  # fmt: skip


def is_lsp(head: str) -> bool:
    """Tells whether a JSON text begins like a session."""
    return re.search(r'"(cues|session|application)"\s*:', head) is not None and '"_type_"' in head


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the cues of a session in their order; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    document = decode(text)
    cues = cast("Json", document).get("cues") if isinstance(document, dict) else None
    if not isinstance(cues, list):
        raise Unreadable("The file is no session of Linux Show Player: it has no list of cues.")
    bad: list[tuple[int, str]] = []
    found: list[tuple[int, dict[str, str]]] = []
    for at, one in enumerate(cast("list[object]", cues), 1):
        if not isinstance(one, dict):
            bad.append((at, "it is no cue"))
            continue
        found.append((at, _cells(cast("Json", one), at)))
    if any(row["File"] for _, row in found):
        assumed.append("Of each sound file only the name was kept, not the folder on the author's machine.")
    if not all("index" in cast("Json", one) for one in cast("list[object]", cues) if isinstance(one, dict)):
        assumed.append("Cues without a place are numbered as they come.")
    runs_on = [Cue("", str(at), "", bool(row["Continue Mode"])) for at, row in found]
    for (_, row), word in zip(found, called(runs_on), strict=True):
        row["Called"] = word
    assumed.append(SAID.format(follow="automatic next action"))
    assumed.append("The number of a cue is its place in the list, which is what the program shows.")
    rows = ((at, [row[name] for name in HEADER]) for at, row in found)
    return make_sheet(HEADER, rows, bad=bad, assumed=assumed, unit="entry", derived=("Called",))


def _cells(cue: Mapping[str, object], at: int) -> dict[str, str]:
    index = cue.get("index")
    kind = _text(cue.get("_type_")).rpartition(".")[2]
    length = cue.get("duration")
    return {
        "Number": str(index + 1) if isinstance(index, int) and index >= 0 else str(at),
        "Id": _text(cue.get("id")),
        "Type": TYPES.get(kind, kind),
        "Name": _text(cue.get("name")),
        "File": _file(cue),
        "Duration": _seconds(length / 1000) if isinstance(length, (int, float)) and length > 0 else "",
        "Pre Wait": _seconds(cue.get("pre_wait")),
        "Post Wait": _seconds(cue.get("post_wait")),
        "Continue Mode": CONTINUES.get(_text(cue.get("next_action")), ""),
        "Notes": _text(cue.get("description")),
        "Called": "",
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> str:
    return f"{number_text(float(value))}s" if isinstance(value, (int, float)) and 0 < value < 1e12 else ""


def _file(cue: Mapping[str, object]) -> str:
    """Returns the name of the sound file, found under any of the media elements."""
    elements = _inner(_inner(cue.get("_media_") or cue.get("media")).get("elements"))
    for element in elements.values():
        uri = _text(_inner(element).get("uri"))
        if uri:
            return PurePosixPath(unquote(_path_of(uri)).replace("\\", "/")).name
    return ""


def _path_of(uri: str) -> str:
    try:
        return urlsplit(uri).path if "://" in uri else uri
    except ValueError:
        return uri


def _inner(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}
