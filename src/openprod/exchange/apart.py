"""Files of which bombs can be made are read in a process of their own, killed from outside when it takes too long.

Knows how that process is started, what it is asked and what it may answer. Must not know formats.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import msgspec

from openprod.exchange.rows import Rows, cells
from openprod.exchange.sheet import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    BadChoice,
    Choice,
    Sheet,
    Unreadable,
)

COMMAND = (sys.executable, "-I", "-m", "openprod.exchange.worker")
LENGTH_BYTES = 4
BLOCK_ROWS = 500
MESSAGE_BYTES_MAX = 256 << 20
ANSWER_BYTES_MAX = 1 << 30


class Request(msgspec.Struct, array_like=True, frozen=True):
    """What the process is asked; the file's bytes follow."""

    format: str
    choice: Choice
    memory_bytes: int
    seconds: int


class Block(msgspec.Struct, array_like=True, frozen=True, tag="b"):
    """Some rows with their places."""

    lines: list[int]
    rows: list[list[str]]


class End(msgspec.Struct, array_like=True, frozen=True, tag="e"):
    """The rest of a sheet, after its rows."""

    header: tuple[str, ...]
    bad: list[tuple[int, str]]
    assumed: tuple[str, ...]
    encoding: str
    separator: str
    unit: str
    name: str
    derived: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


class Failure(msgspec.Struct, array_like=True, frozen=True, tag="f"):
    """Why there is no sheet; an empty sentence is one of too much memory."""

    sentence: str
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the process may use."""

    memory_bytes: int = 2 << 30
    seconds: float = 120.0


def read_apart(
    form: str, raw: bytes, choice: Choice, limits: Limits | None = None, command: Sequence[str] = COMMAND
) -> Sheet:
    """Returns the sheet that a process of its own reads out of a file.

    Args:
        form: the name of its format.
        raw: its bytes.
        choice: which sheet and header row.
        limits: what the process may use.
        command: what is started.

    Raises:
        Unreadable: it cannot be read, or not within the limits.
        BadChoice: there is no such sheet or row.
    """
    limits = limits or Limits()
    request = msgspec.msgpack.encode(Request(form, choice, limits.memory_bytes, int(limits.seconds) + 1))
    with subprocess.Popen(  # noqa: S603 (our own interpreter with our own module; nothing of the file is in it)
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        close_fds=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(limits.seconds, process.kill)
        feeder = threading.Thread(target=_feed, args=(process.stdin, request, raw), daemon=True)
        timer.start()
        feeder.start()
        try:
            return _sheet(process.stdout)
        except _NoAnswer as error:
            is_late = not timer.is_alive()
            raise Unreadable(_why(is_late=is_late, seconds=limits.seconds)) from error
        finally:
            timer.cancel()
            process.kill()
            feeder.join()


class _NoAnswer(Exception):
    """The process ended or was ended without a whole answer."""


def _why(*, is_late: bool, seconds: float) -> str:
    if is_late:
        return f"Reading the file took longer than {seconds:g} seconds and was stopped. Split it and import the parts."
    return (
        "Reading the file took more memory than a file of its kind should, or ended in the middle. "
        "Save it anew from its program, or as CSV, and import that."
    )


def _feed(target: IO[bytes], request: bytes, raw: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):
        target.write(len(request).to_bytes(LENGTH_BYTES) + request)
        target.write(raw)
    with contextlib.suppress(OSError, ValueError):
        target.close()


def _sheet(source: IO[bytes]) -> Sheet:
    """Returns the sheet out of an answer, of which nothing is believed before it is looked at."""
    rows = Rows(cells)
    lines = array("L")
    for message in _messages(source):
        match message:
            case Block():
                if len(message.lines) != len(message.rows):
                    raise _NoAnswer
                for row in message.rows:
                    rows.append(row)
                if any(not 0 <= line <= ROWS_MAX for line in message.lines):
                    raise _NoAnswer
                lines.extend(message.lines)
                if len(rows) > ROWS_MAX:
                    raise _NoAnswer
            case Failure():
                if not message.sentence:
                    raise _NoAnswer
                raise (BadChoice if message.is_choice else Unreadable)(message.sentence)
            case End():
                width = len(message.header)
                if width > COLUMNS_MAX:
                    raise Unreadable(f"The file has {width:,} columns; {COLUMNS_MAX:,} can be read. Leave some out.")
                if any(len(row) != width or any(len(cell) > CELL_CHARACTERS_MAX for cell in row) for row in rows):
                    raise _NoAnswer
                return Sheet(
                    message.header, rows, lines, message.bad, message.encoding, message.separator, message.assumed,
                    message.unit, message.name, message.derived, message.sheets, message.above,
                )  # fmt: skip
    raise _NoAnswer


def _messages(source: IO[bytes]) -> Iterator[Block | End | Failure]:
    decoder = msgspec.msgpack.Decoder(Block | End | Failure)
    total = 0
    while True:
        size = int.from_bytes(_exactly(source, LENGTH_BYTES))
        total += size
        if size > MESSAGE_BYTES_MAX or total > ANSWER_BYTES_MAX:
            raise _NoAnswer
        try:
            message = decoder.decode(_exactly(source, size))
        except msgspec.MsgspecError as error:
            raise _NoAnswer from error
        yield message


def _exactly(source: IO[bytes], size: int) -> bytes:
    raw = source.read(size)
    if len(raw) != size:
        raise _NoAnswer
    return raw
