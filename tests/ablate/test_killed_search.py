"""A search and a tuned study killed in the middle: the next run draws what it would have drawn, and repeats nothing."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ablate

BASELINE = """
baseline:
  data: {name: digits, batch_size: 256}
  model: {depth: 1, width: 2, timesteps: 1}
  training: {epochs: 1, lr: 0.05}
engine: {name: inline}
tracking: {mode: disabled}
"""
STUDIES = {
    "search": f"""
name: study
design: search
search: {{trials: 4, sampler: tpe}}
axes:
  residual: [plain, sresnet]
  width: {{low: 2, high: 6}}
{BASELINE}""",
    "tuning": f"""
name: study
seeds: 1
tuning: {{trials: 2, space: {{training.lr: {{low: 0.01, high: 0.2, log: true}}}}}}
axes:
  residual: [plain]
{BASELINE}""",
}


def records(folder: Path) -> dict[str, int]:
    """Run id -> when its record was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("studies/study/runs/*/record.json")}


def killed(folder: Path, *, runs: int) -> None:
    """Start the study and kill everything of it once some runs have ended."""
    command = [sys.executable, "-m", "ablate", "run", "study.yaml"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(records(folder)) < runs:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def results(folder: Path) -> list[tuple[str, ...]]:
    """What was run, with which values, and what came out."""
    with (folder / "studies" / "study" / "report" / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    return sorted((row["run_id"], row["status"], row["val_accuracy"], row["test_accuracy"]) for row in rows)


@pytest.mark.parametrize("name", STUDIES)
def test_a_killed_study_ends_as_one_that_was_not(tmp_path: Path, name: str) -> None:
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
        (folder / "study.yaml").write_text(STUDIES[name])
    killed(folders[1], runs=2)
    before = records(folders[1])

    for folder in folders:
        done = ablate("run", "study.yaml", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    after = records(folders[1])
    assert {run: after[run] for run in before} == before
    assert len(after) == len(records(folders[0]))
    assert results(folders[1]) == results(folders[0])
