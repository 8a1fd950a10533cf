"""What happens inside a worker's process around one attempt, whichever engine started it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from ablate.engines.base import LOG, RECORD, execute
from ablate.files import write_atomically
from ablate.records import RunRecord, RunSpec

_LOOK_SECONDS = 0.25


def serve(function: str, spec: RunSpec) -> RunRecord:
    """Do one attempt, its output in the run's log, its memory within `spec.execution["memory_gb"]`."""
    with _output_to(Path(spec.directory) / LOG, spec.attempt), _memory_limit(spec):
        return execute(function, spec)


def find_also(path: Sequence[str]) -> None:
    """Find modules where the coordinator does too, behind what this process finds by itself."""
    sys.path.extend(entry for entry in path if entry not in sys.path)


def end_now() -> None:
    """End this process and the children it has, whatever they are doing."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def _output_to(log: Path, attempt: int) -> Iterator[None]:
    saved = os.dup(1), os.dup(2)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"--- attempt {attempt}, process {os.getpid()}\n")
        file.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, previous in enumerate(saved, start=1):
            os.dup2(previous, descriptor)
            os.close(previous)


@contextlib.contextmanager
def _memory_limit(spec: RunSpec) -> Iterator[None]:
    """Watch the memory in use: limits on address space are no use beside CUDA, which reserves far more than it takes.

    A run that exceeds its limit leaves a record that says so, and its process ends.
    """
    limit = spec.execution.get("memory_gb")
    if limit is None:
        yield
        return
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(spec, float(limit), over), name="memory limit", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(spec: RunSpec, limit: float, over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        used = _memory_in_use() / 1e9
        if used > limit:
            reason = f"out of memory: {used:.2f} GB in use, engine.memory_gb allows {limit:g}"
            record = RunRecord(spec.run_id, spec.attempt, spec.token, "failed", reason=reason, kind="crash")
            os.write(2, f"{reason}\n".encode())
            with contextlib.suppress(OSError):
                write_atomically(Path(spec.directory) / RECORD, record.to_json())
            end_now()


def _memory_in_use() -> int:
    """Bytes of this process and its children, without what a forked child shares with it."""
    own = psutil.Process()
    used = int(own.memory_info().rss)
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            used += int(child.memory_full_info().uss)
    return used
