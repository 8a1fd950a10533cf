"""The command line as a person meets it: a subprocess, its exit code, its one line."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import ablate

TINY = ["seeds=2", "training.epochs=1", "axes={residual: [plain], timesteps: [2]}", "model={timesteps: 1, width: 2}"]
GUIDES = {"guide.md", "guide.tex", "guide.html", "guide.json"}
TABLES = {"runs.csv", "effects.csv", "curves.csv", "layers.csv", "results.json"} | GUIDES


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One real tiny study, run to its end from the command line."""
    folder = tmp_path_factory.mktemp("ran")
    return folder, ablate("run", "quickstart", *TINY, cwd=folder)


def test_a_study_runs_to_a_guide_with_one_command(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = ran

    assert done.returncode == 0, done.stderr
    report = folder / "studies" / "quickstart" / "report"
    assert {path.name for path in report.iterdir()} >= TABLES
    with (report / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["complete"] * 6
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in rows)
    assert "residual (one-factor around sresnet; 2 seed blocks; test accuracy; margin 1 point)" in done.stdout


def test_an_output_that_has_no_sign_for_a_check_mark_shows_another(
    ran: tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    shown = ablate("status", "quickstart", cwd=ran[0])

    assert shown.returncode == 0, shown.stderr
    assert "? complete" in shown.stdout


def test_every_run_is_one_offline_run_of_weights_and_biases(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = ran

    assert len(list((folder / "studies" / "quickstart" / "wandb").glob("offline-run-*"))) == 6
    assert sorted(path.name for path in folder.iterdir()) == ["studies"]


def test_output_that_is_no_terminal_is_lines_without_control_characters(
    ran: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = ran

    assert "\x1b" not in done.stdout
    assert sum((line.startswith("[") and "left" in line) or "done" in line for line in done.stdout.splitlines()) >= 6


def test_a_finished_study_runs_nothing_and_its_guide_is_byte_identical(
    ran: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = ran
    report = folder / "studies" / "quickstart" / "report"
    before = {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()}

    again = ablate("run", "studies/quickstart", cwd=folder)

    assert again.returncode == 0
    assert "Nothing to run" in again.stdout
    assert {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()} == before


def test_a_new_seed_adds_only_its_runs(ran: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    folder, _ = ran
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(folder / "studies" / "quickstart"), str(copy)], check=True)
    old = {path: path.stat().st_mtime_ns for path in copy.glob("runs/*/record.json")}

    done = ablate("run", str(copy), "seeds=3", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "3 runs in" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in old} == old
    assert len(list(copy.glob("runs/*/record.json"))) == 9


def test_a_failed_run_is_exit_code_1_with_its_reason_in_the_table(tmp_path: Path) -> None:
    """A diverged run counts as failed: the study goes on, and the guide says so."""
    study = ["seeds=1", "training.epochs=1", "model={timesteps: 1, width: 2}", "axes={lr: [1.0e+30]}"]

    done, status = ablate("run", "quickstart", *study, cwd=tmp_path), ablate("status", "quickstart", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed; the reasons: ablate status quickstart" in done.stdout
    assert "2 runs: 1 complete, 1 failed, 0 to do" in status.stdout
    assert "seed 0 diverged in epoch 0" in status.stdout


def test_status_shows_every_cell_and_seed(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = ran

    done = ablate("status", "quickstart", cwd=folder)

    assert done.returncode == 0
    assert "6 runs: 6 complete, 0 failed, 0 to do" in done.stdout
    assert any(line.startswith("residual=plain") and "✓ ✓" in line for line in done.stdout.splitlines())


def test_report_repeats_the_tables_of_the_run(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = ran

    again = ablate("report", "quickstart", cwd=folder)

    assert again.returncode == 0
    assert again.stdout.strip() in done.stdout


def test_a_report_says_so_when_records_are_gone(
    ran: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Metrics are in the ledger; what only `record.json` held must not vanish without a word."""
    copy = shutil.copytree(ran[0] / "studies" / "quickstart", tmp_path / "copy")
    for path in list(copy.glob("runs/*/record.json"))[:2]:
        path.write_text("{")

    done = ablate("report", str(copy), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "2 complete runs have lost their record.json" in done.stdout
    assert (copy / "report" / "runs.csv").read_bytes() == (ran[0] / "studies/quickstart/report/runs.csv").read_bytes()


def test_a_file_in_the_reports_place_is_one_line(
    ran: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    copy = shutil.copytree(ran[0] / "studies" / "quickstart", tmp_path / "copy")
    shutil.rmtree(copy / "report")
    (copy / "report").write_text("mine")

    done = ablate("report", str(copy), cwd=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "copy/report" in done.stderr


def test_results_name_their_provenance(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = ran
    content = json.loads((folder / "studies" / "quickstart" / "report" / "results.json").read_text())

    assert content["provenance"]["commit"]
    assert len(content["provenance"]["data_fingerprints"]) == 1
    assert set(content["correct"]) == {path.name for path in (folder / "studies" / "quickstart" / "runs").iterdir()}


def test_the_dashboard_off_a_terminal_lists_what_there_is(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = ran

    done = ablate("dashboard", "quickstart", cwd=folder)

    assert done.returncode == 0
    assert "guide.html" in done.stdout


def test_a_plan_costs_nothing_and_writes_nothing(tmp_path: Path) -> None:
    done = ablate("plan", "quickstart", cwd=tmp_path)

    assert done.returncode == 0
    assert "11 cells x 5 seeds = 55 runs, 0 complete, 55 to do; about" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "quickstart", "axes.residual=[sew_ad]"], "axes.residual: 'sew_ad' is not a level of residual; did"),
        (
            ["run", "quickstart", "model.timesteps=0"],
            "baseline.model.timesteps: 0 is too small; an integer of at least",
        ),
        (["run", "cifar10_small", "data.root=nowhere"], "cifar10: nowhere/cifar-10-batches-py/data_batch_1 is missing"),
        (["run", "quikstart"], "'quikstart' is neither a study file, a study directory nor a packaged study; did you"),
        (["plan", "quickstart", "data.name=mnst"], "baseline.data.name: 'mnst' is not a data set"),
        (["run", "quickstart", "exclude=[{when: {timesteps: 4}, because: x}]"], "baseline: excluded"),
        (["status", "nowhere"], "nowhere: no study directory"),
        (["report", "quickstart"], "quickstart: has not been run here"),
        (["axes", "residul"], "'residul' is not an axis; did you mean 'residual'?"),
        (["run"], "Missing argument"),
        (["run", "quickstart", "--worker", "2"], "No such option"),
        (["rum", "quickstart"], "No such command"),
    ],
)
def test_a_mistake_is_one_line_exit_code_2_and_nothing_written(tmp_path: Path, arguments: list[str], line: str) -> None:
    done = ablate(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ablate: {line}")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_axes_lists_levels_with_definition_and_source(tmp_path: Path) -> None:
    every, one = ablate("axes", cwd=tmp_path), ablate("axes", "residual", cwd=tmp_path)

    assert "residual" in every.stdout and "sew_add" in every.stdout and "timesteps" in every.stdout
    assert "a + s" in one.stdout and "2102.04159" in one.stdout


@pytest.mark.parametrize("command", ["run", "plan", "status", "report", "axes", "dashboard"])
def test_every_command_explains_itself_with_an_example(tmp_path: Path, command: str) -> None:
    done = ablate(command, "--help", cwd=tmp_path)

    assert done.returncode == 0
    assert f"Example: ablate {command}" in done.stdout
