"""One coordinator per study in a database, whatever directory it works from."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Any

from ablate import database
from ablate.lock import StudyLockedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_PATIENCE_SECONDS = 5.0


class Claim:
    """Keeps a study in a database to one coordinator, also where its directory was copied and each copy has a lock.

    PostgreSQL gives it back as soon as the connection of a killed process ends, and within a minute when its machine
    is gone; for SQLite the kernel does, when the process ends.

    Args:
        storage: as `connect` gives it.
        name: of the Optuna study.

    Raises:
        StudyLockedError: if another coordinator holds it.
    """

    def __init__(self, storage: Any, name: str) -> None:
        self._engine: Engine = storage.engine
        self._connection: Connection | None = None
        self._file = -1
        # A process that was killed a moment ago may not be gone yet for the server.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (self._take_row(name) if self._engine.name == "postgresql" else self._take_file(name)):
            if time.monotonic() > deadline:
                self.release()
                kept = database.shown(storage.url)
                raise StudyLockedError(f"{kept}: another copy of this study's directory is being worked on; stop it")
            time.sleep(0.2)

    def release(self) -> None:
        """Give it back and close the connections; harmless when repeated."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._engine.dispose()

    def _take_row(self, name: str) -> bool:
        from sqlalchemy import text

        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            for setting, value in (("idle", 30), ("interval", 10), ("count", 3)):
                self._connection.execute(text(f"set tcp_keepalives_{setting} = {value}"))
        wanted = text("select pg_try_advisory_lock(hashtextextended(:name, 0))")
        taken = self._connection.execute(wanted, {"name": name})
        return bool(taken.scalar())

    def _take_file(self, name: str) -> bool:
        if self._file < 0:
            # Beside the database: SQLite's own locks on it must stay out of this.
            self._file = os.open(f"{self._engine.url.database}.{name}.lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
