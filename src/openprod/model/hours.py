"""Times of day as a show writes them, whose clock has 12 or 24 hours."""

from __future__ import annotations


def hour(text: str, hours: str) -> str:
    """Returns a time of day as a show writes it whose clock has so many hours: 19:30, or 7:30p."""
    clock, _, rest = text.partition(":")
    if hours != "12" or not clock.isdigit():
        return text
    number = int(clock)
    return f"{number % 12 or 12}:{rest}{'p' if number >= 12 else 'a'}"
