"""Which GPUs and cores this process may use, without loading torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import takewhile


def visible_gpus() -> list[str]:
    """The GPUs of this machine as `CUDA_VISIBLE_DEVICES` names them; empty where there are none."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        # CUDA itself stops at the first name that it does not know; -1 is the habitual one for "none".
        return list(takewhile(lambda name: name not in ("", "-1"), (each.strip() for each in given.split(","))))
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listed = subprocess.run(
            [tool, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def cores() -> int:
    """CPU cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
