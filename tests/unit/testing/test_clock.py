"""Simulated time: clocks that are wrong by what the test says and by nothing else."""

from __future__ import annotations

import pytest

from openprod.testing.clock import DAY_MS, START_MS, FakeClock, TrueTime


def test_a_clock_reads_the_true_time_and_what_it_is_off_by() -> None:
    time = TrueTime()
    right, wrong = FakeClock(time), FakeClock(time, -DAY_MS)
    time.advance(1_000)
    assert right() == START_MS + 1_000
    assert wrong() == right() - DAY_MS
    wrong.mend()
    assert wrong() == right()


def test_the_true_time_does_not_go_back() -> None:
    with pytest.raises(AssertionError, match="does not go back"):
        TrueTime().advance(-1)
