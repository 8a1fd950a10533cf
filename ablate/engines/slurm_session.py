"""What an engine and the jobs it submitted know of each other: a file that is renewed while the engine lives."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from ablate.files import write_atomically
from ablate.lock import LEASE_SECONDS, process_identity

_ALIVE = "alive.json"
_JOBS = "jobs.txt"


class Session:
    """One engine's life on a cluster.

    Args:
        folder: its own; created, for this user alone.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self.alive = folder / _ALIVE
        me = {"host": socket.gethostname(), "pid": os.getpid(), "process": process_identity(os.getpid())}
        write_atomically(self.alive, json.dumps(me))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="slurm session", daemon=True)
        self._thread.start()

    def remember(self, jobs: list[str]) -> None:
        """Note jobs that were submitted, for whoever has to cancel them."""
        with (self.folder / _JOBS).open("a") as file:
            file.writelines(f"{job}\n" for job in jobs)

    def end(self) -> None:
        """Tell all jobs to end, those that wait in the queue too."""
        self._ended.set()
        self._thread.join()
        _end(self.folder)

    def _renew(self) -> None:
        while not self._ended.wait(LEASE_SECONDS / 6):
            with contextlib.suppress(OSError):
                os.utime(self.alive)


def end_earlier(folder: Path) -> None:
    """End what a coordinator left behind that was killed. The lock of the study says that none lives."""
    for alive in folder.glob(f"engine-*/{_ALIVE}"):
        _end(alive.parent)


class Watch:
    """Seen from a job: whether the engine that submitted it still lives.

    On the engine's own host its process tells, elsewhere a file that is no longer renewed; clocks are not compared.

    Args:
        alive: the session's file.
        lease: seconds without renewal after which the engine counts as dead.
    """

    def __init__(self, alive: Path, *, lease: float = LEASE_SECONDS) -> None:
        self._alive = alive
        self._lease = lease
        self._renewed, self._seen = 0, time.monotonic()

    def engine_lives(self) -> bool:
        """Whether it is worth going on."""
        try:
            renewed = self._alive.stat().st_mtime_ns
            owner = json.loads(self._alive.read_text())
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return time.monotonic() - self._seen < self._lease  # the file system is away for a moment
        if owner["host"] == socket.gethostname():
            return process_identity(owner["pid"]) == owner["process"]
        if renewed != self._renewed:
            self._renewed, self._seen = renewed, time.monotonic()
        return time.monotonic() - self._seen < self._lease


def _end(folder: Path) -> None:
    (folder / _ALIVE).unlink(missing_ok=True)
    jobs = folder / _JOBS
    scancel = shutil.which("scancel")
    if scancel is None or not jobs.exists():
        return
    # An array is cancelled by its own number; jobs that have ended are no error to SLURM.
    numbers = sorted({line.split("_")[0] for line in jobs.read_text().split()})
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run([scancel, "--quiet", *numbers], check=False, timeout=60, stdin=subprocess.DEVNULL)
