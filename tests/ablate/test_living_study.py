"""A study that exists meets a request that changed: additions run, anything else is explained and kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from booked import ORIGIN, STUDY, book, booked
from command_line import inside as ablate

from ablate import workflow

STUDY_FOLDER = "studies/quickstart"


@pytest.mark.parametrize(
    ("change", "planned"),
    [("seeds=3", "9 runs, 4 complete, 5 to do"), ("axes.residual=[plain, sew_add]", "8 runs, 4 complete, 4 to do")],
)
def test_a_new_seed_or_level_adds_only_its_runs(tmp_path: Path, change: str, planned: str) -> None:
    booked(tmp_path, complete=4)

    done = ablate("plan", STUDY_FOLDER, change, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert planned in done.stdout


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("training.lr=0.5", "was run with baseline.training.lr="),
        ("model.neuron=if", "was run with baseline.model.neuron="),
        ("axes.residual=[sew_add]", "was run with axes.residual="),
        ("seeds=1", "was run with seeds="),
    ],
)
def test_a_changed_study_is_refused_with_the_difference_and_the_ways_out(
    tmp_path: Path, change: str, line: str
) -> None:
    booked(tmp_path, complete=4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    done = ablate("run", STUDY_FOLDER, change, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert line in done.stderr and "--branch" in done.stderr and "--dir" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("made", ["complete", "failed"])
def test_on_a_finished_study_no_engine_starts(tmp_path: Path, made: str) -> None:
    """A Ray that was to start would find no cluster at this address."""
    runs = booked(tmp_path, complete=6 if made == "complete" else 5)
    if made == "failed":
        with workflow.open_ledger(workflow.prepare_existing(str(tmp_path / STUDY_FOLDER))) as ledger:
            book(ledger, runs[5:], status="failed", kind="error", reason="no", metrics={})

    done = ablate("run", STUDY_FOLDER, "engine.name=ray", "engine.address=127.0.0.1:1", cwd=tmp_path)

    assert done.returncode == (0 if made == "complete" else 1), done.stderr
    assert "Nothing to run: every planned run has ended." in done.stdout


def test_a_branch_keeps_the_old_runs_apart(tmp_path: Path) -> None:
    booked(tmp_path, complete=4)

    done = ablate("plan", "quickstart", *STUDY, "training.lr=0.5", "--branch", "faster", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "6 runs, 0 complete, 6 to do" in done.stdout


@pytest.mark.parametrize("origin", [{"commit": "abc", "code": "def"}, {"commit": "abc"}])
def test_other_code_is_refused_while_runs_are_missing(tmp_path: Path, origin: dict[str, str]) -> None:
    booked(tmp_path, complete=4, provenance=origin)

    done = ablate("run", STUDY_FOLDER, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "its 4 complete runs were computed by other code (abc, now " in done.stderr
    assert "--branch NAME" in done.stderr and "--accept-code" in done.stderr


@pytest.mark.parametrize(
    ("seen", "refused"), [({"own_levels": "0123"}, True), ({}, False)], ids=["it changed", "it is new"]
)
def test_a_changed_plug_in_is_other_code(tmp_path: Path, seen: dict[str, str], refused: bool) -> None:
    (tmp_path / "own_levels.py").write_text("")
    booked(tmp_path, complete=4, provenance={**ORIGIN, "plugins": seen})

    done = ablate("run", STUDY_FOLDER, "plugins=[own_levels]", "engine.name=slurm", cwd=tmp_path)

    assert done.returncode == 2
    assert ("computed by other code (plug-in own_levels, 0123, now " in done.stderr) is refused


@pytest.mark.parametrize(("complete", "flags"), [(6, []), (4, ["--accept-code"])])
def test_other_code_is_no_obstacle_when_accepted_or_when_nothing_is_missing(
    tmp_path: Path, complete: int, flags: list[str]
) -> None:
    """What it meets next is the lack of a folder for data, so that nothing is trained here."""
    booked(tmp_path, complete=complete, provenance={"commit": "abc", "code": "def"})

    done = ablate("run", STUDY_FOLDER, *flags, "engine.name=slurm", cwd=tmp_path)

    assert "computed by other code" not in done.stderr


def test_a_storage_is_remembered_and_not_exchanged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    booked(tmp_path, complete=4, storage=url)

    remembered = ablate("status", "quickstart", cwd=tmp_path)
    other = ablate("run", STUDY_FOLDER, "--storage", "sqlite:///other.db", cwd=tmp_path)

    assert "6 runs: 4 complete, 0 failed, 2 to do" in remembered.stdout
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert f"its runs are in {url}, not in --storage" in other.stderr
    assert not (tmp_path / "other.db").exists()
    assert not (tmp_path / STUDY_FOLDER / "journal.log").exists()


def test_a_password_is_used_and_not_kept(tmp_path: Path, postgres: str) -> None:
    given = postgres.replace("://postgres:", "://postgres:secret").replace("://postgres@", "://postgres:secret@")
    assert "secret" in given
    booked(tmp_path, complete=4, storage=given)

    done = ablate("status", "quickstart", cwd=tmp_path)

    assert "6 runs: 4 complete" in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


@pytest.mark.parametrize("command", ["run", "status", "report", "plan"])
def test_a_storage_that_cannot_be_reached_is_one_line(tmp_path: Path, command: str) -> None:
    booked(tmp_path, complete=4, storage=f"sqlite:///{tmp_path}/ledger.db")
    (tmp_path / "ledger.db").write_text("no database " * 100)

    done = ablate(command, STUDY_FOLDER, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "ledger.db: " in done.stderr and "what was booked is kept" in done.stderr


def test_a_directory_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    done = ablate("run", "quickstart", "--dir", "x" * 300, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "File name too long" in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    done = ablate("--version", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ablate ")
