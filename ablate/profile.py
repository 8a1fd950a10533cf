"""What runs cost beyond their training steps: phases told by their records, and what comes on top of those."""

from __future__ import annotations

import csv
import io
import time
from concurrent.futures import Future
from pathlib import Path
from statistics import median

from ablate import stacks
from ablate.engines.base import Engine
from ablate.files import write_atomically
from ablate.ledger import Ledger
from ablate.phases import Clock
from ablate.records import RunRecord, RunSpec

STEPS = "training steps"
_WORKER = "worker"
_COORDINATOR = "coordinator"


class Profile:
    """The profile of one call of `ablate run`.

    What passes between handing a run to the engine and its answer, and is none of the phases in its record, is the
    phase `worker`: a cold one starts and imports, a warm one redirects its output and writes the record.

    Attributes:
        clock: the coordinator's; its phase `ledger` is claiming and booking.
        rows: `(run id, phase, seconds)`; what the coordinator spends on all runs together has its name as run id.
    """

    def __init__(self) -> None:
        self.clock = Clock("waiting")
        self.rows: list[tuple[str, str, float]] = []
        self._taken: dict[str, float] = {}

    def watched(self, engine: Engine) -> Engine:
        """The engine, with the seconds that it takes for each run."""
        return _Watched(engine, self._taken)

    def collect(self, ledger: Ledger) -> None:
        """Take over what the records of the watched runs say; a run that left no phases is passed by."""
        for run_id, taken in self._taken.items():
            record = ledger.record(run_id)
            if record is None or not record.profile:
                continue
            self.rows += [(run_id, phase, seconds) for phase, seconds in record.profile.items()]
            self.rows.append((run_id, _WORKER, max(0.0, taken - sum(record.profile.values()))))
        self._taken.clear()

    def write(self, path: Path) -> None:
        """Write `profile.csv`: run_id, phase, seconds."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerows([("run_id", "phase", "seconds"), *self.rows, (_COORDINATOR, "ledger", self._booking)])
        write_atomically(path, text.getvalue(), durable=False)

    def table(self) -> list[tuple[str, float, float]]:
        """`(phase, median seconds of a run, seconds of all runs)`, the longest first.

        The ledger comes last, with the mean: it is not known by run.
        """
        phases: dict[str, list[float]] = {}
        for _, phase, seconds in self.rows:
            phases.setdefault(phase, []).append(seconds)
        found = [(phase, median(seconds), sum(seconds)) for phase, seconds in phases.items()]
        found.sort(key=lambda row: -row[2])
        runs = len(self._by_run())
        return [*found, ("ledger", self._booking / runs, self._booking)] if runs else []

    def beyond_steps(self) -> float | None:
        """Median seconds of a run, all phases but its training steps; None without runs."""
        runs = self._by_run()
        if not runs:
            return None
        return median(sum(each.values()) - each.get(STEPS, 0.0) for each in runs.values()) + self._booking / len(runs)

    @property
    def _booking(self) -> float:
        return self.clock.seconds.get("ledger", 0.0)

    def _by_run(self) -> dict[str, dict[str, float]]:
        runs: dict[str, dict[str, float]] = {}
        for run_id, phase, seconds in self.rows:
            runs.setdefault(run_id, {})[phase] = seconds
        return runs


class _Watched:
    def __init__(self, engine: Engine, taken: dict[str, float]) -> None:
        self._engine = engine
        self._taken = taken

    @property
    def capacity(self) -> int:
        return self._engine.capacity

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        began = time.perf_counter()

        def ended(future: Future[RunRecord]) -> None:
            runs, seconds = stacks.members(spec), time.perf_counter() - began
            self._taken.update((each.run_id, seconds / len(runs)) for each in runs)

        future = self._engine.submit(spec)
        future.add_done_callback(ended)
        return future

    def shutdown(self, *, cancel: bool) -> None:
        self._engine.shutdown(cancel=cancel)
