"""Texts: whoever holds the same ops reads the same letters, whatever the order; bytes of any kind harm nothing."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from openprod.merge.text import Document, Splice, Typing, base_of_op, difference, spliced, united
from openprod.model.text_update import UPDATE_BYTES_MAX, BadUpdate, client_of, read_update

BASE = base_of_op(bytes(range(32)), 0)
LETTERS = st.text(alphabet="abc é🎭\n", max_size=6)


def history(chance: Random, begin: str, steps: int) -> dict[int, Typing]:
    """Returns ops of three people on one text, each going on from what they had at the time."""
    made: dict[int, Typing] = {}
    heads: list[set[int]] = [set(), set(), set()]
    had: list[set[int]] = [set(), set(), set()]
    for step in range(steps):
        who, other = chance.randrange(3), chance.randrange(3)
        if chance.random() < 0.4:
            had[who] |= had[other]
            heads[who] = {one for one in had[who] if not any(one in made[later].on for later in had[who])}
        document = united(BASE, begin, {one: made[one] for one in had[who]})
        at = chance.randint(0, len(document.text))
        gone = chance.randint(0, min(3, len(document.text) - at))
        run = who if chance.random() < 0.8 else 100 + step
        client = client_of(bytes(31) + bytes([who]), run)
        if client in document.clocks or run >= 100 or not any(made[one].order[2] == who for one in made):
            update = document.typed(client, [Splice(at, gone, chance.choice(("", "x", "é🎭", "word ")))])
            if update:
                made[step] = Typing((step.to_bytes(12, "big"), bytes(32), who), tuple(sorted(heads[who])), update)
                had[who].add(step)
                heads[who] = {step}
    return made


@settings(max_examples=60)
@given(st.integers(0, 1 << 32), LETTERS, st.integers(1, 30))
def test_any_order_that_puts_causes_first_gives_the_same_letters(seed: int, begin: str, steps: int) -> None:
    chance = Random(seed)
    made = history(chance, begin, steps)
    wanted = united(BASE, begin, made)
    assert not wanted.is_torn
    for _ in range(3):
        document = Document.begun(BASE, begin)
        left = set(made)
        while left:
            one = chance.choice(sorted(one for one in left if left.isdisjoint(made[one].on)))
            left.remove(one)
            assert document.take(made[one].update)
            if chance.random() < 0.3:
                document.take(made[one].update)
        assert document.text == wanted.text
        assert document.clocks == wanted.clocks
        assert Document(document.state).text == wanted.text


@given(LETTERS, LETTERS, LETTERS)
def test_the_difference_of_two_texts_makes_one_of_the_other(front: str, one: str, other: str) -> None:
    for before, after in ((front + one, front + other), (one + front, other + front), (one, other)):
        assert spliced(before, difference(before, after)) == after


@settings(max_examples=150)
@given(st.binary(max_size=40), st.data())
def test_bytes_of_any_kind_are_refused_or_count_and_never_break_a_text(raw: bytes, data: st.DataObject) -> None:
    document = Document.begun(BASE, "Standby 🎭 LX")
    good = document.typed(client_of(bytes(32), 1), [Splice(3, 2, "é🎭"), Splice(0, 1, "ab")])
    mutated = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    for update in (raw, bytes(mutated), good[: data.draw(st.integers(0, len(good)))]):
        before = document.text
        try:
            read_update(update)
        except BadUpdate:
            continue
        if not document.take(update):
            assert document.text == before
        assert Document(document.state).text == document.text
    assert len(document.state) < UPDATE_BYTES_MAX
