"""What the tests of the engine room share. Its presence also puts `dummies` on the path, of workers too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import fresh_database, running

from ablate import tracking, wandb_server
from ablate.ledger import Ledger


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Wait for a W&B server on this machine as long as it takes: a dead one refuses at once, a busy one is late."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wandb_server, "PROBE_SECONDS", 300)
        patch.setattr(tracking, "INIT_SECONDS", 300)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL, started for this session."""
    with running(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A fresh storage of each kind."""
    if request.param == "journal":
        return None
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/study.db"
    return fresh_database(request.getfixturevalue("postgres"))


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
