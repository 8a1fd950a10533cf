"""What an attempt spends its time on. Standard library only: the coordinator has a clock too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds by phase: the time until the next change of phase counts for the present one.

    It costs two readings of a counter a change, so it always runs. Work that a GPU does later counts where something
    waits for it.

    Args:
        phase: the first one.

    Attributes:
        seconds: phase -> seconds, in the order in which the phases first came.
    """

    def __init__(self, phase: str) -> None:
        self.seconds: dict[str, float] = {}
        self._phase = phase
        self._since = time.perf_counter()

    def enter(self, phase: str) -> str:
        """Change to a phase; gives the one before."""
        before, now = self._phase, time.perf_counter()
        self.seconds[before] = self.seconds.get(before, 0.0) + now - self._since
        self._phase, self._since = phase, now
        return before

    @contextmanager
    def phase(self, phase: str) -> Iterator[None]:
        """Be in a phase while the context is open, then in the one before again."""
        before = self.enter(phase)
        try:
            yield
        finally:
            self.enter(before)

    def stop(self) -> dict[str, float]:
        """The seconds of all phases until now."""
        self.enter(self._phase)
        return dict(self.seconds)
