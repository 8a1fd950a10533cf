"""The one loop: missing runs -> engine -> outcomes -> ledger."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ablate import stacks
from ablate.attempts import Attempt, Planned
from ablate.engines.base import Engine, one_line, recorded
from ablate.errors import StudyError
from ablate.ledger import Ledger
from ablate.phases import Clock
from ablate.progress import ProgressWatch
from ablate.records import RunRecord, RunSpec
from ablate.storage import storage_errors

_LOOK_SECONDS = 1.0


class Listener(Protocol):
    """Who is told what happens. Calls come from two threads, but never two at a time."""

    def on_start(self, spec: RunSpec) -> None:
        """An attempt begins."""

    def on_progress(self, spec: RunSpec, progress: Mapping[str, Any]) -> None:
        """An attempt wrote its `progress.json`."""

    def on_retry(self, spec: RunSpec, reason: str) -> None:
        """An attempt crashed; another one follows."""

    def on_finish(self, spec: RunSpec, record: RunRecord) -> None:
        """A run ended and is booked."""


class Source(Protocol):
    """Runs that become known while others end: the cells of a search, the seeds that follow a tuning."""

    def more(self) -> Planned | None:
        """A further run, each once, whether it has ended before or not; None until one that was given has ended."""

    def ended(self, run: Planned, record: RunRecord) -> None:
        """A run that was given has ended, now or in an earlier call; nothing more will come of it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How the planned runs stand when the loop ends.

    Attributes:
        planned: all runs; `complete + failed + pruned + missing`.
        attempts: attempts that ended in this call.
        seconds: wall time of this call.
    """

    planned: int
    complete: int
    failed: int
    pruned: int
    missing: int
    attempts: int
    seconds: float


class Interrupted(KeyboardInterrupt):
    """Ctrl-C: workers are stopped, the runs they worked on are missing again, the rest is booked.

    Attributes:
        summary: how the runs stand.
        stopped: the attempts that were under way and will be continued.
    """

    def __init__(self, summary: Summary, stopped: Sequence[RunSpec]) -> None:
        super().__init__(f"{summary.complete} of {summary.planned} runs are complete")
        self.summary = summary
        self.stopped = tuple(stopped)


def coordinate(
    ledger: Ledger,
    runs: Sequence[Planned],
    engine: Engine,
    make_spec: Callable[[Any, Attempt], RunSpec],
    listener: Listener,
    *,
    retries: int = 2,
    source: Source | None = None,
    clock: Clock | None = None,
    stack: int = 1,
) -> Summary:
    """Do what is missing of `runs`, seed block after seed block, and book it. Shuts the engine down in any case.

    Args:
        ledger: opened for work; it stays open.
        runs: all planned runs; those that have ended are left alone.
        engine: where they execute.
        make_spec: what a worker needs to know for a planned run and its attempt.
        listener: is told what happens.
        retries: further attempts at a run that crashes (a dead worker, no memory); errors of the run itself and
            divergence are not repeated.
        source: gives further runs while others end.
        clock: gets the phase `ledger`, for claiming and booking.
        stack: how many runs of one cell a worker is given at once; one that crashed in a stack is then alone.

    Raises:
        Interrupted: on Ctrl-C, when everything is stopped and booked.
        StudyError: if the storage fails or the study was taken over; the study is intact.
    """
    return _Loop(ledger, runs, engine, make_spec, listener, retries, source, clock, stack).run()


@dataclass(frozen=True, slots=True)
class _Started:
    """An attempt that was handed to the engine."""

    run: Planned
    attempt: Attempt
    spec: RunSpec


class _Loop:
    def __init__(
        self,
        ledger: Ledger,
        runs: Sequence[Planned],
        engine: Engine,
        make_spec: Callable[[Any, Attempt], RunSpec],
        listener: Listener,
        retries: int,
        source: Source | None,
        clock: Clock | None,
        stack: int,
    ) -> None:
        self._stack = stack
        self._clock = clock or Clock("waiting")
        self._ledger = ledger
        self._runs = list(runs)
        self._source = source
        self._given: set[str] = set()
        self._engine = engine
        self._make_spec = make_spec
        self._listener = listener
        self._retries = retries
        self._turn = threading.Lock()
        self._watch = ProgressWatch(self._tell_progress)
        self._running: dict[Future[RunRecord], list[_Started]] = {}
        self._claimed: dict[str, RunSpec] = {}
        self._ended = 0
        self._began = time.monotonic()

    def run(self) -> Summary:
        try:
            with self._watch:
                self._do(deque(self._due()))
        except KeyboardInterrupt:
            self._engine.shutdown(cancel=True)
            stopped = list(self._claimed.values())
            self._ledger.release()
            raise Interrupted(self._summary(), stopped) from None
        except BaseException:
            self._engine.shutdown(cancel=True)
            raise
        self._engine.shutdown(cancel=False)
        return self._summary()

    def _due(self) -> list[Planned]:
        """What is missing, whole seed blocks first; a crash whose retry a dead coordinator did not book is due too."""
        self._ledger.sync(self._runs)
        for run in self._runs:
            self._crash_is_due(run)
        states = self._ledger.states()
        order = {seed: place for place, seed in enumerate(dict.fromkeys(run.seed for run in self._runs))}
        missing = [run for run in self._runs if states[run.run_id].status == "missing"]
        return sorted(missing, key=lambda run: order[run.seed])

    def _crash_is_due(self, run: Planned) -> bool:
        """Whether a run crashed and may be tried again; then it waits for that."""
        state = self._ledger.state(run.run_id)
        due = state.status == "failed" and state.kind == "crash" and state.crashes <= self._retries
        if due:
            self._ledger.retry(run, crashes=state.crashes)
        return due

    def _do(self, due: deque[Planned]) -> None:
        if (first := self._next(due)) is None:
            return  # the engine is asked for nothing before there is a run for it
        due.appendleft(first)
        while True:
            while len(self._running) < self._engine.capacity and (run := self._next(due)) is not None:
                self._start([run, *self._companions(run, due)])
            if not self._running:
                return
            done, _ = wait(self._running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                due.extendleft(reversed(self._end(future)))

    def _next(self, due: deque[Planned]) -> Planned | None:
        """The next run to do; what the source gives and has ended before is passed by."""
        while not due and self._source is not None and (run := self._source.more()) is not None:
            self._runs.append(run)
            self._given.add(run.run_id)
            self._ledger.sync([run])
            state = self._ledger.state(run.run_id)
            if state.status == "missing" or self._crash_is_due(run):
                return run
            record = self._ledger.record(run.run_id)
            assert record is not None, f"run {run.run_id} is {state.status} and has no record"
            self._source.ended(run, record)
        return due.popleft() if due else None

    def _companions(self, run: Planned, due: deque[Planned]) -> list[Planned]:
        """The runs that are due and trained together with one: of its cell, none of which crashed before."""
        if self._stack == 1 or self._crashed(run):
            return []
        cell = run.cell.cell_id
        found = [each for each in due if each.cell.cell_id == cell and not self._crashed(each)][: self._stack - 1]
        for each in found:
            due.remove(each)
        return found

    def _crashed(self, run: Planned) -> bool:
        return self._ledger.state(run.run_id).crashes > 0

    def _start(self, runs: Sequence[Planned]) -> None:
        started = []
        for run in runs:
            with self._clock.phase("ledger"):
                attempt = self._ledger.claim(run.run_id)
            spec = self._make_spec(run, attempt)
            self._claimed[run.run_id] = spec
            with storage_errors(spec.directory):
                Path(spec.directory).mkdir(parents=True, exist_ok=True)
            with self._turn:
                self._listener.on_start(spec)
            self._watch.add(spec)
            started.append(_Started(run, attempt, spec))
        alone = self._stack == 1 or self._crashed(runs[0])
        spec = started[0].spec if alone else stacks.together([each.spec for each in started])
        self._running[self._engine.submit(spec)] = started

    def _end(self, future: Future[RunRecord]) -> list[Planned]:
        """Book finished attempts; gives back the runs that are to be tried again."""
        first, *others = self._running.pop(future)
        outcome = _outcome(future, first.spec)
        ended = [(first, outcome), *((each, _left(each.spec, outcome)) for each in others)]
        return [started.run for started, record in ended if self._book(started, record)]

    def _book(self, started: _Started, record: RunRecord) -> bool:
        """Book a finished attempt; whether the run is to be tried again."""
        run, attempt, spec = started.run, started.attempt, started.spec
        self._watch.remove(spec)
        with self._clock.phase("ledger"):
            record = self._ledger.finish(attempt, record)
        del self._claimed[run.run_id]
        self._ended += 1
        again = record.kind == "crash" and attempt.crashes < self._retries
        if again:
            self._ledger.retry(run, crashes=attempt.crashes + 1)
        with self._turn:
            if again:
                self._listener.on_retry(spec, record.reason)
            else:
                self._listener.on_finish(spec, record)
        if self._source is not None and run.run_id in self._given and not again:
            self._source.ended(run, record)
        return again

    def _tell_progress(self, spec: RunSpec, progress: Mapping[str, Any]) -> None:
        with self._turn:
            if spec.run_id in self._claimed:
                self._listener.on_progress(spec, progress)

    def _summary(self) -> Summary:
        states = self._ledger.states()
        statuses = [states[run.run_id].status for run in self._runs]
        return Summary(
            planned=len(statuses),
            complete=statuses.count("complete"),
            failed=statuses.count("failed"),
            pruned=statuses.count("pruned"),
            missing=statuses.count("missing") + statuses.count("running"),
            attempts=self._ended,
            seconds=time.monotonic() - self._began,
        )


def _outcome(future: Future[RunRecord], spec: RunSpec) -> RunRecord:
    """What the engine says; an engine that cannot say is a crash of the run, one that takes no runs ends the study."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, StudyError):
        raise error
    reason = str(error) if type(error).__name__ == "WorkerDied" else one_line(error)
    return RunRecord(spec.run_id, spec.attempt, spec.token, "failed", reason=reason, kind="crash")


def _left(spec: RunSpec, first: RunRecord) -> RunRecord:
    """The record that a run of a stack left in its folder; without one it shared the fate of the first."""
    lost = replace(first, run_id=spec.run_id, attempt=spec.attempt, token=spec.token)
    crash = RunRecord(spec.run_id, spec.attempt, spec.token, "failed", reason="left no record", kind="crash")
    return recorded(spec) or (lost if first.status == "failed" and first.kind != "diverged" else crash)
