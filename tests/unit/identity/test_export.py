from __future__ import annotations

import struct

import pytest

from openprod.identity.export import (
    CHANCE_BYTES,
    EXPORT_BYTES_MAX,
    BadExport,
    Keyring,
    Strength,
    WeakPassphrase,
    WrongPassphrase,
    lock,
    unlock,
)
from openprod.identity.keys import SigningSeed

SEED = SigningSeed(b"actor".ljust(32))
RINGS = (Keyring(b"w" * 32, ((0, b"k" * 32), (1, b"l" * 32))),)
QUICK = Strength(1, 8 << 10)
CHANCE = bytes(range(CHANCE_BYTES))
RAW = lock(SEED, "Jo Ünger", RINGS, "four plain words", CHANCE, QUICK)


def test_an_export_opens_with_its_passphrase() -> None:
    found = unlock(RAW, "four plain words")
    assert (found.seed, found.name, found.workspaces) == (SEED.reveal(), "Jo Ünger", RINGS)


def test_nothing_of_it_stands_in_clear() -> None:
    for secret in (SEED.reveal(), b"k" * 32, "Jo Ünger".encode(), b"w" * 32):
        assert secret not in RAW
    shown = repr(unlock(RAW, "four plain words"))
    assert "actor" not in shown
    assert "kkkk" not in shown
    assert "kkkk" not in repr(RINGS)


def test_composed_and_decomposed_accents_are_one_passphrase() -> None:
    raw = lock(SEED, "Jo", (), "Käthe Käthe", CHANCE, QUICK)
    assert unlock(raw, "Ka\u0308the Ka\u0308the").name == "Jo"


def test_a_wrong_passphrase_gets_a_sentence() -> None:
    with pytest.raises(WrongPassphrase, match="Check the passphrase") as caught:
        unlock(RAW, "four other words")
    assert "four" not in str(caught.value)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(WeakPassphrase):
        lock(SEED, "Jo", (), "1234567", CHANCE, QUICK)


def test_any_changed_byte_is_noticed() -> None:
    for at in range(0, len(RAW), 5):
        if 10 <= at < 22:  # The cost parameters: a changed one may take long, and has a test of its own.
            continue
        bent = RAW[:at] + bytes((RAW[at] ^ 1,)) + RAW[at + 1 :]
        with pytest.raises((WrongPassphrase, BadExport)):
            unlock(bent, "four plain words")


@pytest.mark.parametrize("cut", [0, 7, 30, 61, len(RAW) - 1])
def test_a_cut_file_gets_a_sentence(cut: int) -> None:
    with pytest.raises((WrongPassphrase, BadExport)):
        unlock(RAW[:cut], "four plain words")


@pytest.mark.parametrize(("passes", "memory"), [(1, (1 << 30) + 1), (1, 1 << 63), (17, 8 << 10), (0, 8 << 10), (1, 0)])
def test_costs_beyond_bounds_are_refused_before_they_are_paid(passes: int, memory: int) -> None:
    bent = RAW[:10] + struct.pack(">IQ", passes, memory) + RAW[22:]
    with pytest.raises(BadExport, match="does not grant"):
        unlock(bent, "four plain words")


def test_files_of_other_kinds_sizes_and_versions_are_told_apart() -> None:
    with pytest.raises(BadExport, match="no identity file"):
        unlock(b"PK\x03\x04" + bytes(100), "four plain words")
    with pytest.raises(BadExport, match="larger"):
        unlock(RAW + bytes(EXPORT_BYTES_MAX), "four plain words")
    with pytest.raises(BadExport, match="newer"):
        unlock(RAW[:8] + b"\x02" + RAW[9:], "four plain words")


def test_contents_out_of_bounds_are_refused() -> None:
    raw = lock(SEED, "Jo", (Keyring(b"short", ((0, b"k" * 32),)),), "four plain words", CHANCE, QUICK)
    with pytest.raises(BadExport, match="does not read"):
        unlock(raw, "four plain words")
