"""The W&B directories of a study: which are uploaded, and what the last attempt at each run left in them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunDirectory:
    """One attempt's directory, `[offline-]run-<time>-<id>[-n]`."""

    path: Path
    file: Path

    @property
    def wandb_id(self) -> str:
        return self.file.stem.removeprefix("run-")

    @property
    def offline(self) -> bool:
        return self.path.name.startswith("offline-")

    @property
    def uploaded(self) -> bool:
        """Whether W&B's client marked it so."""
        return self.file.with_suffix(".wandb.synced").exists()

    @property
    def began(self) -> tuple[str, int]:
        """What orders the attempts at a run: the second, and the number among those of one second."""
        time, _, rest = self.path.name.partition("run-")[2].partition("-")
        number = rest.removeprefix(self.wandb_id).removeprefix("-")
        return time, int(number) if number.isdecimal() else 0


def directories(study: Path) -> list[RunDirectory]:
    """The W&B directories of a study in the order they were begun."""
    found = (RunDirectory(file.parent, file) for file in (study / "wandb").glob("*run-*/run-*.wandb"))
    return sorted(found, key=lambda each: (each.began, each.path.name))


def waiting(study: Path) -> list[RunDirectory]:
    """The offline directories that no server has."""
    return [each for each in directories(study) if each.offline and not each.uploaded]


def summary(directory: RunDirectory) -> dict[str, Any]:
    """The summary that an attempt left in its file; empty where nothing can be read."""
    merged: dict[str, Any] = {}
    for entry in _entries(directory.file):
        merged |= entry.get("summary", {}).get("update", {})
    return merged


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    from wandb.util import get_core_path

    command = [get_core_path(), "leet", "inspect", "-no-observability", "-json", "-run-file", str(file)]
    for line in subprocess.run(command, capture_output=True, check=False).stdout.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # the end of a file whose writer was killed
