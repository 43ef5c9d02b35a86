"""The rules for one slot and one record, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from openprod.merge.heads import (
    ExistHead,
    Head,
    Life,
    Work,
    is_conflict,
    is_settling,
    join,
    life,
    offers,
    shown,
)
from openprod.model.values import Decimal, Natural, Value


def head(oid: int, value: Value, *, at: int | None = None, is_decision: bool = False) -> Head:
    return Head(oid, value, is_decision, (bytes([at if at is not None else oid]), b"", oid))


def nobody() -> Iterable[Work]:
    return ()


def knowing(*pairs: tuple[int, int]) -> Callable[[int, int], bool]:
    return lambda one, other: one == other or (one, other) in pairs


def work(bundle: int, *over: Work, is_contesting: bool = True) -> Work:
    return Work(bundle, is_contesting, lambda: over)


# -- values


def test_a_write_takes_the_place_of_what_it_replaces_and_no_other() -> None:
    assert join((), 1, ()) == (1,)
    assert join((1, 2), 3, {1}) == (2, 3)
    assert join((1, 2), 3, {1, 2, 9}) == (3,)
    assert join((1, 2), 3, ()) == (1, 2, 3)


def test_the_newest_write_is_shown_but_a_decision_before_it() -> None:
    assert shown([head(1, "a"), head(3, "c"), head(2, "b")]).value == "c"
    decided = head(1, "a", is_decision=True)
    assert shown([decided, head(3, "c")]) is decided
    assert shown([decided, head(2, "b", is_decision=True), head(3, "c")]).value == "b"


def test_equal_values_are_one_offer_with_all_their_heads_newest_first() -> None:
    found = offers([head(4, Natural("11.1")), head(1, Natural("11.10")), head(2, None), head(3, Natural("011.100"))])
    assert [offer.value for offer in found] == [Natural("11.1"), None]
    assert [one.oid for one in found[0].heads] == [4, 3, 1]


def test_choices_keep_their_numbers_while_more_of_the_same_arrives() -> None:
    first = offers([head(1, "a"), head(2, "b")])
    later = offers([head(1, "a"), head(2, "b"), head(3, "a"), head(4, "c")])
    assert [offer.value for offer in later][:2] == [offer.value for offer in first] == ["a", "b"]


def test_only_distinct_values_are_a_conflict() -> None:
    assert not is_conflict([head(1, "a")])
    assert not is_conflict([head(1, Decimal("1.50")), head(2, Decimal("1.5"))])
    assert is_conflict([head(1, 1), head(2, "1")])
    assert is_conflict([head(1, None), head(2, "")])
    assert is_conflict([head(1, value=True), head(2, 1)])


def test_replacing_several_values_at_once_settles() -> None:
    assert is_settling(["a", "b"])
    assert not is_settling(["a", "a"])
    assert not is_settling([])


# -- existence


def test_a_record_nobody_made_is_not_there_and_one_nobody_deleted_is() -> None:
    assert life([], nobody, knowing()) == Life.GONE
    assert life([ExistHead(1, is_live=True, is_auto=False)], nobody, knowing()) == Life.ALIVE


def test_a_deletion_that_had_seen_everything_counts() -> None:
    deleted = [ExistHead(9, is_live=False, is_auto=False)]
    assert life(deleted, nobody, knowing()) == Life.GONE
    assert life(deleted, lambda: [work(1)], knowing((9, 1))) == Life.GONE


def test_work_that_no_deletion_saw_contests_it() -> None:
    deleted = [ExistHead(9, is_live=False, is_auto=False)]
    assert life(deleted, lambda: [work(1)], knowing()) == Life.CONTESTED
    assert life(deleted, lambda: [work(1, is_contesting=False)], knowing()) == Life.GONE


def test_work_that_one_of_several_deletions_saw_does_not_contest() -> None:
    deleted = [ExistHead(8, is_live=False, is_auto=False), ExistHead(9, is_live=False, is_auto=False)]
    assert life(deleted, lambda: [work(1)], knowing((8, 1))) == Life.GONE
    assert life(deleted, lambda: [work(1)], knowing()) == Life.CONTESTED


def test_work_after_a_deletion_does_not_contest_it_but_what_it_replaced_may() -> None:
    deleted = [ExistHead(9, is_live=False, is_auto=False)]
    assert life(deleted, lambda: [work(10)], knowing((10, 9))) == Life.GONE
    behind = work(10, work(1))
    assert life(deleted, lambda: [behind], knowing((10, 9))) == Life.CONTESTED
    assert life(deleted, lambda: [behind], knowing((10, 9), (9, 1))) == Life.GONE


def test_what_a_deletion_saw_hides_what_stands_behind_it_from_asking() -> None:
    def never() -> Iterable[Work]:
        raise AssertionError("what a deletion knew is not looked behind")

    deleted = [ExistHead(9, is_live=False, is_auto=False)]
    assert life(deleted, lambda: [Work(1, is_contesting=True, over=never)], knowing((9, 1))) == Life.GONE


def test_a_person_who_made_or_restored_it_beside_the_deletion_contests() -> None:
    deleted = ExistHead(9, is_live=False, is_auto=False)
    assert life([deleted, ExistHead(1, is_live=True, is_auto=False)], nobody, knowing()) == Life.CONTESTED
    assert life([deleted, ExistHead(1, is_live=True, is_auto=True)], nobody, knowing()) == Life.GONE
