"""Listening to what changes in a workspace, and questions that stay asked."""

from __future__ import annotations

from collections.abc import Callable

from openprod.workspace.asking import Live
from openprod.workspace.meaning import Changes


class Watching:
    """A listener's place in the list; `close` takes it out."""

    def __init__(self, listeners: list[Callable[[Changes], None]], listener: Callable[[Changes], None]) -> None:
        self._listeners = listeners
        self._listener = listener
        listeners.append(listener)

    def close(self) -> None:
        """Stops listening; a second call does nothing."""
        if self._listener in self._listeners:
            self._listeners.remove(self._listener)


class Subscription(Watching):
    """A question that stays asked, with the window of its rows that is kept up to date."""

    def __init__(self, listeners: list[Callable[[Changes], None]], live: Live) -> None:
        super().__init__(listeners, live.hear)
        self._live = live
        try:
            # Behind the listening, not before it: a commit in between would be missed.
            live.start()
        except BaseException:
            self.close()
            raise

    def set_window(self, offset: int, limit: int) -> None:
        """Moves the window; the callback gets what that changes."""
        self._live.move(offset, limit)
