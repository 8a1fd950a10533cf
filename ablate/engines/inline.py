"""Runs in this process, one after the other: for debugging, and where processes cannot be started."""

from __future__ import annotations

from concurrent.futures import Future

from ablate.engines.base import execute
from ablate.records import RunRecord, RunSpec


class InlineEngine:
    """Runs when it is submitted, in the caller's thread; output goes where the caller's goes.

    A crash of the interpreter is a crash of the study here (`ablate run` then resumes it), and a run that lacks memory
    is retried in the same process.

    Args:
        function: dotted name of the trial function.
    """

    capacity = 1

    def __init__(self, function: str) -> None:
        self._function = function

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        future: Future[RunRecord] = Future()
        future.set_result(execute(self._function, spec))
        return future

    def shutdown(self, *, cancel: bool) -> None:
        """Nothing runs between two calls."""
