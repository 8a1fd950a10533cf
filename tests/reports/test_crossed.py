"""Intervals over seed blocks and test samples at once."""

from __future__ import annotations

import base64
import dataclasses
import math

import numpy as np
import pytest
from synthetic_studies import one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.analyses.recommendations import Recommendations
from reports.effects import effects
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.crossed import crossed_interval

SAMPLES = 497


def test_without_any_spread_the_interval_is_the_point() -> None:
    assert crossed_interval(np.full((4, 50), 0.25), seed=0) == (0.25, 0.25)


def test_one_block_or_one_sample_has_no_interval() -> None:
    assert all(math.isnan(each) for each in crossed_interval(np.ones((1, 50)), seed=0))
    assert all(math.isnan(each) for each in crossed_interval(np.ones((5, 1)), seed=0))


def test_blocks_alike_leave_the_spread_of_the_samples() -> None:
    """Every block the same: the standard error is that of a mean over samples."""
    column = np.repeat([1.0, 0.0, -1.0], [60, 300, 40])
    low, high = crossed_interval(np.tile(column, (5, 1)), seed=3)
    error = column.std() / math.sqrt(len(column))
    assert (low, high) == pytest.approx((column.mean() - 1.96 * error, column.mean() + 1.96 * error), abs=0.25 * error)


def test_samples_alike_leave_the_spread_of_the_blocks() -> None:
    blocks = np.linspace(-0.1, 0.1, 40)
    low, high = crossed_interval(np.tile(blocks[:, None], (1, 300)), seed=3)
    error = blocks.std() / math.sqrt(len(blocks))
    assert (low, high) == pytest.approx((-1.96 * error, 1.96 * error), abs=0.25 * error)


def test_it_covers_where_an_interval_over_seeds_misses() -> None:
    """Two equally good levels that suit different samples (simulated; 150 studies of 10 blocks, 300 samples)."""
    rng = np.random.default_rng(7)
    inside = {"crossed": 0, "seeds": 0}
    for study in range(150):
        suits = rng.normal(1, 1.5, 300) + rng.normal(0, 1.2, (2, 1, 300)) + rng.normal(0, 0.1, (2, 10, 1))
        correct = rng.random((2, 10, 300)) < 1 / (1 + np.exp(-suits))
        differences = correct[0].astype(float) - correct[1]
        low, high = crossed_interval(differences, seed=study)
        inside["crossed"] += low <= 0 <= high
        t_low, t_high = paired.interval(paired.moments(differences.mean(axis=1)))
        inside["seeds"] += t_low[0] <= 0 <= t_high[0]
    assert inside["crossed"] >= 0.9 * 150
    assert inside["seeds"] < inside["crossed"] - 10


def _with_bits(seed: int = 0) -> StudyResults:
    """A study whose runs' accuracies are those of the bits it stores; `plain` is right on fewer samples."""
    rng = np.random.default_rng(seed)
    easy = rng.random(SAMPLES)
    bits = {"baseline": rng.random((5, SAMPLES)) < 0.5 + 0.5 * easy, "plain": rng.random((5, SAMPLES)) < 0.6 * easy}
    values = {
        "baseline": {"": bits["baseline"].mean(1).tolist()},
        "residual": {"plain": bits["plain"].mean(1).tolist()},
    }
    study = one_factor(values, baseline={"residual": "sresnet"})
    names = {"baseline": "baseline", "plain": "residual=plain"}
    correct = {
        row.run_id: base64.b64encode(np.packbits(bits[key][row.seed]).tobytes()).decode()
        for row in study.runs.itertuples()
        for key, cell in names.items()
        if row.cell == cell
    }
    return dataclasses.replace(study, correct=correct)


def test_a_contrast_carries_the_wider_interval() -> None:
    row = effects(_with_bits()).iloc[0]
    assert row["ci_task_high"] - row["ci_task_low"] >= row["ci_high"] - row["ci_low"]
    assert row["ci_task_low"] < row["difference"] < row["ci_task_high"]


def test_runs_without_bits_leave_it_out() -> None:
    study = _with_bits()
    incomplete = dataclasses.replace(study, correct=dict(list(study.correct.items())[1:]))
    assert math.isnan(effects(incomplete).iloc[0]["ci_task_low"])


def test_the_guide_speaks_of_the_task_with_it() -> None:
    study = _with_bits()
    row = effects(study).iloc[0]
    notes = " ".join(AxisEffects("residual").compute(study).notes)
    assert f"plain {100 * row['ci_task_low']:+.1f} to {100 * row['ci_task_high']:+.1f}" in notes
    assert "on this test set" not in " ".join(Recommendations().compute(study).frame["recommendation"])
