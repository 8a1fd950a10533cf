"""Databases as storage: PostgreSQL for several machines, SQLite made safe. Their passwords are never written or shown.

SQLAlchemy and the driver are imported on the first call, so that studies with a journal do without them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import RequestError
from lightning_modules.catalogue import near

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import URL, Connection, Engine

_ACCEPTED = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_BUSY_SECONDS = 60
_CONNECT_SECONDS = 10


def parse(text: str) -> str:
    """A storage URL in full: with the driver, and with an absolute path for SQLite.

    Raises:
        RequestError: if it is none that a study can use; no password is repeated.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise RequestError(f"--storage: not the URL of a database; {_ACCEPTED}") from error
    dialect, _, driver = url.drivername.partition("+")
    if dialect not in _DIALECTS or driver not in ("", "psycopg", "pysqlite"):
        raise RequestError(f"--storage: {url.drivername!r} is not supported{near(dialect, _DIALECTS)} {_ACCEPTED}")
    url = url.set(drivername=_DIALECTS[dialect])
    if dialect == "sqlite":
        if not url.database or url.database == ":memory:":
            raise RequestError("--storage: SQLite needs a file; sqlite:///FILE")
        return url.set(database=str(Path(url.database).absolute())).render_as_string()
    _require_driver()
    return url.render_as_string(hide_password=False)


def shown(url: str) -> str:
    """The URL as it may be printed and kept: without a password."""
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    return _secretless(parsed).render_as_string() if parsed.password or parsed.query else url


def connect(url: str, *, create: bool) -> RDBStorage | None:
    """Optuna's storage in a database.

    Args:
        url: in full, as `parse` gives it.
        create: make the tables if they are not there, else give None for a database without them, or with a part of
            them: a process was killed in the middle, or is about to make the rest.
    """
    import sqlalchemy
    from optuna.storages import RDBStorage

    options = _options(url)
    if not create:
        if url.startswith("sqlite") and not Path(sqlalchemy.make_url(url).database or "").is_file():
            return None  # SQLite would create the file
        engine = sqlalchemy.create_engine(url, **options)
        with engine.connect() as connection:
            whole = _is_whole(connection)
        engine.dispose()
        if not whole:
            return None
    # Optuna takes the URL for a template.
    storage = RDBStorage(re.sub(r"([{}])", r"\1\1", url), engine_kwargs=options, skip_table_creation=not create)
    if create and url.startswith("sqlite"):
        _write_in_turn(storage.engine)
    return storage


def _is_whole(connection: Connection) -> bool:
    import sqlalchemy

    # Optuna's last step is to stamp the version of the tables.
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(sqlalchemy.text("select 1 from alembic_version")).first() is not None


def _options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": _BUSY_SECONDS}}
    return {"connect_args": {"connect_timeout": _CONNECT_SECONDS}, "pool_pre_ping": True}


def _write_in_turn(engine: Engine) -> None:
    """Lock a SQLite file from the beginning of each transaction.

    By default it is locked at the first write: two processes then read the same queued trial before one of them writes,
    and the other fails with `database is locked` however long it would wait.
    """
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections from before the listeners


def _secretless(url: URL) -> URL:
    return url._replace(password=None).difference_update_query(["password", "sslpassword"])


def _require_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise RequestError(
            "--storage: the driver of PostgreSQL is not installed; pip install 'ablate-snn[postgres]'"
        ) from error
