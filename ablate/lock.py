"""One coordinator per study: a lock that a dead owner on this host loses at once, and one elsewhere with its lease.

The lock is the file `lock.<n>` with the highest n in the study directory. It is created complete, by a hard link, so of
two who want to succeed the same owner exactly one can. A released lock is an empty file: its number is never used
again, and a slow rival that still believes in an older number finds itself below the current one. The owner renews its
lease by touching the file through its open handle, which cannot touch a successor's file.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from ablate.errors import StudyError

LEASE_SECONDS = 120.0
_PREFIX = "lock."


class StudyLockedError(StudyError):
    """Another coordinator owns the study; nothing was written."""

    exit_code = 2


class LockLostError(StudyError):
    """Another coordinator took the study over, because this one seemed dead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a study.

    Attributes:
        host: name of its machine.
        pid: its process id there.
        process: what tells it from a later process of the same id: boot of the machine and start of the process.
        lease: seconds after which another host may take over if the lock was not renewed.
        since: when it took the study, in seconds of its wall clock.
    """

    host: str
    pid: int
    process: str
    lease: float
    since: float = 0.0


def owner(directory: Path, *, host: str | None = None) -> Owner | None:
    """Who works on the study now; None if nobody does. Writes nothing."""
    current = _newest(directory)
    here = host or socket.gethostname()
    return current.owner if current.owner and _alive(current.owner, time.time() - current.renewed, here) else None


class StudyLock:
    """Held from `acquire` to `release`; renewed by a thread in between.

    Args:
        directory: the study directory; created if missing.
        lease: seconds after which a host that stopped renewing loses the study to another host.
        host: this machine's name.
    """

    def __init__(self, directory: Path, *, lease: float = LEASE_SECONDS, host: str | None = None) -> None:
        self._directory = directory
        self._me = Owner(
            host or socket.gethostname(), os.getpid(), process_identity(os.getpid()) or "", lease, time.time()
        )
        self._number = 0
        self._handle = -1
        self._released = threading.Event()

    def acquire(self) -> Self:
        """Take the lock, from nobody or from a dead owner.

        Raises:
            StudyLockedError: if a live coordinator holds it; the message names host and process.
            OSError: if the directory is not writable.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        candidate = self._directory / f".lock-{secrets.token_hex(8)}"
        try:
            candidate.write_text(json.dumps(asdict(self._me)))
            self._handle = os.open(candidate, os.O_RDWR)
            while not self._succeed(candidate):
                pass
        except BaseException:
            self._close()
            raise
        finally:
            candidate.unlink(missing_ok=True)
        self._released.clear()
        threading.Thread(target=self._renew, name="study-lock", daemon=True).start()
        return self

    def check(self) -> None:
        """Raises LockLostError if another coordinator has taken over."""
        number, present, _ = _newest(self._directory)
        if self._handle < 0 or number != self._number:
            by = f" by process {present.pid} on {present.host}" if present else ""
            raise LockLostError(f"{self._directory}: taken over{by}; nothing more is booked from here")

    def release(self) -> None:
        """Give the lock back; harmless when it was lost or never taken."""
        self._released.set()
        if self._handle >= 0:
            os.ftruncate(self._handle, 0)
        self._close()

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _succeed(self, candidate: Path) -> bool:
        """Try to become the owner after the newest one; False if others moved meanwhile."""
        number, present, renewed = _newest(self._directory)
        os.utime(candidate)  # both times then come from the same clock, the file server's
        if present is not None and _alive(present, candidate.stat().st_mtime - renewed, self._me.host):
            raise StudyLockedError(_refusal(self._directory, present, self._me.host))
        mine = self._directory / f"{_PREFIX}{number + 1}"
        try:
            os.link(candidate, mine)
        except FileExistsError:
            return False
        if max(_numbers(self._directory)) > number + 1:
            mine.unlink()
            return False
        self._number = number + 1
        for older in _numbers(self._directory):
            if older <= number:
                (self._directory / f"{_PREFIX}{older}").unlink(missing_ok=True)
        return True

    def _renew(self) -> None:
        while not self._released.wait(self._me.lease / 6):
            try:
                os.utime(self._handle)
            except OSError:
                return  # the lease runs out; `check` finds out if somebody used that

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def process_identity(pid: int) -> str | None:
    """What no other process ever has: boot of the machine and start of the process; None if it is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        boot, stat = Path("/proc/sys/kernel/random/boot_id"), Path(f"/proc/{pid}/stat")
        if boot.exists() and stat.exists():
            # Clock ticks since boot: unlike a wall-clock start they do not move when the clock is set.
            return f"{boot.read_text().strip()}:{stat.read_text().rpartition(')')[2].split()[19]}"
        return f"{process.create_time():.0f}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _alive(present: Owner, age: float, host: str) -> bool:
    if present.host == host:
        return process_identity(present.pid) == present.process
    return age <= present.lease


class _Lock(NamedTuple):
    """The current lock: number 0 if there never was one, no owner when released."""

    number: int
    owner: Owner | None
    renewed: float


def _numbers(directory: Path) -> list[int]:
    names = (path.name.removeprefix(_PREFIX) for path in directory.glob(f"{_PREFIX}*"))
    return [int(name) for name in names if name.isdecimal()]


def _newest(directory: Path) -> _Lock:
    while True:
        number = max(_numbers(directory), default=0)
        if not number:
            return _Lock(0, None, 0.0)
        path = directory / f"{_PREFIX}{number}"
        try:
            return _Lock(number, _parsed(path.read_bytes()), path.stat().st_mtime)
        except FileNotFoundError:
            continue  # somebody succeeded it between the two looks


def _parsed(content: bytes) -> Owner | None:
    if not content:
        return None
    try:
        return Owner(**json.loads(content))
    except (ValueError, TypeError):
        return Owner("an unreadable lock", 0, "", LEASE_SECONDS)


def _refusal(directory: Path, present: Owner, host: str) -> str:
    where = f"process {present.pid} on {present.host}"
    if present.host == host:
        return f"{directory}: {where} is working on this study; wait for it or stop it"
    return f"{directory}: {where} is working on this study; if it is dead, its lease ends after {present.lease:.0f} s"
