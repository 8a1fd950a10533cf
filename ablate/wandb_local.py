"""The W&B directories of a study: which are uploaded, and what the last attempt at each run left in them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE_HEADER, _BLOCK = 7, 32768
_FRAGMENT = struct.Struct("<IHB")


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
        return self.marker.exists()

    @property
    def marker(self) -> Path:
        """What W&B's client leaves where all of a run is uploaded."""
        return self.file.with_suffix(".wandb.synced")

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


def close(directory: RunDirectory) -> None:
    """Make a file that can be uploaded of one whose writer was killed: cut it back to its last whole record.

    `wandb sync` would upload it and never mark it as done. A file that broke off before it says which run it is of
    cannot be uploaded at all, and is marked here.
    """
    content = directory.file.read_bytes()
    ends = list(_ends_of_records(content))
    if len(ends) < 2:  # the version of W&B, then the run
        directory.marker.touch()
    elif ends[-1] < len(content):
        os.truncate(directory.file, ends[-1])


def summary(directory: RunDirectory) -> dict[str, Any]:
    """The summary that an attempt left in its file; empty where nothing can be read."""
    merged: dict[str, Any] = {}
    for entry in _entries(directory.file):
        merged |= entry.get("summary", {}).get("update", {})
    return merged


def _ends_of_records(content: bytes) -> Iterator[int]:
    """Where the whole records of a W&B file end.

    After seven bytes of its own it is a log as LevelDB writes it (doc/log_format.md there): fragments of at most a
    block, each behind its checksum (4 bytes), length (2) and kind (1: whole, 2: first, 3: middle, 4: last).
    """
    at = _FILE_HEADER
    while at + _FRAGMENT.size <= len(content):
        rest = _BLOCK - at % _BLOCK
        if rest < _FRAGMENT.size:
            at += rest  # too little for a fragment: padding
            continue
        _, length, kind = _FRAGMENT.unpack_from(content, at)
        at += _FRAGMENT.size + length
        if kind not in (1, 2, 3, 4) or at > len(content):
            return
        if kind in (1, 4):
            yield at


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    from wandb.util import get_core_path

    command = [get_core_path(), "leet", "inspect", "-no-observability", "-json", "-run-file", str(file)]
    for line in subprocess.run(command, capture_output=True, check=False).stdout.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # the end of a file whose writer was killed
