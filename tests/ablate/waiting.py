"""Waiting for what other processes do, with generous deadlines."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def begun(directory: Path, run_id: str = "c0-0") -> int:
    """The worker's process id, once the run has begun."""
    log = directory / "runs" / run_id / "log.txt"
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(next(line for line in reversed(log.read_text().splitlines()) if ", process " in line).split()[-1])


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
