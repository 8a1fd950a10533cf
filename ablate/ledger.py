"""The study in Optuna storage: what is missing, running, complete, failed, pruned. The truth that every view follows.

One Optuna study per study, one trial per attempt (layout: `attempts.py`), a waiting trial for each missing run. A
finished trial is immutable, so a retry is a new trial. The trial holds status, reason, metrics and provenance; curves,
layers and per-sample correctness stay in `runs/<run_id>/record.json`, whose digest is in the trial. Should the storage
be lost, emptied or restored from an old copy, the runs it no longer knows are booked again from those files.
"""

from __future__ import annotations

import math
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from ablate import attempts, generations
from ablate.attempts import OUTCOMES, Attempt, Planned, RunState
from ablate.claim import Claim
from ablate.errors import StudyError
from ablate.lock import LEASE_SECONDS, StudyLock, owner
from ablate.record_files import RecordFiles
from ablate.records import RunRecord
from ablate.search.trials import SampledTrials
from ablate.storage import open_storage, read_storage, storage_errors, where

MAIN = "main"
DIRECTIONS = {"maximize": StudyDirection.MAXIMIZE, "minimize": StudyDirection.MINIMIZE}


class StaleResultError(StudyError):
    """A result came under a token that is no longer current: of an attempt that was given up, or of another owner."""


class Ledger:
    """The runs of one study and branch. `open` to work on them, `read` to look at them.

    Attributes:
        adopted: runs whose record a dead coordinator had not booked, booked by `open`.
        restored: ended runs that the storage no longer knew, booked by `sync` from their record files.
        interrupted: runs that a dead coordinator left running, missing again since `open`.
    """

    def __init__(
        self,
        directory: Path,
        storage: BaseStorage,
        base: str,
        branch: str,
        lock: StudyLock | None,
        metrics: Sequence[str],
        url: str | None,
    ) -> None:
        self.directory = directory
        self.adopted = 0
        self.restored = 0
        self.interrupted = 0
        self._storage = storage
        self._base = base
        self._branch = branch
        self._lock = lock
        self._metrics = tuple(metrics)
        self._where = where(directory, url)
        self._files = RecordFiles(directory)
        self._claim: Claim | None = None
        self._study_id: int | None = None
        self._trials: dict[str, list[FrozenTrial]] = {}
        self.refresh()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        name: str,
        uid: str,
        objectives: Mapping[str, str],
        branch: str = MAIN,
        url: str | None = None,
        lease: float = LEASE_SECONDS,
        ready: Callable[[], None] = lambda: None,
    ) -> Self:
        """Own the study: take its lock, mend a torn journal, settle what a dead coordinator left running.

        Args:
            directory: the study directory; created if missing.
            name, uid: of the study; together they name the Optuna study.
            objectives: metric -> `maximize` or `minimize`; their values become the trial's.
            branch: keeps the runs of a changed study apart.
            url: a database instead of the journal file (see `database.parse`).
            lease: see `StudyLock`.
            ready: called when the lock is held and the storage answers, before anything is written to it.

        Raises:
            StudyLockedError: if a live coordinator owns the study.
            StorageError: if the storage is unreachable, unwritable or damaged.
            StudyError: if the journal belongs to another study.
        """
        with storage_errors(str(directory)):
            lock = StudyLock(directory, lease=lease).acquire()
        claim: Claim | None = None
        try:
            storage = open_storage(directory, url)
            ready()
            base = f"{name}-{uid}"
            with storage_errors(where(directory, url)):
                if url is None:
                    _check_owner(storage, directory, base)
                else:
                    claim = Claim(storage, base)
                if generations.newest(storage, base) is None:
                    directions = [DIRECTIONS[each] for each in objectives.values()]
                    generations.create(storage, base, directions, {"name": name, "uid": uid})
                generations.tidy(storage, base)
                ledger = cls(directory, storage, base, branch, lock, tuple(objectives), url)
                ledger.release()
            ledger._claim = claim
            return ledger
        except BaseException:
            if claim is not None:
                claim.release()
            lock.release()
            raise

    @classmethod
    def read(cls, directory: Path, *, name: str, uid: str, branch: str = MAIN, url: str | None = None) -> Self:
        """Look at the study without its lock; nothing is written. A study that never ran is empty.

        Raises:
            StorageError: if the storage is unreachable or damaged.
        """
        storage = read_storage(directory, url)
        with storage_errors(where(directory, url)):
            return cls(directory, storage, f"{name}-{uid}", branch, None, (), url)

    def close(self) -> None:
        """Release the lock, if this ledger has it."""
        if self._claim is not None:
            self._claim.release()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> None:
        """See what others wrote since; only a reader needs it."""
        with storage_errors(self._where):
            self._study_id = generations.newest(self._storage, self._base)
            found = defaultdict(list)
            if self._study_id is not None:
                for trial in self._storage.get_all_trials(self._study_id, deepcopy=False):
                    if trial.user_attrs.get("branch") == self._branch:
                        found[trial.user_attrs["run_id"]].append(trial)
            self._trials = dict(found)

    def run_ids(self) -> Iterable[str]:
        """Every run that was ever planned in this branch; without the cost of reading its records."""
        return self._trials.keys()

    def states(self) -> Mapping[str, RunState]:
        """Run id -> state, for every run that was ever planned in this branch."""
        alive = self._attended()
        return {run_id: attempts.state_of(trials, alive=alive) for run_id, trials in self._trials.items()}

    def state(self, run_id: str) -> RunState:
        """The state of one run that was planned."""
        return attempts.state_of(self._trials[run_id], alive=self._attended())

    def record(self, run_id: str) -> RunRecord | None:
        """The record of a run that has ended, None for another.

        Without its bulky parts if `record.json` is gone or is not the file that was booked: metrics are never lost.
        """
        trials = self._trials.get(run_id)
        if not trials or (summary := self.state(run_id).summary) is None:
            return None
        booked = trials[-1].user_attrs.get("digest")
        text = self._files.text(run_id)
        return RunRecord.from_json(text) if text is not None and attempts.digest(text) == booked else summary

    def block(self, seed: int) -> list[RunRecord]:
        """The records of a seed block's runs that are complete or pruned, in the order they ended."""
        ended = [state for state in self.states().values() if state.seed == seed and state.ended is not None]
        ended = [state for state in ended if state.status in ("complete", "pruned")]
        ordered = sorted(ended, key=lambda state: (str(state.ended), state.run_id))
        return [record for state in ordered if (record := self.record(state.run_id)) is not None]

    def sampled(self, label: str) -> SampledTrials:
        """The trials of a search, or of one cell's tuning, which are an Optuna study of their own in this storage."""
        branch = "" if self._branch == MAIN else f" @{self._branch}"
        return SampledTrials(self._storage, f"{self._base} {label}{branch}", self._writing)

    def sync(self, runs: Iterable[Planned]) -> int:
        """Make sure that every planned run has an attempt; gives the number of runs added. Idempotent."""
        planned = {run.run_id: run for run in runs}
        new = [run for run_id, run in planned.items() if run_id not in self._trials]
        with self._writing():
            self._add([(run, self._first_attempt(run.run_id), 0) for run in new])
            for run_id in planned:
                self._restore(self._trials[run_id][-1])
        return len(new)

    def retry(self, run: Planned, *, crashes: int = 0) -> None:
        """Give a run that failed a further attempt.

        Args:
            run: the run.
            crashes: crashed attempts in a row before it; 0 when a person asked for it.

        Raises:
            ValueError: if the run has not failed.
        """
        if self.state(run.run_id).status != "failed":
            raise ValueError(f"run {run.run_id} has not failed, it is {self.state(run.run_id).status}")
        with self._writing():
            self._add([(run, self._trials[run.run_id][-1].user_attrs["attempt"] + 1, crashes)])

    def retry_failed(self, runs: Iterable[Planned]) -> int:
        """Give every failed run among `runs` a further attempt; gives their number."""
        failed = [run for run in runs if run.run_id in self._trials and self.state(run.run_id).status == "failed"]
        for run in failed:
            self.retry(run)
        return len(failed)

    def claim(self, run_id: str) -> Attempt:
        """Begin the waiting attempt at a run, under a new token.

        Raises:
            ValueError: if the run does not wait.
            LockLostError: if another coordinator owns the study now.
        """
        trial = self._trials[run_id][-1]
        if trial.state is not TrialState.WAITING:
            raise ValueError(f"run {run_id} does not wait, it is {self.state(run_id).status}")
        token = secrets.token_hex(8)
        with self._writing():
            # The token goes first: from the moment it runs, only its own result is accepted.
            self._storage.set_trial_user_attr(trial._trial_id, "token", token)
            if not self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                raise StaleResultError(f"run {run_id} was begun by another process")
            return attempts.claimed(self._reload(trial), token)

    def finish(self, attempt: Attempt, record: RunRecord) -> RunRecord:
        """Book what became of an attempt; gives the record as booked.

        A complete record without a finite objective is booked as failed.

        Raises:
            StaleResultError: if the attempt was given up since, or the record is of another one; nothing is changed.
            LockLostError: if another coordinator owns the study now.
            StorageError: if it cannot be written; the attempt then still runs, and `open` adopts its record later.
        """
        with self._writing():
            trial = self._storage.get_trial(self._trials[attempt.run_id][-1]._trial_id)
            current = trial.user_attrs.get("token") if trial.state is TrialState.RUNNING else None
            if trial.number != attempt.trial or not (current == attempt.token == record.token):
                raise StaleResultError(f"run {attempt.run_id}: a late result of attempt {record.attempt} is refused")
            return self._book(trial, self._judged(record))

    def release(self) -> None:
        """Give up what runs: missing again, or booked if its record is already written. All workers have ended."""
        self.refresh()
        with self._writing():
            for trials in list(self._trials.values()):
                if trials[-1].state is TrialState.RUNNING:
                    self._settle(trials[-1])

    def _attended(self) -> bool:
        return self._lock is not None or owner(self.directory) is not None

    def _add(self, wanted: Sequence[tuple[Planned, int, int]]) -> None:
        """One waiting trial for each (run, attempt, crashes)."""
        assert self._study_id is not None
        present = [trial for trials in self._trials.values() for trial in trials]
        choices, outgrown = generations.distributions(present, [run.cell.levels for run, _, _ in wanted])
        if outgrown:
            generations.grow(self._storage, self._base, self._study_id, choices)
            self.refresh()
        for run, attempt, crashes in wanted:
            waiting = create_trial(
                state=TrialState.WAITING,
                params=dict(run.cell.levels),
                distributions={axis: choices[axis] for axis in run.cell.levels},
                user_attrs=attempts.attributes(run, branch=self._branch, attempt=attempt, crashes=crashes),
            )
            trial_id = self._storage.create_new_trial(self._study_id, template_trial=waiting)
            self._trials.setdefault(run.run_id, []).append(self._storage.get_trial(trial_id))

    def _book(self, trial: FrozenTrial, record: RunRecord) -> RunRecord:
        text = record.to_json()
        self._files.keep(record.run_id, text)
        self._storage.set_trial_user_attr(trial._trial_id, "record", attempts.encoded(record))
        self._storage.set_trial_user_attr(trial._trial_id, "digest", attempts.digest(text))
        if record.reason:
            self._storage.set_trial_user_attr(trial._trial_id, "reason", record.reason)
        values = [float(record.metrics[name] or 0.0) for name in self._metrics] if record.status == "complete" else None
        self._storage.set_trial_state_values(trial._trial_id, OUTCOMES[record.status], values)
        self._reload(trial)
        return record

    def _judged(self, record: RunRecord) -> RunRecord:
        if record.status != "complete":
            return record
        for name in self._metrics:
            value = record.metrics.get(name)
            if value is None or not math.isfinite(value):
                known = ", ".join(sorted(record.metrics)) or "none"
                reason = f"objective.metric: {name} is {value}; metrics of this run: {known}"
                return replace(record, status="failed", reason=reason, kind="error")
        return record

    def _settle(self, trial: FrozenTrial) -> None:
        """Adopt the record that a running attempt left on disk, else make it wait again."""
        record = self._files.record(trial.user_attrs["run_id"])
        if record is not None and record.token == trial.user_attrs["token"]:
            self._book(trial, self._judged(record))
            self.adopted += 1
            return
        self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        self._reload(trial)
        self.interrupted += 1

    def _first_attempt(self, run_id: str) -> int:
        found = self._files.record(run_id)
        return found.attempt if found is not None else 0

    def _restore(self, trial: FrozenTrial) -> None:
        """Book the record of an attempt that was never begun: the storage that knew its token is lost."""
        attrs = trial.user_attrs
        if trial.state is not TrialState.WAITING or "token" in attrs:
            return
        record = self._files.settled(attrs["run_id"])
        if record is None or record.attempt != attrs["attempt"]:
            return
        self._storage.set_trial_user_attr(trial._trial_id, "token", record.token)
        self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        self._book(trial, self._judged(record))
        self.restored += 1

    def _reload(self, trial: FrozenTrial) -> FrozenTrial:
        fresh = self._storage.get_trial(trial._trial_id)
        own = self._trials[fresh.user_attrs["run_id"]]
        own[[each._trial_id for each in own].index(fresh._trial_id)] = fresh
        return fresh

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Around every change: by the owner only, and with one line for a storage that fails."""
        if self._lock is None:
            raise StudyError(f"{self.directory}: was opened for reading")
        with storage_errors(self._where):
            self._lock.check()
            yield


def _check_owner(storage: BaseStorage, directory: Path, base: str) -> None:
    names = [study.study_name for study in storage.get_all_studies()]
    if names and not any(name.startswith(base) for name in names):
        raise StudyError(f"{directory}: its journal is of the study {names[0]!r}, not of {base!r}; use another --dir")
