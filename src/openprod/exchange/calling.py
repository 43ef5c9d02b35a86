"""Which cues are taken on a GO: no console says so, it only says which cue runs the next one by itself.

Knows follow, hang and link. Must not know files or tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

YES, NO = "yes", "no"
SAID = (
    "Whether a cue is called is no part of the file: a cue that runs by itself after another's {follow} is taken as "
    "not called, every other as called."
)


@dataclass(frozen=True, slots=True)
class Cue:
    """As much of a cue as decides who takes it.

    Attributes:
        cue_list: the list it stands in.
        number: its number, without what does not count.
        part: its part, empty for the cue itself.
        runs_on: it makes another cue run by itself.
        link: the number of the cue that it leads to, where that is not the next one.
    """

    cue_list: str
    number: str
    part: str
    runs_on: bool
    link: str = ""


def called(cues: Sequence[Cue]) -> list[str]:
    """Returns yes or no for each cue, in the order of the file.

    A part goes with its cue and is not called itself. A follow leads to the next cue of the list, or to the one that is
    linked where that comes later; a link backwards is a loop, whose first cue somebody still takes.
    """
    alone: set[tuple[str, str]] = set()
    order: dict[str, list[Cue]] = {}
    for cue in cues:
        if not cue.part:
            order.setdefault(cue.cue_list, []).append(cue)
    for cue_list, whole in order.items():
        places = {cue.number: at for at, cue in reversed(list(enumerate(whole)))}
        for at, cue in enumerate(whole):
            if not cue.runs_on:
                continue
            target = places.get(cue.link, -1) if cue.link else at + 1
            if at < target < len(whole):
                alone.add((cue_list, whole[target].number))
    return [NO if cue.part or (cue.cue_list, cue.number) in alone else YES for cue in cues]
