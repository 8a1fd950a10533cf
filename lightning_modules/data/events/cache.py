"""Things made once for all runs of this user: built by one process, found by the others, whole or not there.

They lie in the user's cache (`$XDG_CACHE_HOME/ablate`, else `~/.cache/ablate`), never in the folder of the data sets.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from lightning_modules.data import files

LOG = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def folder(kind: str) -> Path:
    """Where things of one kind lie (`frames`, `unpacked`, `digests`); not created."""
    return files.data_root(None) / kind


def build(path: Path, make: Callable[[Path], None], *, ready: Callable[[Path], bool], what: str) -> None:
    """See that `path` is there: made beside it and then renamed, by one process at a time.

    Args:
        path: file or folder in the cache.
        make: writes it, whole, to the path that it is given.
        ready: whether what lies at `path` can be used; what cannot is made anew.
        what: for messages.

    Raises:
        OSError: if it cannot be written; nothing is left of it.
    """
    if ready(path):
        return
    with _errors_in_a_line(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, what):
            if not ready(path):
                _replace(path, make)


def check_space(path: Path, needed: int, what: str) -> None:
    """See that a file of `needed` bytes fits where `path` is to lie.

    Raises:
        OSError: if it does not.
    """
    existing = next(each for each in path.parents if each.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are left")


def _replace(path: Path, make: Callable[[Path], None]) -> None:
    prefix = f".{path.name}.part-"
    # Whoever holds the lock is alone: what lies here is of a process that was killed.
    for left in path.parent.glob(f"{prefix}*"):
        _remove(left)
    staged = path.with_name(prefix + secrets.token_hex(4))
    try:
        make(staged)
        if path.is_dir():
            _remove(path)
        staged.replace(path)
    finally:
        _remove(staged)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of one thing; the system lets go of it when its process ends."""
    with path.with_name(f".{path.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            LOG.info("%s: waiting for another process that is making it", what)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _errors_in_a_line(path: Path, what: str) -> Iterator[None]:
    """Say of an error in writing what was to be written where, and what helps; of one in reading, what was read."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        if error.filename is not None and not Path(error.filename).is_relative_to(path.parent):
            raise type(error)(f"{what}: {error.filename} cannot be read ({error.strerror})") from error
        room = (
            "make room there, or set XDG_CACHE_HOME to a folder with more"
            if error.errno in _FULL
            else "set XDG_CACHE_HOME to a folder that can be written"
        )
        raise type(error)(f"{what}: {path.parent} cannot take it ({error.strerror}); {room}") from error
