"""What a job of the SLURM engine does; the function that submitit's pickle names."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from ablate.engines.inside import end_now, find_also, serve
from ablate.engines.slurm_session import Watch
from ablate.records import RunSpec

_LOOK_SECONDS = 0.5


def attempt(function: str, spec: str, alive: str, path: list[str]) -> None:
    """Do one attempt and leave its record in the run's folder, unless the engine that asked for it is gone.

    Args:
        function: dotted name of the trial function.
        spec: the RunSpec as JSON.
        alive: the session's file.
        path: where else to find modules.
    """
    watch = Watch(Path(alive))
    if not watch.engine_lives():
        return
    _own_signals()
    threading.Thread(target=_end_with, args=(watch,), name="engine", daemon=True).start()
    find_also(path)
    serve(function, RunSpec.from_json(spec))


def _own_signals() -> None:
    """Die of what SLURM sends before it kills, so that its state says why.

    submitit and Lightning would turn it into exceptions; Lightning calls a handler that it finds, if it is a function.
    """
    signal.signal(signal.SIGTERM, lambda *_: end_now())
    signal.signal(signal.SIGCONT, signal.SIG_DFL)  # comes first, and submitit's word on it would be the log's last line
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.get("SUBMITIT_EXECUTOR") == "local":
        os.setpgid(0, 0)  # its children end with it; SLURM sees to that itself


def _end_with(watch: Watch) -> None:
    while watch.engine_lives():
        time.sleep(_LOOK_SECONDS)
    end_now()
