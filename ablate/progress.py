"""How far running attempts are: reads the `progress.json` that each writes, twice a second."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from ablate.records import RunSpec, last_checkpoint

PROGRESS = "progress.json"
_EVERY_SECONDS = 0.5


class ProgressWatch:
    """Reports each change of a watched attempt's progress, from a thread of its own while it is entered.

    Args:
        report: called with the spec and the progress.
    """

    def __init__(self, report: Callable[[RunSpec, Mapping[str, Any]], None]) -> None:
        self._report = report
        self._watched: dict[str, RunSpec] = {}
        self._last: dict[str, Mapping[str, Any]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def add(self, spec: RunSpec) -> None:
        self._watched[spec.run_id] = spec

    def remove(self, spec: RunSpec) -> None:
        self._watched.pop(spec.run_id, None)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(_EVERY_SECONDS):
            for spec in list(self._watched.values()):
                progress = read(spec)
                if progress is not None and progress != self._last.get(spec.token):
                    self._last[spec.token] = progress
                    self._report(spec, progress)


def epochs_kept(spec: RunSpec) -> int:
    """After how many epochs the next attempt goes on: those behind the last checkpoint, 0 without one."""
    if not last_checkpoint(spec).exists():
        return 0
    try:
        # Whichever attempt wrote it: a checkpoint outlives attempts.
        return int(json.loads((Path(spec.directory) / PROGRESS).read_text())["epoch"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def read(spec: RunSpec) -> Mapping[str, Any] | None:
    """What an attempt said last; None before its first epoch, and for what an earlier attempt left there."""
    try:
        progress = json.loads((Path(spec.directory) / PROGRESS).read_text())
    except (OSError, ValueError):
        return None
    return progress if isinstance(progress, dict) and progress.get("token") == spec.token else None
