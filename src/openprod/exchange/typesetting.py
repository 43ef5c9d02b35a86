"""Asks the typesetter's process for a PDF: what it is given is all it has, and it is ended when it takes too long.

Knows how that process is started and what it answers. Must not know what is set.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openprod.exchange.export import NotWritten

COMMAND = (sys.executable, "-I", "-m", "openprod.exchange.typesetter")
MEMORY_BYTES = 4 << 30
SECONDS = 60
REASON_CHARACTERS_MAX = 300


class Job(msgspec.Struct, array_like=True, frozen=True):
    """What the process is asked.

    Attributes:
        files: all files that the layout may name, by path.
        main: the path of the layout among them.
        data: what it sets, JSON, as `sys.inputs.data`.
        is_ours: whether the layout is this program's own, which may look for the letters it needs among this device's
            fonts; any other opens nothing and has the fonts that come with the typesetter.
        memory_bytes, seconds: what it may use.
    """

    files: dict[str, bytes]
    main: str
    data: str
    is_ours: bool = False
    memory_bytes: int = MEMORY_BYTES
    seconds: int = SECONDS


class Done(msgspec.Struct, array_like=True, frozen=True):
    """What it answers: the PDF, or why there is none."""

    pdf: bytes = b""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout with the files beside it, by path."""

    main: str
    files: Mapping[str, bytes]
    is_ours: bool = False


def typeset(layout: Layout, data: str, *, title: str, seconds: int = SECONDS) -> bytes:
    """Returns a PDF.

    Args:
        layout: how it looks.
        data: what it says, JSON.
        title: what it is called where it cannot be set.
        seconds: how long it may take.

    Raises:
        NotWritten: the layout has a mistake, which is named, or takes too long or too much memory.
    """
    job = msgspec.msgpack.encode(Job(dict(layout.files), layout.main, data, layout.is_ours, seconds=seconds + 1))
    try:
        ran = subprocess.run(  # noqa: S603 (our own interpreter with our own module; the layout goes in as data)
            COMMAND, input=job, capture_output=True, env={}, cwd="/", timeout=seconds, check=False
        )
        done = msgspec.msgpack.decode(ran.stdout, type=Done)
    except subprocess.TimeoutExpired as error:
        raise NotWritten(f"{title} cannot be set on paper: the layout took longer than {seconds} seconds.") from error
    except msgspec.MsgspecError as error:
        raise NotWritten(
            f"{title} cannot be set on paper: the layout {layout.main} took too much memory or time, or ended in the"
            " middle. Set fewer rows, or another layout."
        ) from error
    if done.why or not done.pdf.startswith(b"%PDF"):
        raise NotWritten(f"{title} cannot be set on paper: {done.why[:REASON_CHARACTERS_MAX]}")
    return done.pdf
