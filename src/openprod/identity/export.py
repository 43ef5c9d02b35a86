"""The identity export: what a person carries to another device, locked by a passphrase.

Knows the byte table of docs/formats/identity.md. Must not know where files are; salt and nonce are passed in. Log keys
are never in it: a log belongs to one device.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
)
from nacl.exceptions import CryptoError

from openprod.identity.keys import SEED_BYTES, SigningSeed
from openprod.model.errors import PeerFault, Refused
from openprod.model.ids import HASH_BYTES, KEY_BYTES

MAGIC = b"\x89OPI\r\n\x1a\n"
VERSION = 1
SALT_BYTES = 16
NONCE_BYTES = 24
CHANCE_BYTES = SALT_BYTES + NONCE_BYTES
EXPORT_BYTES_MAX = 4 << 20
PASSPHRASE_CHARACTERS_MIN = 8
NAME_BYTES_MAX = 200
WORKSPACES_MAX = 4_096
EPOCHS_MAX = 256
MEMORY_BYTES_MAX = 1 << 30
MEMORY_BYTES_MIN = 8 << 10
PASSES_MAX = 16

_HEADER = struct.Struct(f">8sBBIQ{SALT_BYTES}s{NONCE_BYTES}s")
_KDF_ARGON2ID = 1


class WeakPassphrase(Refused):
    """The passphrase for an export is too short."""

    code = "identity.weak_passphrase"

    def __init__(self) -> None:
        super().__init__(
            f"The passphrase is shorter than {PASSPHRASE_CHARACTERS_MIN} characters; whoever finds the file could "
            "guess it. Choose a longer one, for example four words."
        )


class WrongPassphrase(Refused):
    """An export does not open with this passphrase, or was changed."""

    code = "identity.wrong_passphrase"

    def __init__(self) -> None:
        super().__init__(
            "The identity file does not open: the passphrase is another one, or the file was changed. "
            "Check the passphrase, or export the identity again on the other device."
        )


class BadExport(PeerFault):
    """Bytes that are no identity export, or one that this version may not open."""

    code: ClassVar[str] = "identity.bad_export"


@dataclass(frozen=True, slots=True)
class Strength:
    """How dear guessing a passphrase is: argon2id's passes and memory in bytes. The default is libsodium's MODERATE."""

    passes: int = 3
    memory_bytes: int = 256 << 20


class Keyring(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The workspace keys of one workspace: pairs of epoch and key."""

    workspace: bytes
    keys: tuple[tuple[int, bytes], ...]

    def __repr__(self) -> str:
        return f"Keyring(workspace={self.workspace.hex()[:12]}…, {len(self.keys)} keys hidden)"


class Contents(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an export holds: the actor's seed and name, and the keys of the workspaces they are in."""

    seed: bytes
    name: str
    workspaces: tuple[Keyring, ...]

    def __repr__(self) -> str:
        return f"Contents(seed hidden, name={self.name!r}, {len(self.workspaces)} workspaces)"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Contents)


def lock(
    seed: SigningSeed,
    name: str,
    workspaces: tuple[Keyring, ...],
    passphrase: str,
    chance: bytes,
    strength: Strength | None = None,
) -> bytes:
    """Returns the bytes of an export.

    Args:
        chance: 40 fresh random bytes: salt and nonce.
    """
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise WeakPassphrase
    assert len(chance) == CHANCE_BYTES, "an export takes 40 random bytes"
    chosen = strength or Strength()
    salt, nonce = chance[:SALT_BYTES], chance[SALT_BYTES:]
    header = _HEADER.pack(MAGIC, VERSION, _KDF_ARGON2ID, chosen.passes, chosen.memory_bytes, salt, nonce)
    plain = _encoder.encode(Contents(seed.reveal(), name, workspaces))
    key = _key(passphrase, salt, chosen)
    return header + crypto_aead_xchacha20poly1305_ietf_encrypt(plain, header, nonce, key)


def unlock(raw: bytes, passphrase: str) -> Contents:
    """Returns what an export holds; everything is bounded before memory or time is spent on it."""
    if len(raw) > EXPORT_BYTES_MAX:
        raise BadExport("The identity file is larger than any that Openprod writes (4 MiB); nothing was read.")
    if len(raw) < _HEADER.size or not raw.startswith(MAGIC):
        raise BadExport("This is no identity file of Openprod. Export one with: openprod identity export FILE")
    _, version, kdf, passes, memory_bytes, salt, nonce = _HEADER.unpack_from(raw)
    if version != VERSION or kdf != _KDF_ARGON2ID:
        raise BadExport("The identity file was written by a newer Openprod. Update this device, then import it again.")
    if not MEMORY_BYTES_MIN <= memory_bytes <= MEMORY_BYTES_MAX or not 1 <= passes <= PASSES_MAX:
        raise BadExport(
            f"The identity file asks for {memory_bytes >> 20} MiB of memory and {passes} passes to open, which "
            "Openprod does not grant (1,024 MiB, 16 passes); it was not made by Openprod. Nothing was read."
        )
    key = _key(passphrase, salt, Strength(passes, memory_bytes))
    header, sealed = raw[: _HEADER.size], raw[_HEADER.size :]
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, header, nonce, key)
    except CryptoError:
        raise WrongPassphrase from None
    try:
        contents = _decoder.decode(plain)
    except msgspec.DecodeError as error:
        raise BadExport("The identity file opens, but what is in it does not read as an identity.") from error
    _check(contents)
    return contents


def _check(contents: Contents) -> None:
    workspaces = contents.workspaces
    fits = (
        len(contents.seed) == SEED_BYTES
        and len(contents.name.encode()) <= NAME_BYTES_MAX
        and len(workspaces) <= WORKSPACES_MAX
        and all(len(one.workspace) == HASH_BYTES and len(one.keys) <= EPOCHS_MAX for one in workspaces)
        and all(len(key) == KEY_BYTES and 0 <= epoch < 1 << 32 for one in workspaces for epoch, key in one.keys)
    )
    if not fits:
        raise BadExport("The identity file opens, but what is in it does not read as an identity.")


def _key(passphrase: str, salt: bytes, strength: Strength) -> bytes:
    # One written form: the same passphrase typed on a Mac and on Linux may differ in how accents are composed.
    typed = unicodedata.normalize("NFC", passphrase).encode()
    return crypto_pwhash_alg(
        KEY_BYTES, typed, salt, strength.passes, strength.memory_bytes, crypto_pwhash_ALG_ARGON2ID13
    )
