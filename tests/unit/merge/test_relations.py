"""Places in ordered relations: always between, never alternating, short where people work."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from openprod.merge.relations import between, is_position, spread


@given(steps=st.lists(st.tuples(st.integers(0, 1 << 16), st.sampled_from("PQR")), max_size=60))
def test_a_place_lies_between_its_neighbours_wherever_and_by_whomever(steps: list[tuple[int, str]]) -> None:
    found: list[str] = []
    for number, run in steps:
        at = number % (len(found) + 1)
        low = found[at - 1] if at else None
        high = found[at] if at < len(found) else None
        place = between(low, high, run)
        assert is_position(place)
        assert low is None or low < place
        assert high is None or place < high
        found.insert(at, place)


@given(where=st.integers(0, 4), counts=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_runs_of_two_people_at_one_place_stay_whole(where: int, counts: tuple[int, int]) -> None:
    given_places = spread(4, "P")
    low = given_places[where - 1] if where else None
    high = given_places[where] if where < 4 else None
    runs: list[list[str]] = []
    for run, count in zip("PQ", counts, strict=True):
        behind, made = low, list[str]()
        for _ in range(count):
            behind = between(behind, high, run)
            made.append(behind)
        runs.append(made)
    merged = sorted([*runs[0], *runs[1]])
    assert merged in ([*runs[0], *runs[1]], [*runs[1], *runs[0]])


def test_ten_thousand_insertions_at_one_spot_make_no_long_places() -> None:
    low, high = spread(2, "P")
    behind = low
    for _ in range(10_000):
        behind = between(behind, high, "Q")
    assert len(behind) < 40
    before = high
    for _ in range(10_000):
        before = between(low, before, "R")
    assert low < before < high
    assert len(before) < 40


def test_a_thousand_moves_at_random_make_no_long_places() -> None:
    chance, places = Random(1), spread(1_000, "P")
    for _ in range(1_000):
        places.pop(chance.randrange(len(places)))
        at = chance.randrange(1, len(places))
        places.insert(at, between(places[at - 1], places[at], "Q"))
    assert places == sorted(places)
    assert max(map(len, places)) < 80


def test_where_two_places_are_equal_the_next_comes_right_behind() -> None:
    (place,) = spread(1, "P")
    assert between(place, place, "Q") > place
