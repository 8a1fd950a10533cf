from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from dummies import plan

from ablate import database
from ablate.errors import RequestError
from ablate.ledger import Ledger
from ablate.lock import StudyLockedError
from ablate.storage import StorageError

Opener = Callable[..., Ledger]


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("postgresql://u:secret@h/d", "postgresql+psycopg://u:secret@h/d"),
        ("postgres://h:5433/d", "postgresql+psycopg://h:5433/d"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_urls_gain_the_driver(given: str, full: str) -> None:
    assert database.parse(given) == full


def test_a_sqlite_file_is_found_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database.parse("sqlite:///b.db") == f"sqlite:///{tmp_path}/b.db"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("mysql://u:secret@h/d", "'mysql' is not supported"),
        ("postgresq://u:secret@h/d", "did you mean 'postgresql'?"),
        ("secret", "not the URL of a database"),
        ("postgresql://u:secret@h:port/d", "not the URL of a database"),
        ("sqlite://", "SQLite needs a file"),
    ],
)
def test_what_is_no_storage_is_one_line_without_the_password(given: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        database.parse(given)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("given", ["postgresql://u:secret@h/d?sslmode=require", "postgresql://u@h/d?password=secret"])
def test_a_password_is_not_shown(given: str) -> None:
    shown = database.shown(database.parse(given))
    assert shown.startswith("postgresql+psycopg://u@h/d")
    assert "secret" not in shown and "*" not in shown


def test_a_server_that_is_not_there_is_one_line_without_the_password(opened: Opener, looked: Opener) -> None:
    url = database.parse("postgresql://u:secret@127.0.0.1:1/d")
    for open_ in (opened, looked):
        with pytest.raises(StorageError, match=r"u@127\.0\.0\.1:1/d: .*refused") as raised:
            open_(url=url)
        assert "secret" not in str(raised.value) and "\n" not in str(raised.value)


def test_looking_creates_no_tables(looked: Opener, url: str | None, tmp_path: Path) -> None:
    assert looked(url=url).states() == {}
    assert list(tmp_path.iterdir()) == []
    if url is not None and url.startswith("postgresql"):
        engine = sqlalchemy.create_engine(url)
        assert sqlalchemy.inspect(engine).get_table_names() == []
        engine.dispose()


def test_tables_that_were_made_in_part_are_no_obstacle(opened: Opener, looked: Opener, tmp_path: Path) -> None:
    """A coordinator was killed while it made them: there is nothing to see yet, and the next one makes the rest."""
    url = f"sqlite:///{tmp_path}/study.db"
    opened(url=url).close()
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.executescript("drop table version_info; drop table alembic_version; drop table trial_params")
    connection.close()
    assert looked(url=url).states() == {}
    with opened(url=url) as ledger:
        assert ledger.sync(plan(1, 1)) == 1


def test_a_copy_of_the_directory_cannot_work_on_the_same_database(
    opened: Opener, study: Path, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if url is None:
        pytest.skip("a copied journal is a study of its own")
    monkeypatch.setattr("ablate.claim._PATIENCE_SECONDS", 0.0)
    with opened(url=url) as ledger:
        ledger.sync(plan(1, 1))
        copy = shutil.copytree(study, study.with_name("copy"), ignore=shutil.ignore_patterns("lock.*"))
        with pytest.raises(StudyLockedError, match="another copy of this study"):
            Ledger.open(copy, name="dummy", uid="u", objectives={"val_accuracy": "maximize"}, url=url)
        assert ledger.states()["c0-0"].status == "missing"
    Ledger.open(copy, name="dummy", uid="u", objectives={"val_accuracy": "maximize"}, url=url).close()
