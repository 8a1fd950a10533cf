"""The command line as a person calls it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def ablate(*arguments: str, cwd: Path, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    """Run `ablate` in a folder; wide enough that no line of a table is folded."""
    return subprocess.run(
        [sys.executable, "-m", "ablate", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"COLUMNS": "200"},
    )
