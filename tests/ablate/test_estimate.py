"""What a run will take, before any has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate import config, design, estimate


def nmnist(root: Path, *overrides: str) -> float:
    plan = design.plan(config.load("nmnist", [f"data.root={root}", "axes={residual: [sresnet]}", *overrides]))
    return estimate.seconds_a_run(plan.cells)


def test_recordings_that_lie_here_are_counted(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    for root, count in ((few, 40), (many, 80)):
        for part in ("Train", "Test"):
            (root / "NMNIST" / part / "3").mkdir(parents=True)
            for number in range(count):
                (root / "NMNIST" / part / "3" / f"{number:05d}.bin").touch()
    seconds = [nmnist(few) - estimate.SECONDS_A_RUN, nmnist(many) - estimate.SECONDS_A_RUN]
    assert seconds[1] == pytest.approx(2 * seconds[0], rel=0.25)
    assert nmnist(tmp_path) > 100 * seconds[1]


def test_event_networks_are_as_large_as_their_frames_after_the_stem(tmp_path: Path) -> None:
    small, large = nmnist(tmp_path, "model.frame_size=16"), nmnist(tmp_path, "model.frame_size=64")
    half = nmnist(tmp_path, "model.frame_size=16", "data.resolution=34")
    assert large > small
    assert half == small


def test_runs_that_take_longer_come_first_and_others_as_planned() -> None:
    plan = design.plan(
        config.load("quickstart", ["axes={timesteps: [2, 4, 8], encoding: [direct, poisson]}", "seeds=2"])
    )
    ordered = estimate.longest_first(plan.runs)
    assert [(run.seed, run.cell.label) for run in ordered] == [
        (0, "timesteps=8"),
        (1, "timesteps=8"),
        (0, "baseline"),
        (0, "encoding=poisson"),
        (1, "baseline"),
        (1, "encoding=poisson"),
        (0, "timesteps=2"),
        (1, "timesteps=2"),
    ]
