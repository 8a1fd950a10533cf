"""How far a long preparation is: to the log and, where there is one, to the terminal; nothing for short ones."""

from __future__ import annotations

import sys
import time

_SILENT_SECONDS = 2.0
_EVERY_SECONDS = 5.0


class Progress:
    """Counts steps and says now and then how many are done and how long the rest takes.

    Lines go to stderr, which is the run's log in a worker process and the terminal otherwise; in a terminal they
    replace one another.

    Args:
        what: what is being done.
        total: steps.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self._began = time.monotonic()
        self._first = self._began
        self._next = self._began + _SILENT_SECONDS
        self._said = False

    def step(self) -> None:
        """One more step is done."""
        self.done += 1
        now = time.monotonic()
        last = self.done == self.total
        if self.done == 1:
            # The first step also loads readers and makes what is simulated: it says nothing of the others.
            self._first = now
        if (now < self._next or self.done == 1) and not (last and self._said):
            return
        self._next = now + (0.5 if sys.stderr.isatty() else _EVERY_SECONDS)
        self._said = True
        left = (now - self._first) * (self.total - self.done) / max(self.done - 1, 1)
        text = f"{self.what}: {self.done:,} of {self.total:,} ({self.done / self.total:.0%}), {left:,.0f} s left"
        if last:
            text = f"{self.what}: done in {now - self._began:,.0f} s"
        start, end = ("\r\x1b[K", "\n" if last else "") if sys.stderr.isatty() else ("", "\n")
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)
