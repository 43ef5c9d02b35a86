"""The bytes of every format, compared one by one with what is checked in: a change of format cannot slip in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.golden import make

from openprod.exchange.memory import unpack
from openprod.identity.export import unlock
from openprod.identity.invite import read_invitation
from openprod.identity.opx import START_BYTES, Opener, open_box, read_start, read_statement
from openprod.identity.seal import check_opening, prove
from openprod.merge.text import Document
from openprod.model.bundle import chunks_match, decode_header, decode_sealed, encode_header, encode_sealed, id_of
from openprod.model.ids import HASH_CONTEXTS, SIGN_CONTEXTS
from openprod.model.ops import KnownOp, decode_chunk, decode_envelopes, encode_chunk
from openprod.model.text_update import client_of, read_update

VECTORS = make.vectors()


def golden(name: str) -> dict[str, bytes]:
    return make.read((make.FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_todays_bytes_are_the_bytes_of_the_format(name: str) -> None:
    assert golden(name) == VECTORS[name]
    assert (make.FOLDER / name).read_bytes() == make.text_of(VECTORS[name]).encode()


def test_no_golden_file_is_left_without_a_maker() -> None:
    assert {path.name for path in Path(make.FOLDER).glob("*.txt")} == set(VECTORS)


def test_every_context_of_the_registry_has_a_vector() -> None:
    assert {name.removeprefix("context ") for name in golden("ids.txt") if "context" in name} == set(HASH_CONTEXTS)
    signed = {name.removeprefix("sign ") for name in golden("signatures.txt") if name.startswith("sign ")}
    assert signed == {prefix[:-1].decode() for prefix in SIGN_CONTEXTS}


def test_every_op_kind_with_an_effect_has_a_vector() -> None:
    kinds = {kind.__struct_config__.tag for kind in KnownOp.__args__}
    assert {int(name.split()[0]) for name in golden("chunks.txt")} == kinds


@pytest.mark.parametrize("name", sorted(make.OPS))
def test_golden_chunks_read_and_are_written_alike(name: str) -> None:
    raw = golden("chunks.txt")[name]
    chunk = decode_chunk(raw)
    assert chunk.ops == (make.OPS[name][1],)
    assert encode_chunk(chunk) == raw
    envelopes = decode_envelopes(raw, 0)
    assert envelopes is not None
    assert [one.kind for one in envelopes] == [int(name.split(maxsplit=1)[0])]


@pytest.mark.parametrize("name", sorted(make.headers()))
def test_golden_bundles_read_prove_and_are_written_alike(name: str) -> None:
    found = golden("bundles.txt")
    sealed = decode_sealed(found[f"{name}, sealed"])
    header = decode_header(sealed.header)
    assert header == make.headers()[name][0]
    assert encode_header(header) == sealed.header == found[f"{name}, header"]
    assert encode_sealed(sealed) == found[f"{name}, sealed"]
    assert id_of(sealed, make.WORKSPACE) == found[f"{name}, id"]
    assert prove(sealed, make.WORKSPACE)
    assert chunks_match(header, sealed.chunks)
    assert check_opening(header) == (header.seq == 1)


def test_the_golden_invitation_reads() -> None:
    assert read_invitation(golden("invitation.txt")["text"].decode()) == make.INVITATION


def test_the_golden_opx_file_opens_by_its_box_and_holds_the_bundles() -> None:
    raw = golden("opx.txt")["file"]
    header = raw[: read_start(raw[:START_BYTES], "file").header_bytes]
    found = open_box(header, make.INVITATION.seed)
    assert found == (0, make.WORKSPACE_KEY)
    first, *records = Opener(header, make.WORKSPACE_KEY, "file").records(raw[len(header) :], is_last=True)
    assert read_statement(first, header, "file").log == make.LOG.public
    assert [decode_sealed(record) for record in records] == [sealed for _, sealed in make.bundles().values()]


def test_the_golden_identity_export_opens() -> None:
    contents = unlock(golden("identity.txt")["file"], "four plain words")
    assert (contents.seed, contents.name) == (make.ACTOR.reveal(), "Jo Ünger")
    assert contents.workspaces[0].keys == ((0, make.WORKSPACE_KEY),)


def test_what_an_import_remembers_reads() -> None:
    found = unpack(golden("imports.txt")["said"].decode())
    assert found is not None
    assert found.keys == ("lighting.cues.number", "->lighting.in_scene", "lighting.cues.label")
    assert found.rows == [(make.CUE, ["1.5", ["a", "b"], None]), (make.CUE[::-1], None)]


def test_the_golden_text_reads_with_the_library_in_use() -> None:
    found = golden("text.txt")
    document = Document(found["Standby"])
    assert document.take(found["typed behind it"])
    assert document.take(found["deleted again"])
    assert document.text.encode() == found["the letters then"]
    assert read_update(found["typed behind it"]).client == client_of(make.LOG.public, make.TEXT_RUN)
