"""Runs as Ray tasks: shares of GPUs, several machines, Kubernetes. Needs the extra `ray`."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from ablate.engines.base import LOG, WorkerDied, log_size, log_tail, one_line, recorded
from ablate.engines.environment import ALLOCATOR, of_threads
from ablate.engines.inside import end_now, find_also, serve
from ablate.errors import StudyError
from ablate.records import RunRecord, RunSpec

_GRACE_SECONDS = 10.0
_CONNECT_SECONDS = 10.0

# Read by Ray when it is imported or started; what the user has set wins.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's own processes notice that a killed coordinator took the node along; every 15 s is their habit.
    "RAY_DASHBOARD_AGENT_CHECK_PARENT_INTERVAL_S": "1",
    "RAY_RUNTIME_ENV_AGENT_CHECK_PARENT_INTERVAL_S": "1",
}
# One machine alone: every port of Ray on loopback. The name is historical, the setting is heeded on Linux too.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


class RayEngine:
    """Each run is one task; Ray finds the machine and the share of a GPU, and reuses worker processes.

    The study directory must be visible to all machines, and `ablate` installed on them. A Ray that this process is
    connected to already is used, and stays.

    Args:
        function: dotted name of the trial function.
        address: of a cluster (`auto`, `host:port`); None starts Ray on this machine, for this process alone.
        workers: how many runs at once; None for as many as fit the cluster, also while it grows.
        threads: CPUs that a run reserves.
        gpus: share of a GPU that a run reserves.
        memory_gb: memory that a run reserves.

    Raises:
        StudyError: if there is no cluster at the address.
    """

    def __init__(
        self,
        function: str,
        *,
        address: str | None = None,
        workers: int | None = None,
        threads: int = 1,
        gpus: float = 0.0,
        memory_gb: float | None = None,
    ) -> None:
        self._ray = _imported(alone=address is None)
        self._owner = not self._ray.is_initialized()
        if self._owner:
            _connect(self._ray, address)
        self._function = function
        self._workers = workers
        self._needs = {"CPU": float(threads), "GPU": gpus, "memory": (memory_gb or 0.0) * 1e9}
        self._task = self._ray.remote(_attempt).options(
            num_cpus=threads,
            num_gpus=gpus,
            memory=int(self._needs["memory"]) or None,
            # Retries are the coordinator's: each is an attempt of its own in the ledger, with a token of its own.
            max_retries=0,
            runtime_env={"env_vars": ALLOCATOR | of_threads(threads)},
        )
        self._lock = threading.Lock()
        self._closed = False
        self._under_way: dict[Future[RunRecord], Any] = {}

    @property
    def capacity(self) -> int:
        """Runs at once, at least one: on a cluster that is still growing, Ray lets a run wait for its place."""
        if self._workers is not None:
            return self._workers
        there = self._ray.cluster_resources()
        return max(1, min(int(there.get(name, 0) / need + 1e-9) for name, need in self._needs.items() if need))

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        future: Future[RunRecord] = Future()
        future.set_running_or_notify_cancel()
        before = log_size(spec)
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine was shut down")
            reference = self._task.remote(self._function, spec.to_json(), list(sys.path))
            self._under_way[future] = reference
        reference.future().add_done_callback(self._settler(spec, before, future))
        return future

    def shutdown(self, *, cancel: bool) -> None:
        with self._lock:
            self._closed = True
            under_way = dict(self._under_way)
        if cancel:
            for reference in under_way.values():
                with contextlib.suppress(Exception):
                    self._ray.cancel(reference, force=True)
        wait(under_way, timeout=_GRACE_SECONDS if cancel else None)
        if self._owner:
            self._owner = False
            self._ray.shutdown()

    def _settler(self, spec: RunSpec, before: int, future: Future[RunRecord]) -> Callable[[Future[str]], None]:
        def settle(done: Future[str]) -> None:
            try:
                future.set_result(RunRecord.from_json(done.result()))
            except BaseException as error:  # Ray's errors of cancelled tasks are no Exceptions everywhere
                if (left := recorded(spec)) is not None:
                    future.set_result(left)
                else:
                    tail = log_tail(Path(spec.directory) / LOG, since=before)
                    future.set_exception(WorkerDied(_ending(error), tail))
            finally:
                with self._lock:
                    self._under_way.pop(future, None)

        return settle


def _attempt(function: str, text: str, path: list[str]) -> str:
    """The task: strings in, strings out, so that nothing of ours depends on Ray's serialisation."""
    find_also(path)
    record = serve(function, RunSpec.from_json(text))
    if record.kind == "crash":
        end_now()  # what is left of this process may be what crashed it; the record lies in the run's folder
    return record.to_json()


def _imported(*, alone: bool) -> Any:
    for name, value in (_SETTINGS | (_LOOPBACK if alone else {})).items():
        os.environ.setdefault(name, value)
    import ray

    return ray


def _connect(ray: Any, address: str | None) -> None:
    try:
        _reach(address or "local")
        ray.init(
            address=address or "local",  # without an address Ray would join what else runs on this machine
            include_dashboard=None if address else False,
            log_to_driver=False,
            configure_logging=True,
            logging_level="ERROR",
        )
    except (OSError, RuntimeError, ValueError) as error:
        where = f"engine.address: no Ray cluster at {address!r}" if address else "Ray does not start on this machine"
        raise StudyError(f"{where} ({one_line(error)})") from error


def _reach(address: str) -> None:
    """Raises OSError if nobody listens at `host:port`; Ray itself would wait ten minutes there, and not say so."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():  # else it is `auto`, or for Ray to judge
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()


def _ending(error: BaseException) -> str:
    """How a task ended that gave no record, in the words of the other engines."""
    known = {
        "WorkerCrashedError": "died in the middle of the run",
        "TaskCancelledError": "was stopped",
        "OutOfMemoryError": "was killed by Ray: the machine ran out of memory",
        "NodeDiedError": "died with its machine",
    }
    return known.get(type(error).__name__, f"lost: {one_line(error)}")
