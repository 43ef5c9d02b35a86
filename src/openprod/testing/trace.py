"""What happened, step by step, so that two runs of one seed can be compared and a failing one read."""

from __future__ import annotations

from dataclasses import dataclass, field

from openprod.model.ids import chunk_hash


@dataclass(slots=True)
class Trace:
    """The steps of one run, in order."""

    steps: list[str] = field(default_factory=list[str])

    def note(self, who: str, what: str) -> None:
        """Adds a step."""
        self.steps.append(f"{len(self.steps):4} {who:5} {what}")

    def digest(self) -> str:
        """Returns a short text that is equal exactly where all steps are."""
        return chunk_hash("\n".join(self.steps).encode()).hex()[:16]

    def text(self, last: int | None = None) -> str:
        """Returns the steps as lines, all or the last so many."""
        return "\n".join(self.steps if last is None else self.steps[-last:])
