"""What an update of a text may hold, and what no update may claim."""

from __future__ import annotations

import pytest

from openprod.merge.text import Document, Splice
from openprod.model.ops import Chunk, Malformed, Set, Text, TextPayload, check_writer, decode_chunk, encode_chunk
from openprod.model.text_update import (
    ENCODING,
    GROWTH_MAX,
    UPDATE_BYTES_MAX,
    BadUpdate,
    client_of,
    read_update,
    seed,
    units,
    varint,
)

LOG = bytes(range(32))
CLIENT = client_of(LOG, 5)
ROOT = b"\x01\x01t"


def update(*parts: bytes, count: int = 1, clock: int = 0, client: int = CLIENT, deleted: bytes = b"\x00") -> bytes:
    return b"\x01" + varint(count) + varint(client) + varint(clock) + b"".join(parts) + deleted


def letters(text: str, lead: bytes = b"\x04" + ROOT) -> bytes:
    return lead + varint(len(text.encode())) + text.encode()


def test_an_update_says_whose_letters_it_brings_and_what_must_be_there() -> None:
    beside = b"\x84" + varint(9) + varint(6)
    deleted = b"\x01" + varint(9) + b"\x02" + varint(1) + varint(2) + varint(8) + varint(1)
    found = read_update(update(letters("a🎭", beside), clock=4, deleted=deleted))
    assert (found.client, found.clock, found.length) == (CLIENT, 4, 3)
    assert found.needs == {9: 9}
    assert (found.letters, found.deleted) == ("a🎭", 3)


def test_an_update_that_only_deletes_belongs_to_nobody() -> None:
    found = read_update(b"\x00\x01" + varint(9) + b"\x01\x00\x03")
    assert (found.client, found.length, found.needs, found.deleted) == (None, 0, {9: 3}, 3)


def test_letters_count_as_browsers_count() -> None:
    assert [units(text) for text in ("", "a", "é", "🎭", "a🎭é")] == [0, 1, 1, 2, 4]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\x00\x00\x00",
        b"\x02" + update(letters("a"))[1:],
        update(letters("a"), count=2),
        update(letters("a"), count=0),
        update(letters("a"))[:-3],
        update(letters("a", b"\x04\x01\x01x")),
        update(letters("a", b"\x04\x00\x09\x00")),
        update(letters("a", b"\x24" + ROOT + b"\x01k")),
        update(letters("a", b"\x84" + varint(CLIENT) + varint(0))),
        update(b"\x00" + varint(3)),
        update(b"\x0a" + varint(3)),
        update(b"\x06" + ROOT + b"\x01b\x04true"),
        update(b"\x05" + ROOT + b"\x02{}"),
        update(b"\x07" + ROOT + b"\x02"),
        update(b"\x08" + ROOT + b"\x01\x77\x01a"),
        update(b"\x01" + ROOT + varint(0)),
        update(letters("")),
        update(b"\x01" + ROOT + varint(GROWTH_MAX + 1)),
        update(b"\x01" + ROOT + varint((1 << 53) - 1)),
        update(b"\x01" + ROOT + b"\xff" * 9),
        update(letters("a"), deleted=b"\x01" + varint(CLIENT) + b"\x01\x00\x02"),
        update(letters("a"), deleted=b"\xff\xff\xff\xff\x0f"),
        update(b"\x04" + ROOT + b"\x02\xff\xfe"),
        update(letters("a" * UPDATE_BYTES_MAX)),
    ],
)
def test_what_is_no_plain_typing_of_one_writer_is_refused(raw: bytes) -> None:
    with pytest.raises(BadUpdate):
        read_update(raw)


def chunk(payload: TextPayload, over: tuple[int, ...] = ()) -> bytes:
    return encode_chunk(Chunk(("lab.cues.notes",), bytes(16), bytes(32), (Text(0, (0, 1), (0,), over, payload),)))


def test_an_update_is_looked_at_before_anything_is_made_of_it() -> None:
    good = update(letters("a"))
    assert decode_chunk(chunk(TextPayload(5, 0, ENCODING, good))).ops
    for payload in (
        TextPayload(5, 0, 2, good),
        TextPayload(5, 1, ENCODING, good),
        TextPayload(-1, 0, ENCODING, good),
        TextPayload(5, 0, ENCODING, b"junk"),
    ):
        with pytest.raises(Malformed):
            decode_chunk(chunk(payload))


def test_nobody_types_under_the_client_id_of_another_log_or_run() -> None:
    own = decode_chunk(chunk(TextPayload(5, 0, ENCODING, update(letters("a")))))
    check_writer(own, LOG)
    with pytest.raises(Malformed, match="another writer"):
        check_writer(own, bytes(32))
    with pytest.raises(Malformed, match="another writer"):
        check_writer(decode_chunk(chunk(TextPayload(6, 0, ENCODING, update(letters("a"))))), LOG)
    check_writer(Chunk(("a.b.c",), bytes(16), b"", (Set(0, (0, 1), (0,), (), "x"),)), bytes(32))


def test_what_the_library_writes_is_what_may_be_written() -> None:
    document = Document(seed(9, "Standby 🎭 LX"))
    made = document.typed(CLIENT, [Splice(0, 3, "x"), Splice(2, 0, "é🎭"), Splice(1, 4, ""), Splice(0, 0, "y" * 300)])
    found = read_update(made)
    assert found.client == CLIENT
    assert document.take(made)
    assert document.clocks[CLIENT] == found.length
