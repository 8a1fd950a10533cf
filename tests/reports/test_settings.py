"""The interval over other settings of the remaining axes: by hand, against REML, by simulation, and in the tables."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from synthetic_studies import factorial, one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.effects import axis_effects
from reports.statistics.settings import mean_squares, settings_interval


def test_by_hand() -> None:
    differences = np.array([[1.0, 2.0], [9.0, 12.0]])  # means 1.5 and 10.5 by cell, 5 and 7 by block
    assert mean_squares(differences) == (81.0, 4.0, 1.0)
    variance, df = 84 / 4, 84**2 / (81**2 + 4**2 + 1**2)
    half = t.ppf(0.975, df) * variance**0.5
    assert settings_interval(differences) == pytest.approx((6 - half, 6 + half))
    fractions = settings_interval(differences / 1000)  # the size of differences of accuracies
    assert fractions == pytest.approx(((6 - half) / 1000, (6 + half) / 1000))


def test_the_variance_components_are_those_of_reml() -> None:
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    rng = np.random.default_rng(3)
    shape = (6, 8)
    values = 2 * rng.normal(size=(6, 1)) + 1.5 * rng.normal(size=(1, 8)) + rng.normal(size=shape)
    cell, block = np.indices(shape)
    frame = pd.DataFrame({"d": values.ravel(), "cell": cell.ravel(), "block": block.ravel(), "all": 1})
    parts = {"cell": "0 + C(cell)", "block": "0 + C(block)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = statsmodels.mixedlm("d ~ 1", frame, groups="all", vc_formula=parts).fit(reml=True)
    of_cells, of_blocks, of_error = mean_squares(values)
    found = {"block": (of_blocks - of_error) / 6, "cell": (of_cells - of_error) / 8}
    assert dict(zip(sorted(parts), fitted.vcomp, strict=True)) == pytest.approx(found, rel=1e-3)
    assert fitted.scale == pytest.approx(of_error, rel=1e-3)


@pytest.mark.parametrize(
    ("cells", "blocks", "of_cells", "of_blocks"),
    [(4, 5, 0, 0), (4, 5, 3, 0), (4, 10, 1, 1), (12, 3, 0, 1), (12, 10, 3, 3)],
)
def test_it_covers_what_it_claims(cells: int, blocks: int, of_cells: float, of_blocks: float) -> None:
    """1,000 studies, Monte Carlo error 0.7 points; it may be too wide where neither cells nor blocks differ."""
    rng = np.random.default_rng(1)
    studies = (
        of_cells * rng.normal(size=(cells, 1))
        + of_blocks * rng.normal(size=(1, blocks))
        + rng.normal(size=(cells, blocks))
        for _ in range(1000)
    )
    covered = [low <= 0 <= high for low, high in map(settings_interval, studies)]
    assert 0.93 <= np.mean(covered) <= 0.995


def test_it_is_never_narrower_than_the_interval_over_seeds() -> None:
    differences = np.array([[1.0, 5.0], [5.0, 9.0], [3.0, 7.0]]) + np.array([[0, 0.5], [0.5, 0], [0, 0]])
    low, high = settings_interval(differences)
    means = differences.mean(axis=0)
    assert high - low >= 2 * t.ppf(0.975, 1) * means.std(ddof=1) / 2**0.5


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (0, 3)])
def test_one_cell_or_one_block_has_none(shape: tuple[int, int]) -> None:
    assert np.isnan(settings_interval(np.zeros(shape))).all()


def test_blocks_that_lack_a_cell_are_left_out_and_ties_give_the_point() -> None:
    values = np.array([[0.5, 0.5, np.nan], [0.5, 0.5, 9.0]])
    assert settings_interval(values) == (0.5, 0.5)


def test_a_factorial_contrast_has_it_and_the_card_says_what_it_is() -> None:
    made = factorial(
        {("a", "x"): [0.5, 0.52], ("b", "x"): [0.51, 0.55], ("a", "y"): [0.6, 0.6], ("b", "y"): [0.65, 0.69]},
        {"one": ["a", "b"], "two": ["x", "y"]},
    )
    row = axis_effects(made, "one").iloc[0]
    expected = settings_interval(np.array([[0.01, 0.03], [0.05, 0.09]]))
    assert (row["ci_settings_low"], row["ci_settings_high"]) == pytest.approx(expected)
    assert row["ci_settings_low"] < row["ci_low"]
    (note,) = [each for each in AxisEffects("one").compute(made).notes if "other settings" in each]
    assert "b -" in note and "seeds" in note


def test_around_a_baseline_there_are_no_settings_to_speak_of() -> None:
    made = one_factor({"baseline": {"": [0.5, 0.6]}, "one": {"b": [0.7, 0.9]}}, baseline={"one": "a"})
    assert axis_effects(made, "one")["ci_settings_low"].isna().all()
    assert not [each for each in AxisEffects("one").compute(made).notes if "other settings" in each]
