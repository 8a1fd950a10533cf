"""The identity of what files hold. Gigabytes are read once: a digest is remembered with the files' sizes and times."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Sequence
from pathlib import Path

from lightning_modules.data.events import cache
from lightning_modules.data.events.progress import Progress

_HEX = 64


def digest(paths: Sequence[tuple[str, Path]], what: str) -> str:
    """sha256 over the names and contents of files, in their order.

    Args:
        paths: names, which are part of the identity, with where the files lie.
        what: for messages.

    Raises:
        OSError: if a file cannot be read.
    """
    remembered = cache.folder("digests") / _state(paths)

    def remember(path: Path) -> None:
        path.write_text(_digest(paths, what))

    cache.build(remembered, remember, ready=_is_digest, what=f"{what}: the digest of its files")
    return remembered.read_text()


def remembered(paths: Sequence[tuple[str, Path]]) -> str | None:
    """The digest of files that were read before and have not changed since; None if they would have to be read."""
    found = cache.folder("digests") / _state(paths)
    return found.read_text() if _is_digest(found) else None


def _digest(paths: Sequence[tuple[str, Path]], what: str) -> str:
    whole = hashlib.sha256()
    progress = Progress(f"{what}: reading {len(paths):,} files for their digest", len(paths))
    for name, path in paths:
        with path.open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        progress.step()
    return whole.hexdigest()


def _state(paths: Sequence[tuple[str, Path]]) -> str:
    """Where the files lie, with their sizes and times: another file there has another state."""
    state = hashlib.sha256()
    for name, path in paths:
        stat = path.stat()
        state.update(f"{name}\0{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ino}\n".encode())
    return state.hexdigest()


def _is_digest(path: Path) -> bool:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return len(text) == _HEX and set(text) <= set(string.hexdigits)
