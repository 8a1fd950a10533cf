"""A search from the command line with real trainings: planned, run, confirmed, and then nothing is left to do."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from command_line import ablate, inside

from ablate import workflow
from ablate.coordinator import Interrupted, Summary

STUDY = """
name: small
design: search
search: {trials: 3, sampler: random, constraints: {parameters: {max: 6000}}}
baseline:
  data: {name: digits, batch_size: 256}
  model: {depth: 1, width: 2, timesteps: 1}
  training: {epochs: 1, lr: 0.05}
axes:
  residual: [plain, sresnet]
  width: {low: 2, high: 6}
engine: {name: inline}
tracking: {mode: disabled}
"""


def test_a_search_is_run_confirmed_and_then_finished(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY)

    planned = ablate("plan", "small.yaml", cwd=tmp_path)
    done = ablate("run", "small.yaml", "--confirm", "best", "--seeds", "2", cwd=tmp_path)
    again = ablate("run", "small.yaml", cwd=tmp_path)
    smaller = ablate("run", "small.yaml", "search.trials=2", cwd=tmp_path)

    assert "at most 3 cells x 1 seeds = 3 runs, 0 complete, 3 to do" in planned.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 runs in " in done.stdout
    assert "Nothing to run: every planned run has ended." in again.stdout
    assert smaller.returncode == 2
    assert "was run with search.trials=3, now it is 2" in smaller.stderr
    with (tmp_path / "studies" / "small" / "report" / "runs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["status"] != "excluded"]
    assert [row["purpose"] for row in rows] == ["study"] * 3 + ["confirmation"] * 2
    assert all(int(row["parameters"]) <= 6000 for row in rows)
    assert {row["seed"] for row in rows[3:]} == {"1000000", "1000001"}


def test_the_plan_names_the_directory_that_a_confirmation_goes_on_in(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY)

    planned = inside("plan", "small.yaml", "--dir", "elsewhere/it", cwd=tmp_path)

    assert "then: ablate run elsewhere/it --confirm best" in planned.stdout


def test_a_search_that_lost_a_cell_says_so_each_time_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY)
    lost = ["search.trials=1", "search.constraints={}", "training.lr=1.0e+30"]

    done = [ablate("run", "small.yaml", *lost, cwd=tmp_path) for _ in range(2)]

    assert [each.returncode for each in done] == [1, 1]
    assert all("1 failed; the reasons: ablate status small" in each.stdout for each in done)


def test_a_search_that_is_stopped_says_how_far_its_whole_budget_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coordinator knows the runs that were drawn in this call, and none of those before."""
    (tmp_path / "small.yaml").write_text(STUDY)
    assert ablate("run", "small.yaml", "search.trials=1", cwd=tmp_path).returncode == 0

    def stopped(*_: object, **__: object) -> None:
        raise Interrupted(Summary(0, 0, 0, 0, 0, 0, 0.0), [])

    monkeypatch.setattr(workflow, "execute", stopped)
    done = inside("run", "small.yaml", cwd=tmp_path)

    assert done.returncode == 130
    assert "Stopped. 1 of 3 runs are complete and kept." in done.stdout
