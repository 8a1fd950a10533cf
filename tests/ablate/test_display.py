"""What a person sees while a study runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dummies import record, spec
from rich.console import Console

from ablate.display import LiveDisplay, Tally


@pytest.fixture
def shown() -> LiveDisplay:
    console = Console(file=io.StringIO(), force_terminal=True, width=140)
    return LiveDisplay(console, Tally(6, 0, 0, "val_accuracy", higher_is_better=True), study="dummy")


def lines(shown: LiveDisplay) -> list[str]:
    """The live table as plain text."""
    console = Console(file=io.StringIO(), width=140)
    console.print(shown._render())
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_a_run_keeps_its_line_and_the_next_one_takes_the_free_line(shown: LiveDisplay, tmp_path: Path) -> None:
    first, second, third = (spec(tmp_path, run_id=name) for name in ("c0-0", "c0-1", "c0-2"))
    shown.on_start(first)
    shown.on_start(second)
    shown.on_progress(
        second, {"epoch": 1, "epochs": 4, "metric": "val_accuracy", "value": 0.5, "seconds_per_epoch": 1.0}
    )

    shown.on_finish(first, record(first))
    alone = lines(shown)[1:2]
    shown.on_start(third)

    assert alone[0].startswith("worker 2") and "epoch 1/4" in alone[0]
    assert [line.split("  ")[0] for line in lines(shown)[1:3]] == ["worker 1", "worker 2"]
    assert "epoch 1/4" in lines(shown)[2]


def test_the_best_cell_of_a_resumed_study_counts_the_runs_from_before(tmp_path: Path) -> None:
    tally = Tally(4, 2, 0, "val_accuracy", higher_is_better=True, by_cell={"baseline": [0.7, 0.9]})

    tally.add(spec(tmp_path), record(spec(tmp_path), metrics={"val_accuracy": 0.6}))

    assert tally.best == "baseline  val_accuracy 0.800 ± 0.141 (2 seeds)"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its one element."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_the_time_left_does_not_take_the_first_end_of_many_runs_for_the_rate(
    tmp_path: Path, clock: list[float]
) -> None:
    tally = Tally(40, 0, 0, "val_accuracy", higher_is_better=True)
    runs = [spec(tmp_path, run_id=f"c0-{n}") for n in range(8)]
    for run in runs:
        tally.begin(run)
    assert tally.left is None

    clock[0] += 3600
    tally.add(runs[0], record(runs[0]))
    assert tally.left == 39 * 3600 / 8
    clock[0] += 60
    assert tally.left == 39 * 3600 / 8 - 60


def test_the_time_left_knows_of_queues(tmp_path: Path, clock: list[float]) -> None:
    """All runs of a cluster begin at once and wait there: what counts is how they end."""
    tally = Tally(100, 0, 0, "val_accuracy", higher_is_better=True)
    runs = [spec(tmp_path, run_id=f"c0-{n}") for n in range(100)]
    for run in runs:
        tally.begin(run)
    for run in runs[:11]:
        clock[0] += 60
        tally.add(run, record(run))
    assert tally.left == 89 * 60
    for run in runs[11:]:
        tally.add(run, record(run))
    assert tally.left == 0
