"""What the seeds of a study can tell: against statsmodels, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from synthetic_studies import one_factor

from reports.analyses.power import Power
from reports.results import StudyResults
from reports.statistics.power import blocks_for_half_width, detectable_effect

REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]
WORSE = [0.87, 0.90, 0.87, 0.90, 0.89]
OPEN = [0.91, 0.90, 0.93, 0.92, 0.93]


def study(**changes: object) -> StudyResults:
    values = {"baseline": {"": REFERENCE}, "residual": {"plain": WORSE, "ms": OPEN}}
    return one_factor(values, baseline={"residual": "sresnet"}, **changes)


@pytest.mark.parametrize(("blocks", "contrasts"), [(3, 1), (5, 1), (5, 4), (20, 7)])
def test_the_detectable_effect_is_the_one_of_statsmodels(blocks: int, contrasts: int) -> None:
    expected = TTestPower().solve_power(nobs=blocks, alpha=0.05 / contrasts, power=0.8)
    assert detectable_effect(blocks, contrasts) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("sd", "contrasts"), [(0.5, 1), (1.5, 1), (3.0, 4), (40.0, 2)])
def test_blocks_for_a_half_width_are_the_fewest_that_reach_it(sd: float, contrasts: int) -> None:
    def half_width(n: int) -> float:
        return float(stats.t.ppf(1 - 0.025 / contrasts, n - 1) * sd / math.sqrt(n))

    found = blocks_for_half_width(sd, 1.0, contrasts)
    assert found is not None and half_width(found) <= 1.0
    assert found == 2 or half_width(found - 1) > 1.0


def test_no_spread_needs_two_blocks_and_too_much_or_an_unknown_one_has_no_number() -> None:
    assert blocks_for_half_width(0.0, 1.0, 1) == 2
    assert blocks_for_half_width(1e6, 1.0, 1) is None
    assert blocks_for_half_width(float("nan"), 1.0, 1) is None


def test_each_row_has_its_own_sd_and_undecided_rows_the_blocks_for_the_margin() -> None:
    card = Power().compute(study())
    worse, still_open = card.frame.to_dict("records")
    assert (worse["level"], worse["verdict"], still_open["verdict"]) == ("plain", "worse", "undecided")
    sd = np.std(np.subtract(OPEN, REFERENCE), ddof=1)
    # The chi-square quantiles of 4 degrees of freedom are 11.1433 and 0.4844.
    expected = (sd, sd * math.sqrt(4 / 11.1433), sd * math.sqrt(4 / 0.4844))
    assert [still_open[name] for name in ("sd", "sd_low", "sd_high")] == pytest.approx(expected, rel=1e-4)
    assert still_open["detectable"] == pytest.approx(detectable_effect(5, 2) * sd)
    assert still_open["blocks"] == blocks_for_half_width(sd, 0.01, 2)
    assert math.isnan(worse["blocks"])
    assert card.table is not None and card.table.headers[-1] == "seed blocks for ±1 point"
    assert card.table.rows[0][-1] == "" and card.table.rows[1][-1].startswith(f"{still_open['blocks']:.0f} (")


def test_without_a_margin_no_number_of_seeds_is_named() -> None:
    card = Power().compute(study(margin=None))
    assert card.table is not None and card.table.headers[-1] == "detected from, points"
    assert card.prose[-1].startswith("No margin is set")


def test_without_two_differing_blocks_the_card_says_so() -> None:
    alike = {"baseline": {"": [0.9]}, "residual": {"plain": [0.8]}}
    reason = Power().inapplicable(one_factor(alike, baseline={"residual": "sresnet"}))
    assert reason == "no contrast has two seed blocks whose differences differ"
