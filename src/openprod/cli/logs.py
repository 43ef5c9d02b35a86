"""The program's own log in the state directory: what crossed a door, and where something unexpected broke.

Never holds values of fields, names, keys or the texts of errors, which may quote them.
"""

from __future__ import annotations

import logging
import os
import traceback
from contextlib import suppress
from pathlib import Path

LOG_NAME = "openprod.log"
OLD_NAME = "openprod.old.log"
LOG_BYTES_MAX = 1 << 20
FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"

log = logging.getLogger(__name__)


class StateLog(logging.Handler):
    """Appends lines to a file that only its owner may read; a log that cannot be written stops nobody's work."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line, if the state directory is there."""
        path = log_path()
        with suppress(OSError):
            if path.is_file() and path.stat().st_size > LOG_BYTES_MAX:
                path.replace(path.with_name(OLD_NAME))
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as file:
                file.write(self.format(record) + "\n")


def log_path() -> Path:
    """Returns where the log is."""
    from openprod.store.home import default_path

    return default_path() / LOG_NAME


def start_log() -> None:
    """Sends what the program notes to the log; a second call does nothing."""
    root = logging.getLogger("openprod")
    if not any(isinstance(handler, StateLog) for handler in root.handlers):
        handler = StateLog(logging.INFO)
        handler.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(handler)
        root.setLevel(logging.INFO)


def note_crash(error: Exception) -> str:
    """Notes where something unexpected broke, and returns the sentence for people."""
    places = "".join(traceback.format_tb(error.__traceback__))
    # The error's own text is left out: it may quote what somebody typed.
    log.error("unexpected %s\n%s", type(error).__name__, places.rstrip())
    return (
        f"Something happened that Openprod did not expect ({type(error).__name__}), and it stopped; a change that was "
        f"not finished was not written. Where it happened is in {log_path()}; please report it."
    )
