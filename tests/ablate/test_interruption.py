"""A study that is stopped in the middle, by Ctrl-C or by kill -9, and started again."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from command_line import ablate

STUDY = ["seeds=4", "training.epochs=12", "axes={residual: [plain]}", "model={timesteps: 1, width: 2}"]


def records(folder: Path) -> dict[str, int]:
    """Run id -> when its record was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("studies/quickstart/runs/*/record.json")}


def started(folder: Path, *, runs: int) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """`ablate run` with its workers, as soon as some runs have ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ablate", "run", "quickstart", *STUDY],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while len(records(folder)) < runs:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be stopped"
        time.sleep(0.01)
    return process, psutil.Process(process.pid).children(recursive=True)


def finish(folder: Path) -> None:
    """The next `ablate run` completes exactly what is missing."""
    before = records(folder)

    done = ablate("run", "quickstart", *STUDY, cwd=folder)

    assert done.returncode == 0, done.stdout + done.stderr
    after = records(folder)
    assert len(after) == 8
    # The last run before the kill may have ended without being booked: it is adopted, not repeated.
    assert {run: after[run] for run in before} == before
    with (folder / "studies" / "quickstart" / "report" / "runs.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["complete"] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="workers end with a killed coordinator on Linux only at once")
def test_after_kill_9_workers_are_gone_and_nothing_is_repeated(tmp_path: Path) -> None:
    process, workers = started(tmp_path, runs=2)

    process.kill()
    process.wait()

    assert not psutil.wait_procs(workers, timeout=10)[1]
    finish(tmp_path)


def test_ctrl_c_stops_within_seconds_says_how_to_go_on_and_nothing_is_repeated(tmp_path: Path) -> None:
    process, workers = started(tmp_path, runs=1)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)

    assert process.returncode == 130
    # Without the overrides `quickstart` would be refused as changed; the directory holds the study as it was run.
    assert "Go on with: ablate run studies/quickstart" in output
    assert re.search(r"interrupted and will continue (from epoch \d+( and \d+)*|from the start)\.", output)
    assert "Traceback" not in output
    assert not psutil.wait_procs(workers, timeout=5)[1]
    finish(tmp_path)


def test_a_second_coordinator_is_refused_by_name_of_host_and_process(tmp_path: Path) -> None:
    process, _ = started(tmp_path, runs=1)
    try:
        second = ablate("run", "quickstart", *STUDY, cwd=tmp_path)
    finally:
        process.kill()
        process.wait()

    assert second.returncode == 2
    assert f"process {process.pid} on " in second.stderr
    assert second.stderr.count("\n") == 1


SLOW = ["seeds=1", "training.epochs=8", "axes={residual: [plain]}", "model={timesteps: 1, width: 2}"]
ENGINES = {"ray": ["engine.name=ray"], "slurm": ["engine.name=slurm", "engine.slurm.cluster=local"]}


def training(folder: Path, settings: list[str]) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """`ablate run` in a group of its own, as a terminal starts it, once a run has left a checkpoint."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ablate", "run", "quickstart", *SLOW, *settings],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob("studies/quickstart/runs/*/checkpoints/last.ckpt")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.05)
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_in_the_terminal_stops_every_engine_and_another_engine_goes_on(tmp_path: Path, engine: str) -> None:
    process, workers = training(tmp_path, ENGINES[engine])

    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Go on with: ablate run studies/quickstart" in output
    assert "Traceback" not in output
    assert not psutil.wait_procs(workers, timeout=10)[1]
    before = records(tmp_path)
    done = ablate("run", "quickstart", *SLOW, "engine.name=processes", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = records(tmp_path)
    assert len(after) == 2 and {run: after[run] for run in before} == before


NOISY = ["baseline.model.encoding=poisson", "data.augment=standard", "engine.threads=1"]
MEASURED = ("train_seconds", "peak_memory_mb")


def trained(folder: Path) -> dict[str, dict[str, Any]]:
    """What the runs computed: everything in their records but what it took and where."""
    found = {}
    for path in folder.glob("studies/quickstart/runs/*/record.json"):
        record = json.loads(path.read_text())
        measured = {name: value for name, value in record["metrics"].items() if name not in MEASURED}
        found[record["run_id"]] = {key: record[key] for key in ("status", "curves", "layers", "correct")} | measured
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="workers end with a killed coordinator on Linux only at once")
def test_a_run_killed_in_training_ends_with_the_bits_of_one_that_was_not(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    process, workers = training(killed, NOISY)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(workers, timeout=10)
    assert len(records(killed)) < 2

    for folder in (killed, whole):
        done = ablate("run", "quickstart", *SLOW, *NOISY, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    logs = [path.read_text() for path in killed.glob("studies/quickstart/runs/*/log.txt")]
    assert any("going on behind epoch" in log for log in logs), logs
    assert trained(killed) == trained(whole)
