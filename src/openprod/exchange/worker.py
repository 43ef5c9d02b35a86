"""The reading process: one file in on standard input, its table out on standard output, and nothing else.

Started by `apart` as `python -I -m openprod.exchange.worker` with an empty environment. It limits itself before it
looks at the file: memory, processor time, no new files, hardly any open ones; on Linux `sandbox` then takes all calls
that open anything. Must not know any format.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import itertools
import os
import resource
import sys
from typing import BinaryIO

import msgspec

from openprod.exchange import ical
from openprod.exchange.apart import BLOCK_ROWS, LENGTH_BYTES, Block, End, Failure, Request
from openprod.exchange.formats import FORMATS, read_here
from openprod.exchange.sandbox import seal
from openprod.exchange.sheet import BadChoice, Sheet, Unreadable

OPEN_FILES_MAX = 16
# What archives and XML may be written in; Python reads an encoding from a file when it is first asked for it.
ENCODINGS = (
    "cp437", "ascii", "latin-1", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1250", "cp1251",
    "cp1252", "cp1253", "cp1254", "iso8859-2", "iso8859-5", "iso8859-9", "iso8859-15", "koi8-r", "mac-roman",
    "shift_jis", "euc-jp", "euc-kr", "gb18030", "big5", "idna", "unicode_escape",
)  # fmt: skip


def limit(memory_bytes: int, seconds: int, open_files: int = OPEN_FILES_MAX) -> None:
    """Takes from this process what its work does not need; what a system does not have is left."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, open_files),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Reads one request and writes its answer."""
    request = msgspec.msgpack.decode(_exactly(source, int.from_bytes(_exactly(source, LENGTH_BYTES))), type=Request)
    form = FORMATS[request.format]
    importlib.import_module(f"openprod.exchange.{form.reader[0]}")
    _preload(form.name)
    limit(request.memory_bytes, request.seconds)
    raw = source.read()
    if form.name == "ical":
        # Time zones are files; those that are named are looked up before none can be opened any more.
        ical.know_zones(raw)
    seal()
    try:
        sheet = read_here(form, raw, request.choice)
    except BadChoice as error:
        _write(target, Failure(str(error), is_choice=True))
    except Unreadable as error:
        _write(target, Failure(str(error)))
    except (MemoryError, RecursionError):
        _write(target, Failure(""))
    else:
        _write_sheet(target, sheet)
    target.flush()


def _preload(name: str) -> None:
    """Imports the libraries before the limits, while files may still be opened."""
    libraries = {
        "xlsx": ("defusedxml.ElementTree", "openpyxl", "openpyxl.reader.excel", "openpyxl.worksheet._read_only"),
        "ical": ("icalendar", "dateutil.rrule", "dateutil.tz", "zoneinfo"),
    }
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    for library in libraries.get(name, ("defusedxml.ElementTree",)):
        importlib.import_module(library)


def _write_sheet(target: BinaryIO, sheet: Sheet) -> None:
    rows = iter(sheet.rows)
    for start in range(0, len(sheet.rows), BLOCK_ROWS):
        _write(target, Block(list(sheet.lines[start : start + BLOCK_ROWS]), list(itertools.islice(rows, BLOCK_ROWS))))
    end = End(
        sheet.header, sheet.bad, sheet.assumed, sheet.encoding, sheet.separator, sheet.unit, sheet.name, sheet.derived,
        sheet.sheets, sheet.above,
    )  # fmt: skip
    _write(target, end)


def _write(target: BinaryIO, message: Block | End | Failure) -> None:
    raw = msgspec.msgpack.encode(message)
    target.write(len(raw).to_bytes(LENGTH_BYTES))
    target.write(raw)


def _exactly(source: BinaryIO, size: int) -> bytes:
    raw = source.read(size)
    if len(raw) != size:
        raise SystemExit(1)
    return raw


def main() -> None:
    """Serves one request; whatever else is printed goes nowhere."""
    target = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    serve(sys.stdin.buffer, target)


if __name__ == "__main__":
    main()
