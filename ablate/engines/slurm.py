"""Runs as SLURM jobs through submitit: what is submitted together becomes one job array. Needs the extra `slurm`."""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.engines import slurm_queue
from ablate.engines.base import LOG, WorkerDied, log_size, log_tail, one_line, recorded
from ablate.engines.environment import ALLOCATOR, of_threads
from ablate.engines.settings import EngineSettings
from ablate.engines.slurm_job import attempt
from ablate.engines.slurm_session import Session, end_earlier
from ablate.errors import StudyError
from ablate.records import RunRecord, RunSpec

_GATHER_SECONDS = 0.3
_GRACE_SECONDS = 10.0
_LARGEST_ARRAY = 500  # SLURM's own limit is 1001 unless the site changed it
_LOOK_SECONDS = {"slurm": 2.0, "local": 0.1}
_ASK_SECONDS = {"slurm": 30.0, "local": 0.1}  # one `squeue` for all jobs, as seldom as schedulers like it


@dataclass(eq=False)
class _Job:
    """A run that was handed to the scheduler; `ended` is the state in which it was last seen ended."""

    spec: RunSpec
    future: Future[RunRecord]
    before: int
    handle: Any = None
    ended: str = field(default="")


class SlurmEngine:
    """Each run is one job of one array; its record comes back as a file in the study directory.

    The study directory must be visible to all nodes. What crosses is a pickle that submitit makes of a function of this
    package and three texts; nothing that a job wrote is ever unpickled. Jobs end when this process does: SLURM is told
    so, and each job watches a file that only a living engine renews.

    Args:
        function: dotted name of the trial function.
        folder: for submitit's files; in the study directory.
        settings: the `engine` section: cluster, partition, limits.
        workers: how many runs are handed to the queue at once.
    """

    def __init__(self, function: str, folder: Path, settings: EngineSettings, *, workers: int) -> None:
        self.capacity = workers
        self._function = function
        self._cluster = settings.slurm.cluster
        end_earlier(folder)
        self._session = Session(folder / f"engine-{secrets.token_hex(4)}")
        self._executor = _executor(self._session.folder, settings, workers)
        self._waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._jobs: set[_Job] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._stopped = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._hand_over, self._look)]
        for thread in self._threads:
            thread.start()

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        future: Future[RunRecord] = Future()
        future.set_running_or_notify_cancel()
        job = _Job(spec, future, log_size(spec))
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine was shut down")
            self._jobs.add(job)
            self._waiting.put(job)
        return future

    def shutdown(self, *, cancel: bool) -> None:
        with self._lock:
            self._closed = True
            if not cancel:
                self._idle.wait_for(lambda: not self._jobs)
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._session.end()
        with self._lock:
            left, self._jobs = self._jobs, set()
        for job in left:
            self._give_up(job, "was stopped")
        if self._cluster == "local":
            _wait_for(job.handle for job in left if job.handle is not None)

    def _hand_over(self) -> None:
        # Ctrl-C in a terminal goes to every process of its group, and the mask is inherited: neither sbatch nor
        # what submitit starts here may be torn by it. The coordinator hears it and stops them itself.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while not self._stopped.is_set():
            if batch := self._gathered():
                try:
                    self._submit_array(batch)
                except Exception as error:
                    refused = StudyError(f"engine: {self._cluster} takes no jobs ({one_line(error)})")
                    for job in batch:
                        self._settle(job, refused)

    def _gathered(self) -> list[_Job]:
        """What was submitted together: everything until nothing came for a moment."""
        batch: list[_Job] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < _LARGEST_ARRAY:
                batch.append(self._waiting.get(timeout=_GATHER_SECONDS))
        return batch

    def _submit_array(self, batch: list[_Job]) -> None:
        alive, path = str(self._session.alive), list(sys.path)
        with _outside_of_a_job(), self._executor.batch():
            handles = [self._executor.submit(attempt, self._function, job.spec.to_json(), alive, path) for job in batch]
        self._session.remember([str(handle.job_id) for handle in handles])
        with self._lock:
            for job, handle in zip(batch, handles, strict=True):
                job.handle = handle

    def _look(self) -> None:
        asked = time.monotonic()
        while not self._stopped.wait(_LOOK_SECONDS[self._cluster]):
            with self._lock:
                jobs = [job for job in self._jobs if job.handle is not None]
            endings: dict[_Job, str] | None = None
            if jobs and time.monotonic() - asked >= _ASK_SECONDS[self._cluster]:
                endings, asked = self._endings(jobs), time.monotonic()
            for job in jobs:
                if (record := recorded(job.spec)) is not None:
                    self._settle(job, record)
                elif endings is not None:
                    self._believe(job, endings[job])

    def _endings(self, jobs: Iterable[_Job]) -> dict[_Job, str] | None:
        """The states in which jobs have ended, empty of those that go on; None if the scheduler does not answer."""
        if self._cluster == "local":
            return {job: str(job.handle.state) if job.handle.done() else "" for job in jobs}
        queue = slurm_queue.states()
        return None if queue is None else {job: slurm_queue.ending(queue, job.handle.job_id) for job in jobs}

    def _believe(self, job: _Job, ending: str) -> None:
        """Believe the second look: shared file systems show a record late."""
        before, job.ended = job.ended, ending
        if before and ending:
            self._cancel(job)
            self._give_up(job, f"ended in state {ending} without a record")

    def _cancel(self, job: _Job) -> None:
        if self._cluster == "slurm":
            with contextlib.suppress(OSError):
                job.handle.cancel(check=False)

    def _give_up(self, job: _Job, reason: str) -> None:
        tail = log_tail(Path(job.spec.directory) / LOG, since=job.before)
        if not tail and job.handle is not None:
            tail = log_tail(job.handle.paths.stderr)  # it never began: what submitit or the node said
        self._settle(job, WorkerDied(reason, tail))

    def _settle(self, job: _Job, outcome: RunRecord | Exception) -> None:
        if isinstance(outcome, RunRecord):
            job.future.set_result(outcome)
        else:
            job.future.set_exception(outcome)
        with self._lock:
            self._jobs.discard(job)
            self._idle.notify_all()


@contextlib.contextmanager
def _outside_of_a_job() -> Iterator[None]:
    """Hide the variables of the job that this process may run in.

    sbatch hands all variables on to the jobs it submits, where srun and submitit would take these for the job's own.
    """
    inside = "SLURM_JOB_ID" in os.environ
    own = [name for name in os.environ if inside and name.startswith(("SLURM_", "SRUN_")) and name != "SLURM_CONF"]
    hidden = {name: os.environ.pop(name) for name in own}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _wait_for(handles: Iterable[Any]) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS
    for handle in handles:
        while not handle.done() and time.monotonic() < deadline:
            time.sleep(0.05)


def _executor(folder: Path, settings: EngineSettings, workers: int) -> Any:
    import submitit

    variables = ALLOCATOR | of_threads(settings.threads or 1)
    python = shlex.join(["env", *(f"{name}={value}" for name, value in variables.items()), sys.executable])
    cluster, slurm = settings.slurm.cluster, settings.slurm
    executor = submitit.AutoExecutor(
        folder, cluster=cluster, **{f"{cluster}_python": python, f"{cluster}_max_num_timeout": 0}
    )
    wishes = {
        "mem_gb": settings.memory_gb,
        "slurm_partition": slurm.partition,
        "slurm_account": slurm.account,
        "slurm_qos": slurm.qos,
        "slurm_constraint": slurm.constraint,
        "slurm_setup": slurm.setup or None,
        # A retry is an attempt of its own in the ledger, with a token of its own, so it is the coordinator's.
        "slurm_additional_parameters": {"no_requeue": True},
    }
    executor.update_parameters(
        name="ablate",
        timeout_min=slurm.minutes,
        nodes=1,
        tasks_per_node=1,
        cpus_per_task=settings.threads or 1,
        gpus_per_node=_whole_gpus(settings),
        slurm_array_parallelism=workers,
        **{name: value for name, value in wishes.items() if value is not None},
    )
    return executor


def _whole_gpus(settings: EngineSettings) -> int:
    """One for a run that may use one; with `accelerator: auto` only where the study asks for it."""
    if settings.gpus_per_run is not None:
        return int(settings.gpus_per_run)
    return int(settings.accelerator == "cuda")
