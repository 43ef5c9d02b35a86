"""S-65: a stored bundle is damaged on a disk, one flipped bit anywhere."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest

from openprod.testing.clock import FakeClock
from openprod.testing.desks import DeskSeat, DeskWorld
from openprod.testing.world import NAME, PEOPLE, PHONE, differences

PLACES = (("bundle", "header"), ("bundle", "signature"), ("chunk", "raw"))


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_s65_a_damaged_bundle_is_found_named_and_mended_by_anybody_who_has_it(
    table: str, column: str, tmp_path: Path
) -> None:
    chance = Random(f"{table} {column}")
    world = DeskWorld(tmp_path / "world", chance)
    ana, ben = world.cast("Ana", "Ben")
    assert isinstance(ana, DeskSeat)
    assert isinstance(ben, DeskSeat)
    record = ana.add(PEOPLE, {NAME: "Old"})
    ana.set(record, PHONE, "555-0100")
    world.sync(ana, ben)
    ben.set(record, NAME, "New")
    world.sync(ana, ben)
    wanted = ben.look()
    ben.close()
    for n in range(8):
        folder = tmp_path / f"damaged {n}"
        shutil.copytree(ben.folder, folder)
        what = flip(folder / "show" / "workspace.db", table, column, chance)
        damaged = DeskSeat("Ben", folder, FakeClock(world.time), Random(n))
        findings = damaged.ws.verify()
        assert findings.damaged or findings.notes, f"nobody noticed {what}"
        damaged.receive(ana.lacking(damaged))
        damaged.receive(ana.sealed())
        again = damaged.ws.verify()
        assert again.is_sound, f"{what} is not mended: {again.damaged}"
        # The packages of modules are files, and these devices never gave each other any.
        notes = [note for note in again.notes if "is not on this device" not in note]
        assert not notes, f"{what} is not mended: {notes}"
        assert not differences(damaged.look(), wanted), what
        damaged.close()
    world.close()


def flip(database: Path, table: str, column: str, chance: Random) -> str:
    """Flips one bit of one blob in a database file; returns what it was."""
    connection = sqlite3.connect(database)
    rows = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()
    row, raw = chance.choice(rows)
    spoilt = bytearray(raw)
    at = chance.randrange(len(spoilt))
    spoilt[at] ^= 1 << chance.randrange(8)
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(spoilt), row))
    connection.commit()
    connection.close()
    return f"byte {at} of the {column} of {table} {row}"
