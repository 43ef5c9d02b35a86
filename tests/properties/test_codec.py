"""The formats of history: decoding and encoding are each other's inverse, and no bytes do harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openprod.model.bundle import (
    Header,
    Sealed,
    chunks_match,
    decode_header,
    decode_sealed,
    encode_header,
    encode_sealed,
    id_of,
    open_bundle,
)
from openprod.model.ids import WorkspaceId
from openprod.model.ops import Chunk, Malformed, decode_chunk, decode_envelopes, encode_chunk, width
from openprod.model.values import Value, decode_value, encode_value, value_key
from openprod.testing.strategies import chunks, headers, sealed_bundles, values

MANY = settings(max_examples=150, deadline=None)


@MANY
@given(value=values())
def test_a_value_comes_back_as_the_same_bytes(value: Value) -> None:
    raw = encode_value(value)
    again = decode_value(raw)
    assert encode_value(again) == raw
    assert value_key(again) == value_key(value)
    assert type(again) is type(value)


@MANY
@given(chunk=chunks())
def test_a_chunk_comes_back_as_the_same_bytes(chunk: Chunk) -> None:
    raw = encode_chunk(chunk)
    again = decode_chunk(raw)
    assert again == chunk
    assert encode_chunk(again) == raw


@MANY
@given(chunk=chunks())
def test_envelopes_of_known_ops_are_what_the_ops_say(chunk: Chunk) -> None:
    envelopes = decode_envelopes(encode_chunk(chunk), 7)
    assert envelopes is not None
    assert len(envelopes) == len(chunk.ops)
    ordinal = 7
    for envelope, op in zip(envelopes, chunk.ops, strict=True):
        assert envelope.ordinal == ordinal
        assert len(envelope.over) * 2 == len(op.over)
        ordinal += width(op)


@MANY
@given(header=headers())
def test_a_header_comes_back_as_the_same_bytes(header: Header) -> None:
    raw = encode_header(header)
    assert decode_header(raw) == header
    assert encode_header(decode_header(raw)) == raw


@MANY
@given(sealed=sealed_bundles())
def test_a_sealed_bundle_comes_back_as_the_same_bytes_and_opens(sealed: Sealed) -> None:
    again = decode_sealed(encode_sealed(sealed))
    assert again == sealed
    header = decode_header(sealed.header)
    assert chunks_match(header, sealed.chunks)
    bundle = open_bundle(id_of(sealed, WorkspaceId(header.workspace)), header, sealed)
    assert bundle.chunks is not None, bundle.unread_reason


def mutated(raw: bytes, changes: list[tuple[int, int, int]]) -> bytes:
    """Returns bytes with some changed, taken out or put in, each at a place counted round the end."""
    out = bytearray(raw)
    for kind, at, byte in changes:
        if not out:
            break
        place = at % len(out)
        match kind:
            case 0:
                out[place] = byte
            case 1:
                del out[place]
            case 2:
                out.insert(place, byte)
            case _:
                del out[place:]
    return bytes(out)


CHANGES = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3]), st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4
)


def decodes_or_is_malformed(decode: Callable[[bytes], Any], raw: bytes) -> Any:
    """Returns what bytes decode to, None where they are malformed; anything else raised is a failure."""
    try:
        return decode(raw)
    except Malformed:
        return None


@settings(max_examples=400, deadline=None)
@given(chunk=chunks(), changes=CHANGES)
def test_changed_bytes_of_a_chunk_are_malformed_or_another_chunk(
    chunk: Chunk, changes: list[tuple[int, int, int]]
) -> None:
    raw = mutated(encode_chunk(chunk), changes)
    again = decodes_or_is_malformed(decode_chunk, raw)
    assert again is None or encode_chunk(again) == raw
    decode_envelopes(raw, 0)


@settings(max_examples=300, deadline=None)
@given(sealed=sealed_bundles(), changes=CHANGES)
def test_changed_bytes_of_a_header_or_a_bundle_do_no_harm(sealed: Sealed, changes: list[tuple[int, int, int]]) -> None:
    header = decodes_or_is_malformed(decode_header, mutated(sealed.header, changes))
    assert header is None or header.seq > 0
    found = decodes_or_is_malformed(decode_sealed, mutated(encode_sealed(sealed), changes))
    if found is not None:
        decodes_or_is_malformed(decode_header, found.header)
    spoilt = Sealed(sealed.header, sealed.signature, tuple(mutated(raw, changes) for raw in sealed.chunks))
    opened = open_bundle(id_of(spoilt, WorkspaceId(bytes(32))), decode_header(sealed.header), spoilt)
    assert opened.chunks is None or opened.unread_reason == ""


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes_at_all_do_no_harm(raw: bytes) -> None:
    for decode in (decode_chunk, decode_header, decode_sealed):
        decodes_or_is_malformed(decode, raw)
    decode_envelopes(raw, 0)


def test_bytes_that_promise_much_or_nest_deeply_are_refused_quickly() -> None:
    huge_array = b"\xdd\xff\xff\xff\xff"
    huge_bin = b"\xc6\xff\xff\xff\xff"
    huge_text = b"\xdb\xff\xff\xff\xff"
    deep = b"\x91" * 100_000
    for raw in (huge_array, huge_bin, huge_text, deep, b"\x94" + huge_array, b"\x9f" + deep):
        for decode in (decode_chunk, decode_header, decode_sealed):
            assert decodes_or_is_malformed(decode, raw) is None
        assert decode_envelopes(raw, 0) is None
