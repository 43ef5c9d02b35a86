"""The state hash: a sum that a block of rows adds to at once."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from openprod.merge.state_hash import PRIME, block_term, bundle_factors, head_term, key_factor, text
from openprod.model.ids import CONTEXT_STATE, hash_in

BUNDLE = hash_in(CONTEXT_STATE, b"a bundle")
KEYS = ("@exists", "@in/stage.people", "stage.people.name", "stage.people.phone")


@given(
    bundle=st.binary(min_size=32, max_size=32),
    base=st.integers(0, 1 << 20),
    subjects=st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=6),
    n_keys=st.integers(2, len(KEYS)),
    data=st.data(),
)
def test_a_block_adds_what_its_cells_add_one_by_one(
    bundle: bytes, base: int, subjects: list[bytes], n_keys: int, data: st.DataObject
) -> None:
    keys = [key_factor(key) for key in KEYS[:n_keys]]
    cells = [(row, column) for row in range(len(subjects)) for column in range(n_keys)]
    unwritten = data.draw(st.lists(st.sampled_from(cells), unique=True, max_size=len(cells)))
    factors = bundle_factors(bundle)

    one_by_one = sum(
        head_term(factors, base + row * n_keys + column, subjects[row], keys[column])
        for row, column in cells
        if (row, column) not in unwritten
    )

    assert block_term(factors, base, subjects, keys, unwritten) == one_by_one % PRIME


def test_the_order_in_which_heads_are_added_and_taken_away_does_not_matter() -> None:
    chance = Random(7)
    terms = [
        head_term(bundle_factors(chance.randbytes(32)), 3, chance.randbytes(16), key_factor(KEYS[2])) for _ in range(9)
    ]
    total = sum(terms) % PRIME
    chance.shuffle(terms)
    running = 0
    for term in terms:
        running = (running + term) % PRIME
    assert running == total
    assert (running - terms[0]) % PRIME == sum(terms[1:]) % PRIME


def test_another_bundle_ordinal_subject_or_key_is_another_term() -> None:
    chance = Random(8)
    bundle, subject = chance.randbytes(32), chance.randbytes(16)
    usual = head_term(bundle_factors(bundle), 1, subject, key_factor(KEYS[2]))
    assert usual != head_term(bundle_factors(chance.randbytes(32)), 1, subject, key_factor(KEYS[2]))
    assert usual != head_term(bundle_factors(bundle), 2, subject, key_factor(KEYS[2]))
    assert usual != head_term(bundle_factors(bundle), 1, chance.randbytes(16), key_factor(KEYS[2]))
    assert usual != head_term(bundle_factors(bundle), 1, subject, key_factor(KEYS[3]))


def test_factors_stay_below_the_prime_also_for_bytes_that_are_all_ones() -> None:
    a, b = bundle_factors(b"\xff" * 32)
    assert 0 <= a < PRIME
    assert 0 < b <= PRIME
    assert 0 <= head_term((a, b), (1 << 20) - 1, b"\xff" * 16, PRIME - 1) < PRIME


def test_a_state_hash_reads_as_32_hex_digits() -> None:
    assert text(0) == "0" * 32
    assert text(PRIME + 255) == "0" * 30 + "ff"


def test_golden_terms_never_change() -> None:
    factors = bundle_factors(bytes(range(32)))
    term = head_term(factors, 5, bytes(range(16)), key_factor("stage.people.name"))
    assert text(term) == "5684cef9a3f70a6971f19bcfb91957e8"
