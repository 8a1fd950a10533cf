"""What every engine is: the shape of `concurrent.futures` around one trial function, addressed by its dotted name."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

from ablate.files import write_atomically
from ablate.records import RunRecord, RunSpec

TrialFunction = Callable[[RunSpec], RunRecord]
LOG = "log.txt"
RECORD = "record.json"


class Engine(Protocol):
    """Where runs execute. The folder `spec.directory` exists when a run is submitted."""

    @property
    def capacity(self) -> int:
        """How many runs are worked on at once; asked again before each run, so a cluster may grow."""

    def submit(self, spec: RunSpec) -> Future[RunRecord]:
        """Start a run. The future gives its record, whatever the trial function did, or raises WorkerDied."""

    def shutdown(self, *, cancel: bool) -> None:
        """End all workers: after the runs they work on, or with `cancel` at once. Returns when they are gone."""


class WorkerDied(RuntimeError):  # noqa: N818 - what happened to it, not an error of the caller
    """A worker ended in the middle of a run.

    Attributes:
        reason: how it ended (`killed by signal 9`).
        log_tail: the last lines it wrote.
    """

    def __init__(self, reason: str, log_tail: str) -> None:
        self.reason = reason
        self.log_tail = log_tail
        last = log_tail.strip().splitlines()[-1:]
        super().__init__(f"worker {reason}" + (f"; its last line: {last[0][:160]}" if last else ""))


def resolve(function: str) -> TrialFunction:
    """The trial function named `package.module:function`.

    Raises:
        ValueError: if the name has another form or the module has no such function.
        ImportError: if the module cannot be imported.
    """
    module, colon, name = function.partition(":")
    if not (module and colon and name):
        raise ValueError(f"trial function {function!r}: a name of the form package.module:function is needed")
    found: Any = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise ValueError(f"trial function {function!r}: {module} has no function {name!r}")
    return found


def execute(function: str, spec: RunSpec) -> RunRecord:
    """Run one attempt in this process and leave its record in `record.json`; every engine's inner step.

    What the trial function raises becomes a failed record: a lack of memory or of disk space, a worker that is told to
    go and a GPU that failed are crashes, worth a retry, anything else an error. Only an interruption by the person
    passes through.
    """
    try:
        record = resolve(function)(spec)
        if not isinstance(record, RunRecord) or (record.run_id, record.token) != (spec.run_id, spec.token):
            raise TypeError(f"{function} must return the RunRecord of run {spec.run_id}, not {record!r:.80}")
        text = record.to_json()
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error  # Lightning turns Ctrl-C into sys.exit
        record = _failed(spec, error)
        text = record.to_json()
    try:
        write_atomically(Path(spec.directory) / RECORD, text)
    except OSError as error:
        _log(spec, error)  # the ledger writes it again, or reports the disk
    return record


def recorded(spec: RunSpec) -> RunRecord | None:
    """The record that an attempt left in its folder; None if there is none, or one of another attempt.

    It is written as the last act of an attempt, so it is the truth even if the worker died before it could answer.
    """
    try:
        record = RunRecord.from_json((Path(spec.directory) / RECORD).read_text())
    except (OSError, ValueError, TypeError):
        return None
    return record if (record.run_id, record.attempt, record.token) == (spec.run_id, spec.attempt, spec.token) else None


def log_size(spec: RunSpec) -> int:
    """Bytes in the run's log: where the next attempt's lines begin."""
    try:
        return (Path(spec.directory) / LOG).stat().st_size
    except OSError:
        return 0


def log_tail(log: Path, lines: int = 20, *, since: int = 0) -> str:
    """The last lines of a log, of what was written behind byte `since`; nothing if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def one_line(error: BaseException) -> str:
    """Type and message of an exception, in one line of at most 300 characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")[:300]


def _failed(spec: RunSpec, error: BaseException) -> RunRecord:
    _log(spec, error)
    return RunRecord(
        run_id=spec.run_id,
        attempt=spec.attempt,
        token=spec.token,
        status="failed",
        reason=one_line(error),
        kind="crash" if _lacks_resources(error) or _lost_its_gpu(error) else "error",
    )


def _lacks_resources(error: BaseException) -> bool:
    if type(error).__name__ == "SIGTERMException":
        return True  # Lightning's word for a machine that takes the resources back: preemption, shutdown
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE)
    # torch raises RuntimeErrors for both kinds of memory; importing it to name them would cost seconds.
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in words))


def _lost_its_gpu(error: BaseException) -> bool:
    """Whether CUDA failed. It fails in everything that this process asks of it from then on; a fresh one may go on."""
    words = ("CUDA error", "CUDNN_STATUS", "Triton Error [CUDA]")
    return isinstance(error, RuntimeError) and any(each in str(error) for each in words)


def _log(spec: RunSpec, error: BaseException) -> None:
    """The stack goes to the run's log; where that cannot be written, one line goes to a person."""
    try:
        with (Path(spec.directory) / LOG).open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:
        print(f"run {spec.run_id}: {one_line(error)}; nor can its log be written", file=sys.stderr)
