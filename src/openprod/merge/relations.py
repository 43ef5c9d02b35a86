"""Positions in ordered relations.

Chosen once, when written, so that ops commute and the newest place of each entry counts.

A position is a path of (key, run) pairs written `key!run!key!run!`; `!` sorts before every digit, so text order is path
order. A run is what one log inserted at one place in one go: its entries share all but the last pair, so runs of
two people inserting at one place stay whole, one behind the other, and never alternate. Source: run tags are measured
in the project's feasibility study (2.6); the keys are those of D. Greenspan, "Implementing fractional indexing"
(2020).
"""

from __future__ import annotations

from typing import NamedTuple

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POSITION_CHARACTERS_MAX = 200
RUN_CHARACTERS = 8

_ZERO = "a0"
_SMALLEST = "A" + "0" * 26
_MARK = "!"


class Pair(NamedTuple):
    """One step of a path: a key, and the run it belongs to (empty for the entry's own place in its run)."""

    key: str
    run: str


Path = tuple[Pair, ...]


def between(low: str | None, high: str | None, run: str) -> str:
    """Returns a position after `low` and before `high`; None = the end of the list on that side.

    Where the two are equal (a copied run), the new one comes right behind them.

    Args:
        low: the position before.
        high: the position behind.
        run: up to eight digits and letters, those of the log that writes.
    """
    before, behind = _read(low), _read(high)
    return _write(
        _in_run(before, behind, run, is_up=True)
        or _in_run(behind, before, run, is_up=False)
        or (*_opened(before, behind, run), Pair(_ZERO, ""))
    )


def spread(count: int, run: str) -> list[str]:
    """Returns positions for a whole list anew, ascending and short."""
    found: list[str] = []
    for _ in range(count):
        found.append(between(found[-1] if found else None, None, run))
    return found


def is_position(text: str) -> bool:
    """Tells whether a text has the form of a position."""
    parts = text.split(_MARK)
    return len(parts) > 2 and len(parts) % 2 == 1 and parts[-1] == "" and all(parts[0:-1:2])


def _read(text: str | None) -> Path | None:
    if text is None or not is_position(text):
        return None
    parts = text.split(_MARK)
    return tuple(Pair(key, run) for key, run in zip(parts[0:-1:2], parts[1::2], strict=True))


def _write(path: Path) -> str:
    return "".join(f"{key}{_MARK}{run}{_MARK}" for key, run in path)


def _in_run(near: Path | None, far: Path | None, run: str, *, is_up: bool) -> Path | None:
    """Returns the next place at the end of our own run, where `near` is that; None inside a run, which is another's.

    What goes between two entries of one run opens a run of its own: a second person would open one there too.
    """
    if near is None or len(near) < 2 or near[-2].run != run or near[-1].run:
        return None
    lead = near[:-1]
    if far is not None and far[: len(lead)] == lead and len(far) > len(lead):
        return None
    key = key_between(near[-1].key, None) if is_up else key_between(None, near[-1].key)
    found = (*lead, Pair(key, ""))
    if far is None or (found < far if is_up else found > far):
        return found
    return None


def _opened(low: Path | None, high: Path | None, run: str) -> Path:
    """Returns the path of a new run between two positions."""
    if low is None or high is None:
        one = low or high
        key = None if one is None else one[0].key
        return (Pair(key_between(key, None) if high is None else key_between(None, key), run),)
    level = next(
        (n for n, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), min(len(low), len(high))
    )
    if level == len(low) < len(high):
        return (*low, Pair(key_between(None, high[level].key), run))
    if level < len(low) and level < len(high) and low[level].key < high[level].key:
        return (*low[:level], Pair(key_between(low[level].key, high[level].key), run))
    # The same key in two runs, or the same place twice: below the one in front.
    return (*low, Pair(_ZERO, run))


# -- keys


def key_between(low: str | None, high: str | None) -> str:
    """Returns a key after `low` and before `high`, None = no limit; keys at an end grow by a digit for each 62-fold."""
    if low is None:
        return _before(high) if high is not None else _ZERO
    whole, part = _cut(low)
    if high is None:
        above = _stepped(whole, 1)
        return above if above is not None else whole + _middle(part, None)
    high_whole, high_part = _cut(high)
    if whole == high_whole:
        return whole + _middle(part, high_part)
    above = _stepped(whole, 1)
    return above if above is not None and above < high else whole + _middle(part, None)


def _before(high: str) -> str:
    whole, part = _cut(high)
    if whole == _SMALLEST:
        return whole + _middle("", part)
    if part:
        return whole
    below = _stepped(whole, -1)
    return below if below is not None else whole + _middle("", part)


def _cut(key: str) -> tuple[str, str]:
    """Returns a key's whole number, whose first letter says its length, and its fraction."""
    head = key[:1]
    length = ord(head) - ord("a") + 2 if "a" <= head <= "z" else ord("Z") - ord(head) + 2
    return key[:length], key[length:]


def _stepped(whole: str, step: int) -> str | None:
    """Returns the whole number next to one, None past the end of the scale."""
    head, digits = whole[0], [DIGITS.index(digit) for digit in whole[1:]]
    for at in range(len(digits) - 1, -1, -1):
        digits[at] += step
        if 0 <= digits[at] < len(DIGITS):
            return head + "".join(DIGITS[digit] for digit in digits)
        digits[at] = 0 if step > 0 else len(DIGITS) - 1
    return _longer(head, len(digits), step)


def _longer(head: str, count: int, step: int) -> str | None:
    if (head, step) in (("z", 1), ("A", -1)):
        return None
    if (head, step) == ("Z", 1):
        return _ZERO
    if (head, step) == ("a", -1):
        return "Z" + DIGITS[-1]
    letter = chr(ord(head) + step)
    grows = (step > 0) == ("a" <= letter <= "z")
    return letter + (DIGITS[0] if step > 0 else DIGITS[-1]) * (count + 1 if grows else count - 1)


def _middle(low: str, high: str | None) -> str:
    """Returns a fraction between two, as short as can be; `low` may be empty, None = no limit above."""
    if high is not None:
        same = 0
        while same < len(high) and (low[same] if same < len(low) else "0") == high[same]:
            same += 1
        if same:
            return high[:same] + _middle(low[same:], high[same:])
    first = DIGITS.index(low[0]) if low else 0
    last = DIGITS.index(high[0]) if high else len(DIGITS)
    if last - first > 1:
        return DIGITS[(first + last + 1) // 2]
    if high is not None and len(high) > 1:
        return high[:1]
    return DIGITS[first] + _middle(low[1:], None)
