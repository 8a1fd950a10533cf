"""Runs in local worker processes that import once and serve many runs (default engine)."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from ablate.engines.base import LOG, WorkerDied, log_size, log_tail, recorded
from ablate.engines.environment import ALLOCATOR, of_a_run
from ablate.records import RunRecord, RunSpec

_LOOK_SECONDS = 0.25
_GRACE_SECONDS = 2.0

Job = tuple[RunSpec, "Future[RunRecord]"]


class ProcessEngine:
    """A fixed number of warm workers; one that dies fails its run with WorkerDied and is replaced.

    Args:
        function: dotted name of the trial function.
        workers: how many runs at once.
        threads: threads of each worker; by default one where several workers run, else the libraries' choice.
        gpus: names of GPUs that the workers take in turn; several may share one. None are hidden if it is empty.
        environment: further variables of the workers; they win over everything else.
    """

    def __init__(
        self,
        function: str,
        *,
        workers: int = 1,
        threads: int | None = None,
        gpus: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.capacity = workers
        self._function = function
        self._environment = _ours(threads or (1 if workers > 1 else None)) | dict(environment or {})
        self._gpus = tuple(gpus)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = self._cancelled = False
        self._workers: set[_Worker] = set()
        # Each worker belongs to one thread for life: on Linux it ends with the thread that started it.
        self._keepers = [
            threading.Thread(target=self._keep, args=(n,), name=f"keeper-{n}", daemon=True) for n in range(workers)
        ]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        future: Future[RunRecord] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine was shut down")
            self._jobs.put((spec, future))
        return future

    def shutdown(self, *, cancel: bool) -> None:
        with self._lock:
            self._closed = True
            if cancel:
                self._cancelled = True
                self._drop_jobs()
                for worker in self._workers:
                    worker.kill()
            for _ in self._keepers:
                self._jobs.put(None)
        for keeper in self._keepers:
            keeper.join()

    def _drop_jobs(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job[1].cancel()

    def _keep(self, number: int) -> None:
        device = {"CUDA_VISIBLE_DEVICES": self._gpus[number % len(self._gpus)]} if self._gpus else {}
        worker = self._started(device)
        while (job := self._jobs.get()) is not None:
            spec, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker = self._living(worker, device)
                try:
                    record = worker.run(spec)
                except _NeverBeganError:
                    worker = self._living(worker, device)  # it died idle, with the spec in its pipe
                    record = worker.run(spec)
                future.set_result(record)
            except Exception as error:
                future.set_exception(error)
        self._forget(worker)

    def _living(self, worker: _Worker | None, device: Mapping[str, str]) -> _Worker:
        if worker is not None and worker.alive:
            return worker
        self._forget(worker)
        fresh = self._started(device)
        if fresh is None:
            raise WorkerDied("was not started: the engine is shut down or the system has no room", "")
        return fresh

    def _started(self, device: Mapping[str, str]) -> _Worker | None:
        """A fresh worker, None after all were cancelled or when the system has no room for a process."""
        with self._lock:
            if self._cancelled:
                return None
            try:
                worker = _Worker(self._function, {**self._environment, **device})
            except OSError:
                return None
            self._workers.add(worker)
            return worker

    def _forget(self, worker: _Worker | None) -> None:
        if worker is not None:
            worker.stop()
            with self._lock:
                self._workers.discard(worker)


class _NeverBeganError(WorkerDied):
    """The worker ended before it began the run."""


class _Worker:
    """One worker process and the two pipes to it."""

    def __init__(self, function: str, environment: Mapping[str, str]) -> None:
        self._results, write_end = os.pipe()
        self._startup = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        command = [sys.executable, "-P", "-m", "ablate.engines.worker", function, str(write_end), str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=self._startup,
                stderr=self._startup,
                pass_fds=[write_end],
                env=environment,
                start_new_session=True,
            )
        except OSError:
            os.close(self._results)
            raise
        finally:
            os.close(write_end)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def run(self, spec: RunSpec) -> RunRecord:
        """Have one run done.

        Raises:
            WorkerDied: if the process ends first.
        """
        assert self._process.stdin is not None
        before = log_size(spec)
        try:
            self._process.stdin.write(spec.to_json().encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._death(spec, before) from None
        answer = self._answer()
        if answer is None:
            death = self._death(spec, before)
            if (left := recorded(spec)) is not None:
                return left
            raise death
        record = RunRecord.from_json(answer.decode())
        if record.kind == "crash":
            self.stop()
        return record

    def kill(self) -> None:
        """End it and its children at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Let it end by itself, for a moment; then end it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        self.kill()
        self._process.wait()
        if self._results >= 0:
            os.close(self._results)
            self._results = -1
            self._startup.close()

    def _answer(self) -> bytes | None:
        """One line from the result pipe; None if the process ended before its end."""
        poller = select.poll()
        poller.register(self._results, select.POLLIN)
        line = bytearray()
        while not line.endswith(b"\n"):
            # A child that the worker forked may hold the pipe open, so its end alone is not to be waited for.
            ended = not self.alive
            if poller.poll(0 if ended else _LOOK_SECONDS * 1000):
                chunk = os.read(self._results, 1 << 16)
                if not chunk:
                    return None
                line += chunk
            elif ended:
                return None
        return bytes(line)

    def _death(self, spec: RunSpec, before: int) -> WorkerDied:
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        self._process.wait()
        written = log_tail(Path(spec.directory) / LOG, since=before)
        reason = _ending(code)
        return WorkerDied(reason, written) if written else _NeverBeganError(reason, self._startup_tail())

    def _startup_tail(self) -> str:
        self._startup.seek(0)
        return "\n".join(self._startup.read().decode(errors="replace").splitlines()[-20:])


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its result pipe"
    return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _ours(threads: int | None) -> dict[str, str]:
    """The variables of a worker: ours, where they say nothing of it the allocator's, and those that a run needs."""
    return ALLOCATOR | dict(os.environ) | of_a_run(threads)
