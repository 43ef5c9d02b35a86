"""A simulated disk's accidents on a real folder: backups taken and put back, copies made, bits flipped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a folder as it was at one moment."""

    original: Path
    copy: Path

    def put_back(self) -> None:
        """Replaces the folder by the copy, as a restore from yesterday's image does; nobody may have it open."""
        shutil.rmtree(self.original)
        shutil.copytree(self.copy, self.original)


def back_up(folder: Path, into: Path) -> Backup:
    """Returns a backup of a folder, kept at `into`, which must not exist yet."""
    shutil.copytree(folder, into)
    return Backup(folder, into)


def clone(folder: Path, into: Path) -> Path:
    """Copies a folder, as somebody does who copies a disk to a second machine; returns the new one."""
    shutil.copytree(folder, into)
    return into


def flip_bit(file: Path, chance: Random, *, first: int = 0, last: int | None = None) -> int:
    """Flips one bit of a file between two offsets; returns the offset of the byte it is in."""
    raw = bytearray(file.read_bytes())
    at = chance.randrange(first, len(raw) if last is None else last)
    raw[at] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(raw))
    return at
