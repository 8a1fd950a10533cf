"""Every command on a study whose ledger is a database; and `sync` where nobody is logged in."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ablate, inside
from wandb_double import WandbDouble

STUDY = """
name: small
seeds: 1
baseline:
  data: {name: digits, batch_size: 256}
  model: {depth: 1, width: 2, timesteps: 1}
  training: {epochs: 1, lr: 0.05}
axes: {residual: [plain]}
engine: {name: inline}
"""
COMMANDS = ("status", "doctor", "sync", "publish", "report")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that was run with its ledger in SQLite."""
    made = tmp_path_factory.mktemp("database")
    (made / "small.yaml").write_text(STUDY)
    ran = ablate("run", "small.yaml", "--storage", "sqlite:///ledger.db", cwd=made)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return made


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key of Weights & Biases, neither in the environment nor in the home folder."""
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.parametrize("given", [[], ["--storage", "sqlite:///ledger.db"]], ids=["remembered", "given"])
def test_status_finds_the_runs_in_the_database(folder: Path, given: list[str]) -> None:
    shown = inside("status", "small", *given, cwd=folder)
    assert shown.returncode == 0 and "2 runs: 2 complete" in shown.stdout
    assert not (folder / "studies" / "small" / "journal.log").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_another_database_than_that_of_the_study_is_refused(folder: Path, command: str) -> None:
    done = inside(command, "small", "--storage", "sqlite:///other.db", cwd=folder)
    assert done.returncode == 2
    assert "its runs are in sqlite:///" in done.stderr and done.stderr.count("\n") == 1
    assert not (folder / "other.db").exists()


def test_without_a_key_sync_is_one_line_and_what_waits_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting() -> list[str]:
        return sorted(path.name for path in (folder / "studies" / "small" / "wandb").glob("offline-run-*"))

    before = waiting()
    with WandbDouble() as double:
        for name, value in double.environment().items():
            if name != "WANDB_API_KEY":
                monkeypatch.setenv(name, value)
        done = ablate("sync", "small", cwd=folder)

    assert done.returncode == 1 and len(before) == 2
    assert "wandb login" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert waiting() == before


def test_a_study_whose_database_cannot_be_reached_can_be_begun_again_in_another(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY)

    lost = inside("run", "small.yaml", "--storage", "sqlite:///nowhere/ledger.db", cwd=tmp_path)
    done = inside("run", "small.yaml", "tracking.mode=disabled", cwd=tmp_path)

    assert lost.returncode == 1 and lost.stderr.count("\n") == 1
    assert done.returncode == 0, done.stderr
