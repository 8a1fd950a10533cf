"""The command line as a person calls it: a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from ablate import cli


def inside(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, for commands that train nothing: imports are most of what those cost."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["ablate", *arguments]
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        return subprocess.CompletedProcess(arguments, int(end.code or 0), out.getvalue(), err.getvalue())
    finally:
        sys.argv = argv
    raise AssertionError("the command line always ends in an exit code")


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
