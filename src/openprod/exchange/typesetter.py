"""The typesetter's process: a layout and its data in on standard input, a PDF out on standard output, nothing else.

Started by `typesetting` as `python -I -m openprod.exchange.typesetter` with an empty environment. All files of a layout
are in the request. Before a layout that is not this program's own is looked at, the process takes from itself every
file and socket it might open. Must not know what is set.
"""

from __future__ import annotations

import os
import sys
from typing import Protocol, cast

import msgspec

from openprod.exchange.typesetting import Done, Job
from openprod.exchange.worker import limit


class _Typst(Protocol):
    def compile(
        self, source: dict[str, bytes], *, sys_inputs: dict[str, str], ignore_system_fonts: bool
    ) -> bytes | list[bytes]: ...


def serve(job: Job) -> Done:
    """Returns what a job gives; the process can open nothing any more then, but for this program's own layouts."""
    import typst  # noqa: PLC0415 (some 30 MB that only this needs)

    engine = cast("_Typst", cast("object", typst))
    main = job.files.get(job.main)
    if main is None:
        return Done(why=f"the layout {job.main} is not among the module's files.")
    folder = job.main.rpartition("/")[0]
    beside = {name.removeprefix(f"{folder}/"): raw for name, raw in job.files.items() if name.startswith(f"{folder}/")}
    files = {**job.files, **beside, "main.typ": main}
    if not job.is_ours:
        # Starts the threads and takes the fonts while that may be done.
        engine.compile({"main.typ": b"."}, sys_inputs={}, ignore_system_fonts=True)
        limit(job.memory_bytes, job.seconds, open_files=0)
    try:
        found = engine.compile(files, sys_inputs={"data": job.data}, ignore_system_fonts=not job.is_ours)
    except (RuntimeError, ValueError, OSError) as error:
        return Done(why=" ".join(str(error).split()))
    return Done(found if isinstance(found, bytes) else b"".join(found))


def main() -> None:
    """Serves one request; whatever else is printed goes nowhere."""
    target = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    target.write(msgspec.msgpack.encode(serve(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job))))
    target.flush()


if __name__ == "__main__":
    main()
