"""What SLURM's queue says of this user's jobs. `squeue` tells it without the accounting database that `sacct` needs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

_SECONDS = 60
_UNKNOWN = "UNKNOWN"
_OVER = (
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
    *("REVOKED", "TIMEOUT", _UNKNOWN),
)


def states() -> dict[str, str] | None:
    """Number of a job (`8`, in an array `8_1`) -> its state, of all jobs of this user; None if SLURM does not answer.

    A job that has ended is still listed for some minutes (`MinJobAge` of the site).
    """
    command = ["squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split("|", 1) for line in asked.stdout.split())


def ending(queue: Mapping[str, str], number: str) -> str:
    """The state in which a job has ended, UNKNOWN where the queue has forgotten it; empty while it goes on.

    Jobs of an array that were cancelled before they began have one line together, under the array's number.
    """
    state = queue.get(number) or queue.get(number.partition("_")[0], _UNKNOWN)
    return state if state in _OVER else ""
