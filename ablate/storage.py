"""The Optuna storage of a study: a journal file by default, whose torn tail is cut off before anything is appended."""

from __future__ import annotations

import fcntl
import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from ablate import database
from ablate.errors import StudyError
from ablate.study_directory import JOURNAL

_MENDED = "restore it from a copy, or move it away: the next ablate run books the runs from their record.json again"
_KEPT = "what was booked is kept, run again when that is mended"


class StorageError(StudyError):
    """The storage cannot be read or written; what was booked before is intact."""


def open_storage(directory: Path, url: str | None = None) -> BaseStorage:
    """The storage for the owner of the study's lock: created if it is not there, mended if it is torn.

    Args:
        directory: the study directory, which holds the journal file.
        url: a database instead of the journal file, as `database.parse` gives it.

    Raises:
        StorageError: if it is unreachable, unwritable or damaged beyond its last record.
    """
    _quieten()
    journal = directory / JOURNAL
    with storage_errors(where(directory, url)):
        if url is not None:
            created = database.connect(url, create=True)
            assert created is not None
            return created
        directory.mkdir(parents=True, exist_ok=True)
        cut_torn_tail(journal)
        return _replayed(journal)


def read_storage(directory: Path, url: str | None = None) -> BaseStorage:
    """The storage for looking at: nothing is written, and a study that has none yet is an empty storage.

    Raises:
        StorageError: if it is unreachable or damaged.
    """
    _quieten()
    journal = directory / JOURNAL
    with storage_errors(where(directory, url)):
        if url is not None:
            return database.connect(url, create=False) or InMemoryStorage()
        # A torn tail is no obstacle here: reading stops before a last line without an end.
        return _replayed(journal) if journal.is_file() else InMemoryStorage()


def _replayed(journal: Path) -> JournalStorage:
    """The journal, read from its beginning."""
    # Nothing of what is read can be garbage yet; looking for it again and again takes a fifth of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return JournalStorage(_Journal(journal.resolve()))
    except (KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{journal}: holds a record that is none of Optuna's; {_MENDED}") from error
    finally:
        if collecting:
            gc.enable()


def where(directory: Path, url: str | None) -> str:
    """What a message calls the storage."""
    return str(directory / JOURNAL) if url is None else database.shown(url)


def cut_torn_tail(journal: Path) -> int:
    """Cut a journal back to its last complete record; gives the number of bytes removed.

    A record that was not written to its end was never acknowledged, so nothing is lost with it; anything appended
    behind it would make the whole journal unreadable.
    """
    if not journal.is_file():
        return 0
    content = journal.read_bytes()
    end = content.rfind(b"\n") + 1
    last = content.rfind(b"\n", 0, max(end - 1, 0)) + 1
    if end and not _is_record(content[last:end]):
        end = last
    if end < len(content):
        with journal.open("r+b") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return len(content) - end


@contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Turn what a full disk, a lost server or a damaged file raises into one line that names `where`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{where}: {error.strerror or error}; {_KEPT}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StorageError(f"{where}: damaged before its last record ({error}); {_MENDED}") from error
    except StorageInternalError as error:
        # Optuna's own words guess at the data; what the database said is behind them.
        raise StorageError(f"{where}: {_first_line(error.__cause__ or error)}; {_KEPT}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("sqlalchemy", "psycopg"):
            raise
        raise StorageError(f"{where}: {_first_line(error)}; {_KEPT}") from error


class _KernelLock(BaseJournalFileLock):
    """Excludes other writers of the journal by flock, which the kernel releases when its process is killed.

    Optuna's own lock files outlive a killed process and stall the next one for 30 seconds.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        self._file = self._journal.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _Journal(JournalFileBackend):
    """Optuna's journal file; what a full disk cut short is removed before the next record could follow it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), lock_obj=_KernelLock(path))
        self._path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        try:
            super().append_logs(logs)
        except OSError:
            cut_torn_tail(self._path)
            raise


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _quieten() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
