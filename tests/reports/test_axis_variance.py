"""Shares of variance around a baseline: by hand, against statsmodels, and with runs that are not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from synthetic_studies import one_factor

from reports.analyses.axis_variance import AxisVariance
from reports.guide import cards
from reports.results import StudyResults

BASELINE = {"residual": "sresnet", "timesteps": "4"}


def study(**levels: list[float | str]) -> StudyResults:
    """Levels of `residual` around a baseline of 0.80, 0.82, 0.84."""
    values = {"baseline": {"": [0.80, 0.82, 0.84]}, "residual": levels, "timesteps": {"8": [0.85, 0.86, 0.90]}}
    return one_factor(values, baseline=BASELINE)


def row(results: StudyResults, axis: str = "residual") -> dict[str, float]:
    return AxisVariance().compute(results).frame.set_index("axis").loc[axis].to_dict()


def test_levels_that_differ_alike_in_all_blocks_leave_nothing_to_seed_and_level_together() -> None:
    """Ten points apart, blocks two points apart: sums of squares 6 x .05^2 = .015 and 2 x 2 x .02^2 = .0016."""
    found = row(study(plain=[0.70, 0.72, 0.74]))
    assert found["level_share"] == pytest.approx(0.015 / 0.0166)
    assert found["block_share"] == pytest.approx(0.0016 / 0.0166)
    assert found["residual_share"] == pytest.approx(0, abs=1e-12)
    assert found["by_chance"] == pytest.approx((1 - 0.0016 / 0.0166) / 3)


def test_shares_are_those_of_statsmodels() -> None:
    levels = {"plain": [0.71, 0.70, 0.76], "sew_add": [0.83, 0.80, 0.85]}
    values = [[0.80, 0.82, 0.84], *levels.values()]
    table = pd.DataFrame([(a, b, values[a][b]) for a in range(3) for b in range(3)], columns=["level", "block", "y"])
    squares = anova_lm(ols("y ~ C(level) + C(block)", table).fit())["sum_sq"].to_numpy()
    found = row(study(**levels))  # type: ignore[arg-type]
    shares = [found["level_share"], found["block_share"], found["residual_share"]]
    assert shares == pytest.approx(list(squares / squares.sum()))


def test_levels_without_an_effect_take_their_share_by_chance() -> None:
    draw = np.random.default_rng(5)
    found = []
    for _ in range(300):
        values = {"baseline": {"": draw.normal(0.5, 0.01, 4).tolist()},
                  "residual": {name: draw.normal(0.5, 0.01, 4).tolist() for name in "ab"}}  # fmt: skip
        found.append(row(one_factor(values, baseline={"residual": "sresnet"})))
    level, chance = (np.mean([each[name] for each in found]) for name in ("level_share", "by_chance"))
    assert level == pytest.approx(chance, abs=0.02)


def test_a_lost_run_takes_its_block_along_and_is_named() -> None:
    results = study(plain=[0.7, "out of memory", 0.74])
    assert (row(results)["blocks"], row(results)["blocks_left_out"]) == (2, 1)
    assert row(results, "timesteps")["blocks_left_out"] == 0
    assert AxisVariance().compute(results).notes[-1].endswith("has no value in them: residual 1.")


def test_a_level_without_any_value_is_left_out_rather_than_its_axis() -> None:
    assert row(study(plain=["no"] * 3, sew_add=[0.7, 0.71, 0.75]))["levels"] == 2


def test_where_nothing_varies_there_is_no_card() -> None:
    tied = one_factor({"baseline": {"": [0.8, 0.8]}, "residual": {"plain": [0.8, 0.8]}},
                      baseline={"residual": "sresnet"})  # fmt: skip
    assert AxisVariance().inapplicable(tied) is not None
    assert "variance" not in [card.key for card in cards(tied)]
    assert "variance" in [card.key for card in cards(study(plain=[0.7, 0.72, 0.75]))]
