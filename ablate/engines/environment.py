"""The variables that a worker needs before its process starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# On small machines the page faults of freshly mapped memory cost more than the arithmetic: keep what was freed.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(8 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def of_threads(threads: int | None) -> dict[str, str]:
    """What keeps the libraries to so many threads; nothing if the choice is theirs."""
    return dict.fromkeys(_THREADS, str(threads)) if threads else {}


def of_a_run(threads: int | None) -> dict[str, str]:
    """Threads, and a path on which all that this process imports is found."""
    path = os.pathsep.join(dict.fromkeys(entry or str(Path.cwd()) for entry in sys.path))
    return of_threads(threads) | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
