"""The `.opx` envelope: a workspace's bundles in one encrypted file, byte by byte as docs/formats/opx.md.

Knows headers, boxes, frames and the records in them, streaming both ways. Must not know files, chance or what is in a
bundle: whoever drives it hands in bytes and a name for sentences. Everything is bounded before it is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_secretstream_xchacha20poly1305_ABYTES,
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
)
from nacl.exceptions import CryptoError

from openprod.identity.keys import SigningSeed, is_valid_key, verify
from openprod.model.bundle import SEEN_MAX, SEQ_MAX, Frontier, Seen
from openprod.model.errors import PeerFault
from openprod.model.ids import (
    CONTEXT_INVITE,
    CONTEXT_OPX_KEY,
    CONTEXT_OPX_NAME,
    CONTEXT_OPX_STATEMENT,
    CONTEXT_OPX_WAITING,
    HASH_BYTES,
    KEY_BYTES,
    SIGN_OPX,
    SIGNATURE_BYTES,
    LogId,
    WorkspaceId,
    hash_in,
)

MAGIC = b"\x89OPX\r\n\x1a\n"
SUITE = 1
"""Suite 1: BLAKE3 key derivation, X25519 boxes, libsodium's secretstream XChaCha20-Poly1305, Ed25519."""

SALT_BYTES = 32
CHANCE_BYTES = SALT_BYTES + KEY_BYTES + crypto_secretstream_xchacha20poly1305_HEADERBYTES
BOXES_MAX = 32
FRAME_BYTES = 1 << 16
FRAME_PLAIN_BYTES = FRAME_BYTES - crypto_secretstream_xchacha20poly1305_ABYTES
STATEMENT_BYTES_MAX = 1 << 20
RECORD_BYTES_MAX = 1 << 28
RECORDS_MAX = 1 << 24
TOTAL_BYTES_MAX = 1 << 36

_START = struct.Struct(f">8sB{KEY_BYTES}sI{SALT_BYTES}s{KEY_BYTES}sB")
_BOX_PLAIN = struct.Struct(f">I{KEY_BYTES}s")
_TAG_BYTES = 16
_BOX_BYTES = _BOX_PLAIN.size + _TAG_BYTES
_BOX_NONCE = bytes(24)
_LENGTH_BYTES = 4

START_BYTES = _START.size
HEADER_BYTES_MAX = _START.size + BOXES_MAX * _BOX_BYTES + crypto_secretstream_xchacha20poly1305_HEADERBYTES


class OpxFault(PeerFault):
    """A file that was not taken in; `name` is the file as the sentence calls it."""

    code: ClassVar[str] = "opx"

    def __init__(self, name: str, sentence: str) -> None:
        self.name = name
        super().__init__(sentence)


class NotOpx(OpxFault):
    """A file of another kind."""

    code = "opx.not_one"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            f"{name} is no .opx file of Openprod; nothing was read or written. Choose a file made by “openprod sync”.",
        )


class NewerOpx(OpxFault):
    """A file in a form that this version does not know."""

    code = "opx.newer"

    def __init__(self, name: str) -> None:
        super().__init__(
            name, f"{name} was written by a newer Openprod; nothing was read. Update this device, then sync again."
        )


class TruncatedOpx(OpxFault):
    """A file that ends before its end."""

    code = "opx.truncated"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            f"{name} is cut short or damaged at its end, perhaps because it was still being copied or the stick was "
            "pulled out; nothing was taken from it. Copy it again, or write it again on the device it came from.",
        )


class DamagedOpx(OpxFault):
    """A file whose bytes were changed after it was written."""

    code = "opx.damaged"

    def __init__(self, name: str, at_byte: int) -> None:
        self.at_byte = at_byte
        super().__init__(
            name,
            f"{name} is damaged near byte {at_byte:,}: what is there is not what was written; nothing was taken from "
            "it. Copy it again, or write it again on the device it came from.",
        )


class MalformedOpx(OpxFault):
    """A file that opens with the right key and holds what no Openprod writes."""

    code = "opx.malformed"

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            name, f"{name} opens, but {reason}; nothing was taken from it. Ask whoever wrote it to write it again."
        )


class OtherWorkspaceOpx(OpxFault):
    """A file that none of our keys open."""

    code = "opx.other_workspace"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            f"{name} belongs to another production, or to a time whose key this device does not have; nothing was "
            "read. Choose the file of this production.",
        )


class NotInvitedOpx(OpxFault):
    """A file that an invitation does not open."""

    code = "opx.not_invited"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            f"This invitation does not open {name}: the file is of another production, or was written before the "
            "invitation was made. Ask for a file written after it.",
        )


class ForgedOpx(OpxFault):
    """A file or a bundle in it whose signature is not its writer's."""

    code = "opx.forged"

    def __init__(self, name: str, what: str) -> None:
        self.what = what
        super().__init__(
            name,
            f"{what} in {name} is not signed by the one it names: somebody changed or forged it; nothing was taken "
            "from the file. Get the file from its writer again, and ask who had it in between.",
        )


class StrangerOpx(OpxFault):
    """A file written by a log of which nothing is known."""

    code = "opx.stranger"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            f"{name} was written by a device that is not in this production, neither here nor in the file itself; "
            "nothing was taken from it. Ask who wrote it; that device must join first.",
        )


class Start(NamedTuple):
    """The fixed beginning of a clear header."""

    key_id: bytes
    epoch: int
    salt: bytes
    one_time_public: bytes
    boxes: int

    @property
    def header_bytes(self) -> int:
        """How long the whole clear header is."""
        return START_BYTES + self.boxes * _BOX_BYTES + crypto_secretstream_xchacha20poly1305_HEADERBYTES


class Statement(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Who wrote a file and what they had applied: a hint, signed by the writer's log.

    `waiting` hashes the ids of the bundles that the writer holds without having applied them.
    """

    log: bytes
    frontier: tuple[Seen, ...]
    waiting: bytes


class _Signed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    statement: bytes
    signature: bytes


_BIN_WIDTHS = {b"\xc4": 1, b"\xc5": 2, b"\xc6": 4}
_encoder = msgspec.msgpack.Encoder()
_signed_decoder = msgspec.msgpack.Decoder(_Signed)
_statement_decoder = msgspec.msgpack.Decoder(Statement)


def read_start(raw: bytes, name: str) -> Start:
    """Returns the fixed beginning of a file from its first START_BYTES bytes.

    Raises:
        NotOpx, TruncatedOpx, NewerOpx, MalformedOpx: by what the bytes are instead.
    """
    if not raw.startswith(MAGIC):
        # A copy that broke off inside the first eight bytes still looks like its beginning.
        raise TruncatedOpx(name) if raw and MAGIC.startswith(raw) else NotOpx(name)
    if len(raw) > len(MAGIC) and raw[len(MAGIC)] != SUITE:
        raise NewerOpx(name)
    if len(raw) < START_BYTES:
        raise TruncatedOpx(name)
    _, _, key_id, epoch, salt, one_time, boxes = _START.unpack_from(raw)
    if boxes > BOXES_MAX:
        raise MalformedOpx(name, f"it says it has {boxes} boxes, more than {BOXES_MAX}")
    return Start(key_id, epoch, salt, one_time, boxes)


def open_box(header: bytes, invitation: SigningSeed) -> tuple[int, bytes] | None:
    """Returns epoch and workspace key from the box that was sealed to an invitation; None where there is none."""
    start = read_start(header, "")
    secret = crypto_sign_ed25519_sk_to_curve25519(invitation.expanded())
    key = _box_key(secret, start.one_time_public, start.one_time_public, invitation.public)
    if key is None:
        return None
    for at in range(START_BYTES, START_BYTES + start.boxes * _BOX_BYTES, _BOX_BYTES):
        try:
            plain = crypto_aead_xchacha20poly1305_ietf_decrypt(
                header[at : at + _BOX_BYTES], header[: START_BYTES - 1], _BOX_NONCE, key
            )
        except CryptoError:
            continue
        epoch, found = _BOX_PLAIN.unpack(plain)
        return epoch, found
    return None


def _box_key(secret: bytes, public: bytes, one_time_public: bytes, invitation: bytes) -> bytes | None:
    try:
        shared = crypto_scalarmult(secret, public)
    except (CryptoError, RuntimeError):
        # A point of small order: libsodium gives no shared secret with it.
        return None
    return hash_in(CONTEXT_INVITE, shared, one_time_public, invitation)


def _seal_box(plain: bytes, associated: bytes, one_time_secret: bytes, invitation: bytes) -> bytes:
    public = crypto_sign_ed25519_pk_to_curve25519(invitation)
    key = _box_key(one_time_secret, public, crypto_scalarmult_base(one_time_secret), invitation)
    assert key is not None, "an invitation's key is a valid point"
    return crypto_aead_xchacha20poly1305_ietf_encrypt(plain, associated, _BOX_NONCE, key)


def device_name(workspace: WorkspaceId, log: LogId) -> str:
    """Returns the name of a device's file in a shared folder; it tells outsiders nothing."""
    return f"openprod-{hash_in(CONTEXT_OPX_NAME, workspace, log)[:8].hex()}.opx"


def waiting_hash(ids: Iterable[bytes]) -> bytes:
    """Returns the hash that stands for a set of waiting bundles in a statement."""
    return hash_in(CONTEXT_OPX_WAITING, *sorted(ids))


def statement_message(header: bytes, statement: bytes) -> bytes:
    """Returns what a file's writer signs under SIGN_OPX: clear header and statement, hashed."""
    return hash_in(CONTEXT_OPX_STATEMENT, header, statement)


class Sealer:
    """Writes one file: hand in records, take out bytes.

    Args:
        workspace_key: the key in use, of `epoch`, known outside as `key_id`.
        invitations: public keys of the open invitations, the newest first; 32 at most are served.
        chance: CHANCE_BYTES fresh random bytes, used for this file only.
    """

    def __init__(
        self, workspace_key: bytes, epoch: int, key_id: bytes, invitations: Iterable[bytes], chance: bytes
    ) -> None:
        assert len(chance) == CHANCE_BYTES, "an .opx file takes 88 random bytes"
        salt, secret = chance[:SALT_BYTES], chance[SALT_BYTES : SALT_BYTES + KEY_BYTES]
        stream_header = chance[SALT_BYTES + KEY_BYTES :]
        keys = [key for key in invitations if is_valid_key(key)][:BOXES_MAX]
        start = _START.pack(MAGIC, SUITE, key_id, epoch, salt, crypto_scalarmult_base(secret), len(keys))
        plain = _BOX_PLAIN.pack(epoch, workspace_key)
        boxes = [_seal_box(plain, start[:-1], secret, key) for key in keys]
        self.header = b"".join((start, *boxes, stream_header))
        self._state = _stream(workspace_key, salt, stream_header)
        self._associated = self.header
        self._plain = bytearray()

    def records(self, records: Iterable[bytes]) -> Iterator[bytes]:
        """Yields the bytes of full frames as records go in, each behind its length."""
        for record in records:
            assert len(record) <= RECORD_BYTES_MAX, "a record fits its bound"
            self._plain += len(record).to_bytes(_LENGTH_BYTES, "big")
            self._plain += record
            # One byte always stays back, so that the last frame, which ends the file, is never empty.
            while len(self._plain) > FRAME_PLAIN_BYTES:
                yield self._push(crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)

    def finish(self) -> bytes:
        """Returns the last frame, with the final tag."""
        return self._push(crypto_secretstream_xchacha20poly1305_TAG_FINAL)

    def _push(self, tag: int) -> bytes:
        plain = bytes(self._plain[:FRAME_PLAIN_BYTES])
        del self._plain[:FRAME_PLAIN_BYTES]
        associated, self._associated = self._associated, b""
        return crypto_secretstream_xchacha20poly1305_push(self._state, plain, associated, tag)


class Opener:
    """Reads one file: hand in frames, take out records.

    Args:
        header: the whole clear header.
        workspace_key: the key that the header's key id names.
        name: what sentences call the file.
    """

    def __init__(self, header: bytes, workspace_key: bytes, name: str) -> None:
        start = read_start(header, name)
        stream_header = header[start.header_bytes - crypto_secretstream_xchacha20poly1305_HEADERBYTES :]
        self._name = name
        self._state = _stream(workspace_key, start.salt, stream_header)
        self._associated = header
        self._at_byte = len(header)
        self._plain = bytearray()
        self._count = 0

    def records(self, frame: bytes, *, is_last: bool) -> Iterator[bytes]:
        """Yields the records that a frame completes; frames come in order, each of FRAME_BYTES but the last."""
        try:
            tag = self._pull(frame)
        except DamagedOpx:
            # A frame that a copy broke off in is no frame: most likely the rest is missing.
            if is_last:
                raise TruncatedOpx(self._name) from None
            raise
        if is_last != (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL):
            # A final tag with bytes behind it is as wrong as none at all.
            raise TruncatedOpx(self._name) if is_last else DamagedOpx(self._name, self._at_byte)
        yield from self._split()
        if is_last and self._plain:
            raise MalformedOpx(self._name, "its last record is not complete")

    def _pull(self, frame: bytes) -> int:
        associated, self._associated = self._associated, b""
        try:
            plain, tag = crypto_secretstream_xchacha20poly1305_pull(self._state, frame, associated)
        except (CryptoError, RuntimeError, ValueError) as error:
            raise DamagedOpx(self._name, self._at_byte) from error
        self._at_byte += len(frame)
        if self._at_byte > TOTAL_BYTES_MAX:
            raise MalformedOpx(self._name, f"it is larger than {TOTAL_BYTES_MAX >> 30} GiB")
        self._plain += plain
        return tag

    def _split(self) -> Iterator[bytes]:
        plain, at = self._plain, 0
        while len(plain) - at >= _LENGTH_BYTES:
            size = int.from_bytes(plain[at : at + _LENGTH_BYTES], "big")
            if size > (RECORD_BYTES_MAX if self._count else STATEMENT_BYTES_MAX):
                raise MalformedOpx(self._name, f"one of its records says it has {size:,} bytes, more than any may have")
            if len(plain) - at - _LENGTH_BYTES < size:
                break
            self._count += 1
            if self._count > RECORDS_MAX:
                raise MalformedOpx(self._name, f"it holds more than {RECORDS_MAX:,} records")
            at += _LENGTH_BYTES + size
            yield bytes(plain[at - size : at])
        del plain[:at]


def _stream(workspace_key: bytes, salt: bytes, stream_header: bytes) -> crypto_secretstream_xchacha20poly1305_state:
    # Pulling and pushing begin from the same state; init_push would take the header's random bytes from the system
    # itself, and here they are passed in.
    state = crypto_secretstream_xchacha20poly1305_state()
    crypto_secretstream_xchacha20poly1305_init_pull(state, stream_header, hash_in(CONTEXT_OPX_KEY, workspace_key, salt))
    return state


def encode_statement(log: LogId, frontier: Frontier, waiting: bytes) -> bytes:
    """Returns a statement's bytes, to be signed with the clear header."""
    return _encoder.encode(Statement(log, frontier, waiting))


def sign_record(statement: bytes, signature: bytes) -> bytes:
    """Returns a file's first record: the statement and its log's signature."""
    return _encoder.encode(_Signed(statement, signature))


def read_statement(record: bytes, header: bytes, name: str) -> Statement:
    """Returns a file's statement from its first record, proven to be its log's."""
    try:
        signed = _signed_decoder.decode(record)
        found = _statement_decoder.decode(signed.statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedOpx(name, "it does not begin with its writer's statement") from error
    if not _statement_fits(found) or len(signed.signature) != SIGNATURE_BYTES:
        raise MalformedOpx(name, "its writer's statement is out of bounds")
    message = statement_message(header, signed.statement)
    if not is_valid_key(found.log) or not verify(found.log, SIGN_OPX, message, signed.signature):
        raise ForgedOpx(name, "The writer's statement")
    return found


def chunk_count(record: bytes) -> int | None:
    """Returns how many chunks a record says its bundle has, before any of it is decoded; None where it is no bundle."""
    at = 1
    if record[:1] != b"\x93":
        return None
    for _ in range(2):
        width = _BIN_WIDTHS.get(record[at : at + 1])
        if width is None:
            return None
        at += 1 + width + int.from_bytes(record[at + 1 : at + 1 + width], "big")
    lead = record[at] if at < len(record) else 0
    if lead & 0xF0 == 0x90:
        return lead & 0x0F
    width = {0xDC: 2, 0xDD: 4}.get(lead)
    return None if width is None else int.from_bytes(record[at + 1 : at + 1 + width], "big")


def _statement_fits(statement: Statement) -> bool:
    return (
        len(statement.waiting) == HASH_BYTES
        and len(statement.frontier) <= SEEN_MAX
        and all(
            len(one.log) == KEY_BYTES and 1 <= one.seq <= SEQ_MAX and len(one.tip) == HASH_BYTES
            for one in statement.frontier
        )
    )
