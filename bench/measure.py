"""Taking times: floor and ours in turns, medians of both, the collector quiet while a clock runs."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]
Take = Callable[[], float]


@dataclass
class Line:
    """One line of the table.

    `figure` and `floor` are shown as they are, in `unit`; where there is a floor `ratio` is judged, else `figure`.
    """

    name: str
    work: str
    figure: float
    unit: str
    demand: str
    is_met: bool
    aim: str = ""
    is_aim_met: bool | None = None
    floor: float | None = None
    ratio: float | None = None
    note: str = ""
    samples: list[float] = field(default_factory=list)


def cpu() -> float:
    """Returns this process's CPU seconds, both user's and system's."""
    return time.process_time()


def wall() -> float:
    """Returns wall seconds."""
    return time.perf_counter()


def timed(work: Callable[[], object], clock: Clock = cpu) -> float:
    """Returns how long some work takes by a clock; garbage of before is taken away first."""
    gc.collect()
    start = clock()
    work()
    return clock() - start


def in_turns(ours: Take, floor: Take, times: int) -> tuple[list[float], list[float]]:
    """Returns figures of both, taken one after the other so that a busy moment hits both."""
    our_figures: list[float] = []
    floor_figures: list[float] = []
    for _ in range(times):
        floor_figures.append(floor())
        our_figures.append(ours())
    return our_figures, floor_figures


def middle(figures: list[float]) -> float:
    """Returns the median."""
    return statistics.median(figures)


def at_most(
    name: str,
    work: str,
    ours: list[float],
    unit: str,
    *,
    must: float,
    aim: float | None = None,
    floor: list[float] | None = None,
    note: str = "",
) -> Line:
    """Returns the line of a figure that must not be more than so many times its floor, or so many units."""
    figure = middle(ours)
    lowest = middle(floor) if floor is not None else None
    # The median of the ratios of neighbours: what slows a machine down slows both of a pair.
    ratio = middle([one / two for one, two in zip(ours, floor, strict=True)]) if floor is not None else None
    judged = figure if ratio is None else ratio
    sign = " x" if ratio is not None else f" {unit}"
    return Line(
        name,
        work,
        figure,
        unit,
        f"<= {must:g}{sign}",
        judged <= must,
        f"{aim:g}{sign}" if aim is not None else "",
        judged <= aim if aim is not None else None,
        lowest,
        ratio,
        note,
        ours,
    )


def at_least(name: str, work: str, ours: list[float], unit: str, *, must: float, aim: float | None = None) -> Line:
    """Returns the line of a rate that must be reached."""
    figure = middle(ours)
    return Line(
        name,
        work,
        figure,
        unit,
        f">= {must:,.0f}",
        figure >= must,
        f"{aim:,.0f}" if aim is not None else "",
        figure >= aim if aim is not None else None,
        samples=ours,
    )
