"""Studies that are killed at random moments: `python soak.py SCHEDULES FIRST_SEED [URL]`, which ends with a report.

A schedule is a small study of runs that train some epochs, each ending in a checkpoint, and a series of kills (SIGKILL)
of its coordinator, of a worker, or of both, each followed by a new coordinator; the last one is left alone. Then
every run must be complete exactly once with the result of an uninterrupted one, nothing that was booked may have
been repeated or touched, and no epoch repeated that was checkpointed before the coordinator's end.

Coordinators are forks of this process, so that none of them has to import anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from dummies import Recorder, SpecMaker, chained, plan
from optuna.trial import TrialState

from ablate.coordinator import coordinate
from ablate.engines import ProcessEngine
from ablate.ledger import Ledger
from ablate.lock import process_identity

KILLS = ("coordinator", "worker", "both", "worker then coordinator")
RETRIES = 50  # a schedule may kill the same run's worker many times; budgets have tests of their own


@dataclass
class Schedule:
    """One study and its kills, all drawn from a seed."""

    seed: int
    folder: Path
    url: str | None = None
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.study = self.folder / "study"
        self.log = self.folder / "epochs.log"
        self._records: dict[str, tuple[int, str]] = {}
        self._sealed: dict[str, int] = {}
        self.epochs = self.random.randint(1, 4)
        self.workers = self.random.randint(1, 2)
        cells, seeds = self.random.randint(1, 4), self.random.randint(1, 3)
        pause = self.random.choice([0.0, 0.002, 0.01])
        self.runs = plan(cells, seeds, "epochs", epochs=self.epochs, pause=pause, log=str(self.log))

    def play(self) -> None:
        """Kill, look, start again; at the end all must be well.

        Raises:
            AssertionError: naming the seed, if it is not.
        """
        for _ in range(self.random.randint(1, 2)):
            coordinator = self._begin()
            # From before its lock to behind its end: a start takes some tens of milliseconds, a run a few.
            time.sleep(self.random.random() ** 2 * 0.8)
            self._kill(coordinator)
            self._check(final=False)
        code = os.waitstatus_to_exitcode(os.waitpid(self._begin(), 0)[1])
        assert code == 0, f"schedule {self.seed}: the last coordinator ended with {code}"
        self._check(final=True)

    def _begin(self) -> int:
        child = os.fork()
        if child:
            return child
        try:
            self._coordinate()
        except BaseException as error:
            print(f"schedule {self.seed}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)

    def _coordinate(self) -> None:
        options = {"name": "dummy", "uid": str(self.seed), "objectives": {"val_accuracy": "maximize"}, "url": self.url}
        with Ledger.open(self.study, **options) as ledger:  # type: ignore[arg-type]
            engine = ProcessEngine("dummies:run", workers=self.workers)
            coordinate(ledger, self.runs, engine, SpecMaker(self.study), Recorder(), retries=RETRIES)

    def _kill(self, coordinator: int) -> None:
        how = self.random.choice(KILLS)
        self.kills[how] += 1
        process = psutil.Process(coordinator)
        workers = process.children()
        if how != "coordinator" and workers:
            _end(self.random.choice(workers))
            if how == "worker":
                time.sleep(self.random.random() * 0.3)  # the coordinator goes on for a while, then is killed as well
            elif how == "worker then coordinator":
                time.sleep(self.random.random() * 0.05)
        _end(process)
        os.waitpid(coordinator, 0)
        deadline = time.monotonic() + 10
        while any(process_identity(worker.pid) for worker in workers):
            assert time.monotonic() < deadline, f"schedule {self.seed}: workers outlive their coordinator"
            time.sleep(0.01)

    def _check(self, *, final: bool) -> None:
        about = f"schedule {self.seed}"
        records, begun = self._booked(), self._begun()
        for run_id, record in self._records.items():
            assert records.get(run_id) == record, f"{about}: the record of {run_id} was touched"
        for epoch, times in self._sealed.items():
            assert begun[epoch] == times, f"{about}: epoch {epoch} was repeated behind its checkpoint"
        self._records = records
        self._sealed = {epoch: begun[epoch] for epoch in self._checkpointed()}
        if final:
            assert set(records) == {run.run_id for run in self.runs}, f"{about}: runs are missing"

    def _booked(self) -> dict[str, tuple[int, str]]:
        """Run id -> time and text of the record, of the runs that are complete; each complete once, with its result."""
        booked = {}
        ledger = Ledger.read(self.study, name="dummy", uid=str(self.seed), url=self.url)
        for run_id, trials in ledger._trials.items():
            complete = [each for each in trials if each.state is TrialState.COMPLETE]
            assert len(complete) <= 1, f"schedule {self.seed}: {run_id} is complete {len(complete)} times"
            if complete:
                record = ledger.record(run_id)
                assert record is not None
                assert record.metrics["val_accuracy"] == chained(run_id, self.epochs), f"{run_id}: another result"
                file = self.study / "runs" / run_id / "record.json"
                booked[run_id] = (file.stat().st_mtime_ns, file.read_text())
        return booked

    def _checkpointed(self) -> Iterator[str]:
        """`run_id epoch` of all epochs that no coordinator has to train again."""
        for run in self.runs:
            checkpoint = self.study / "runs" / run.run_id / "checkpoints" / "last.ckpt"
            done = json.loads(checkpoint.read_text())[0] if checkpoint.exists() else 0
            yield from (f"{run.run_id} {epoch}" for epoch in range(done))

    def _begun(self) -> Counter[str]:
        """`run_id epoch` -> how often this epoch was begun."""
        return Counter(self.log.read_text().splitlines()) if self.log.exists() else Counter()


def _end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def main(schedules: int, first: int, url: str | None = None) -> int:
    """Play schedules and report; gives the exit code."""
    began, kills, runs, failures = time.monotonic(), Counter[str](), 0, []
    for seed in range(first, first + schedules):
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            # Each schedule has a study of its own; SQLite one file, PostgreSQL one database for all.
            own = url.format(folder=folder, seed=seed) if url else None
            schedule = Schedule(seed, Path(folder), own)
            try:
                schedule.play()
            except AssertionError as error:
                failures.append(str(error))
                print(f"FAILED {error}", file=sys.stderr, flush=True)
        kills += schedule.kills
        runs += len(schedule.runs)
    counts = ", ".join(f"{count} {how}" for how, count in sorted(kills.items()))
    seconds = time.monotonic() - began
    print(
        f"{schedules} schedules, {runs} runs, {sum(kills.values())} kills ({counts}), {len(failures)} failures,", end=""
    )
    print(f" {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
