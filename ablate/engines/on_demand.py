"""An engine that starts when it is first needed: on a finished study no workers, no Ray, no cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import cached_property

from ablate.engines.base import Engine
from ablate.records import RunRecord, RunSpec


class OnDemand:
    """Stands for the engine that `start` gives.

    Args:
        start: starts it; what it raises comes from the first use.
    """

    def __init__(self, start: Callable[[], Engine]) -> None:
        self._start = start

    @cached_property
    def _engine(self) -> Engine:
        return self._start()

    @property
    def capacity(self) -> int:
        return self._engine.capacity

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        return self._engine.submit(spec)

    def shutdown(self, *, cancel: bool) -> None:
        if "_engine" in vars(self):
            self._engine.shutdown(cancel=cancel)
