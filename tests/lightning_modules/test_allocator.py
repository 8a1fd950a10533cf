"""Large tensors live on the heap of the process once the network module is imported, and what is set outside stays."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_PAGES = 16_000_000 // 4096  # of one copy
_COPIES = 40
_FAULTS = """
import resource
import {module}
import torch
x = torch.ones(4_000_000)
x.clone()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({copies}):
    x.clone()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(module: str, **environment: str) -> int:
    """Page faults of forty copies of 16 MB in a fresh process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", _FAULTS.format(module=module, copies=_COPIES)]
    return int(subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_copies_of_tensors_do_not_map_memory_anew() -> None:
    # Not none: a small block may take the place of a copy, and the heap then grows by one copy.
    assert _faults("lightning_modules.network") < _COPIES * _PAGES / 7
