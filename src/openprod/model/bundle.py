"""The bundle: header, sealed bytes, frontiers. The byte tables are docs/formats/bundle.md.

Knows what a header says and what makes one malformed. Must not know keys (that is `identity`) nor storage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from openprod.model.hlc import HLC_BYTES, Hlc
from openprod.model.ids import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, BundleId, WorkspaceId, bundle_id, chunk_hash
from openprod.model.ops import (
    CHUNK_BYTES_MAX,
    Chunk,
    Envelope,
    Malformed,
    check_writer,
    decode_chunk,
    decode_envelopes,
    width,
)

FORMAT_VERSION = 1
HEADER_BYTES_MAX = 1 << 20
CHUNKS_MAX = 2_048
WIDTH_MAX = 1 << 20
SEEN_MAX = 4_096
CAUSES_MAX = 256
DETAILS_MAX = 16
MODULES_MAX = 256
LABEL_BYTES_MAX = 1_000
SEQ_MAX = (1 << 23) - 1

CAUSE_GENESIS, CAUSE_EDIT, CAUSE_IMPORT, CAUSE_RULE, CAUSE_SCRIPT = 0, 1, 2, 3, 4
CAUSE_OVERLAY, CAUSE_UNDO, CAUSE_REDO, CAUSE_MODULE, CAUSE_TEMPLATE, CAUSE_JOIN = 5, 6, 7, 8, 9, 10
CAUSE_LINK = 11
CAUSE_NAMES = (
    *("genesis", "edit", "import", "rule", "script", "overlay", "undo", "redo", "module", "template", "join"),
    "link",
)

ADMISSION_CREATOR, ADMISSION_INVITATION, ADMISSION_KNOWN, ADMISSION_ASKS = 0, 1, 2, 3


class Seen(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """A log's (or a branch's) tip as somebody had applied it."""

    log: bytes
    seq: int
    tip: bytes


if TYPE_CHECKING:
    Detail: TypeAlias = str | bytes | int
else:
    # msgspec knows no union of text and bytes: `check_header` looks at each.
    Detail = Any


class Cause(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Why ops were written; `auto` is true where no person did it."""

    kind: int
    auto: bool = False
    detail: tuple[Detail, ...] = ()


class ModuleVersion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A module in use when the bundle was written."""

    name: str
    version: str
    hash: bytes


class ChunkRef(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A body chunk as its header names it: hash, bytes, ordinals used, ops."""

    hash: bytes
    size: int
    width: int
    ops: int


class Admission(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """On what ground a log counts."""

    kind: int
    data: tuple[bytes, ...] = ()


class Opening(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Who stands behind a log, in its first header."""

    actor: bytes
    admission: Admission
    signature: bytes


class Header(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A bundle's header; fields in the order of the byte table."""

    version: int
    workspace: bytes
    log: bytes
    seq: int
    prev: bytes | None
    claimed: bytes
    seen: tuple[Seen, ...]
    view: tuple[Seen, ...] | None
    unread: tuple[bytes, ...]
    causes: tuple[Cause, ...]
    modules: tuple[ModuleVersion, ...]
    label: str
    epoch: int
    chunks: tuple[ChunkRef, ...]
    opening: Opening | None


class Sealed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A bundle as it is signed, sent and stored."""

    header: bytes
    signature: bytes
    chunks: tuple[bytes, ...]


Frontier = tuple[Seen, ...]
"""What somebody has applied: the tip of every log, and of each branch of a forked one, sorted."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A decoded bundle. `chunks` is None where its body has no effect here.

    `envelopes` then hold what is readable of it.
    """

    id: BundleId
    header: Header
    sealed: Sealed
    chunks: tuple[Chunk, ...] | None
    envelopes: tuple[Envelope, ...] = ()
    unread_reason: str = ""


_DETAIL_TYPES = (str, bytes, int)
_header_decoder = msgspec.msgpack.Decoder(Header)
_sealed_decoder = msgspec.msgpack.Decoder(Sealed)
_encoder = msgspec.msgpack.Encoder()


def encode_header(header: Header) -> bytes:
    """Returns a header's canonical bytes."""
    return _encoder.encode(header)


def decode_header(raw: bytes) -> Header:
    """Returns the header that these bytes are; raises Malformed where not even its place in history can be read.

    A header of a greater version decodes by its first fifteen fields.
    """
    if len(raw) > HEADER_BYTES_MAX:
        raise Malformed("a header is larger than 1 MiB")
    header = read_header(raw)
    if header.version == FORMAT_VERSION and _encoder.encode(header) != raw:
        raise Malformed("a header is not in canonical form")
    check_header(header)
    return header


def read_header(raw: bytes) -> Header:
    """Returns the header that these bytes are, which `decode_header` accepted before and whose hash is as it was then.

    Raises Malformed.
    """
    try:
        return _header_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"a header does not decode: {error}") from error


def check_header(header: Header) -> None:
    """Raises Malformed where a header breaks a limit or a rule of form."""
    if len(header.workspace) != HASH_BYTES or len(header.log) != KEY_BYTES or len(header.claimed) != HLC_BYTES:
        raise Malformed("a header's workspace, log or clock has a wrong length")
    if not 1 <= header.seq <= SEQ_MAX or header.version < 1 or header.epoch < 0:
        raise Malformed("a header's number is out of range")
    first = header.seq == 1
    if first != (header.prev is None) or first != (header.opening is not None):
        raise Malformed("a log's first bundle opens it, and only that one")
    if header.prev is not None and len(header.prev) != HASH_BYTES:
        raise Malformed("a header's predecessor is no bundle id")
    _check_seen(header.seen, 1)
    if header.view is not None:
        _check_seen(header.view, 0)
    _check_ids(header.unread)
    if len(header.causes) > CAUSES_MAX or len(header.modules) > MODULES_MAX or len(header.chunks) > CHUNKS_MAX:
        raise Malformed("a header lists too many causes, modules or chunks")
    for cause in header.causes:
        detail = cause.detail
        if detail and (len(detail) > DETAILS_MAX or any(type(one) not in _DETAIL_TYPES for one in detail)):
            raise Malformed("a cause's details are too many, or neither text, bytes nor number")
    if header.label and len(header.label.encode()) > LABEL_BYTES_MAX:
        raise Malformed("a label is longer than 1,000 bytes")
    total = 0
    for ref in header.chunks:
        if len(ref.hash) != HASH_BYTES or not 0 < ref.size <= CHUNK_BYTES_MAX or ref.width < 0 or ref.ops < 0:
            raise Malformed("a header names a chunk of a wrong length")
        total += ref.width
    if total > WIDTH_MAX:
        raise Malformed("a bundle has more than 1,048,576 values")
    opening = header.opening
    if opening is not None and (len(opening.actor) != KEY_BYTES or len(opening.signature) != SIGNATURE_BYTES):
        raise Malformed("a log's opening has a wrong length")


def _check_seen(entries: tuple[Seen, ...], seq_min: int) -> None:
    if not entries:
        return
    if len(entries) > SEEN_MAX:
        raise Malformed("a header has seen too many logs")
    last: Seen | None = None
    for entry in entries:
        tip_bytes = HASH_BYTES if entry.seq else 0
        if len(entry.log) != KEY_BYTES or not seq_min <= entry.seq <= SEQ_MAX or len(entry.tip) != tip_bytes:
            raise Malformed("a header has seen what is no bundle")
        if last is not None and not last < entry:
            raise Malformed("a header's list of what it has seen is not sorted")
        last = entry


def _check_ids(ids: tuple[bytes, ...]) -> None:
    if not ids:
        return
    if len(ids) > SEEN_MAX or any(len(one) != HASH_BYTES for one in ids) or list(ids) != sorted(set(ids)):
        raise Malformed("a header's list of unread bundles is not sorted ids")


def encode_sealed(sealed: Sealed) -> bytes:
    """Returns a sealed bundle as one byte string, for files and the wire."""
    return _encoder.encode(sealed)


def decode_sealed(raw: bytes) -> Sealed:
    """Returns the sealed bundle in these bytes; raises Malformed for anything else. Nothing in it is checked yet."""
    try:
        return _sealed_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"a bundle does not decode: {error}") from error


def id_of(sealed: Sealed, workspace: WorkspaceId) -> BundleId:
    """Returns a sealed bundle's id in a workspace."""
    return bundle_id(workspace, sealed.header)


def chunks_match(header: Header, chunks: tuple[bytes, ...]) -> bool:
    """Tells whether these are the body chunks, all of them, that a header names."""
    if len(chunks) != len(header.chunks):
        return False
    for ref, raw in zip(header.chunks, chunks, strict=True):
        if type(raw) is not bytes or len(raw) != ref.size or chunk_hash(raw) != ref.hash:
            return False
    return True


def open_bundle(bundle: BundleId, header: Header, sealed: Sealed) -> Bundle:
    """Returns a proven bundle with its body decoded, or.

    Where that has no effect here, with the reason and its envelopes.
    """
    reason = ""
    chunks: list[Chunk] = []
    causes = len(header.causes)
    try:
        if header.version > FORMAT_VERSION:
            raise Malformed("it was written by a newer version")
        for ref, raw in zip(header.chunks, sealed.chunks, strict=True):
            chunk = decode_chunk(raw)
            if len(chunk.ops) != ref.ops or sum(map(width, chunk.ops)) != ref.width:
                raise Malformed("a chunk holds another number of ops than its header says")
            if max([op.cause for op in chunk.ops], default=-1) >= causes:
                raise Malformed("an op names a cause that its header does not hold")
            check_writer(chunk, header.log)
            chunks.append(chunk)
    except Malformed as error:
        reason = str(error)
    if not reason:
        return Bundle(bundle, header, sealed, tuple(chunks))
    return Bundle(bundle, header, sealed, None, tuple(_readable(header, sealed.chunks)), reason)


def _readable(header: Header, chunks: Iterable[bytes]) -> Iterable[Envelope]:
    first = 0
    for ref, raw in zip(header.chunks, chunks, strict=True):
        yield from decode_envelopes(raw, first) or ()
        first += ref.width


def claimed(header: Header) -> Hlc:
    """Returns the clock reading that a header claims."""
    return Hlc(header.claimed)
