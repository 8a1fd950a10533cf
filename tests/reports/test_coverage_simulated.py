"""Error rates of verdicts and intervals in studies with known effects: a quick version of the benchmark.

Limits are claims plus three binomial standard errors; seeds are fixed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_studies import CROSSED, MARGIN, Scenario, simulate

from reports.family import Family
from reports.statistics import paired

STUDIES = 500
AT_MARGIN = Scenario(effects=(MARGIN, -MARGIN, MARGIN, -MARGIN), spreads=(0.004, 0.002, 0.004, 0.008, 0.012))
FACTORIAL = Scenario(axes=CROSSED, effects=(0.0, 0.0), spreads=(0.01,) * 3, interaction=0.02)
LOST = Scenario(lost=(0.0, 0.3, 0.3, 0.3, 0.3), worst_lost=True)


def at_most(share: float, studies: int = STUDIES) -> float:
    """The share, with three binomial standard errors."""
    return share + 3 * float(np.sqrt(share * (1 - share) / studies))


@pytest.mark.parametrize(
    "scenario", [LOST, Scenario(diverged=(0.2,) * 5), FACTORIAL], ids=["lost", "diverged", "2 axes"]
)
def test_what_is_simulated_is_what_a_guide_computes(scenario: Scenario) -> None:
    """The simulation skips the table of runs; what it judges must be what the table gives."""
    random, study = np.random.default_rng(3), scenario.template(5)
    planned = Family.of(study, "residual")
    for _ in range(5):
        drawn = scenario.draw(random, study)
        short, whole = drawn.family(planned), Family.of(drawn.runs(study), "residual")
        assert np.array_equal(short.judged.moments.mean, whole.judged.moments.mean, equal_nan=True)
        assert np.array_equal(short.judged.p_adjusted, whole.judged.p_adjusted, equal_nan=True)
        assert [short.verdict(at) for at in range(2)] == [whole.verdict(at) for at in range(2)]


@pytest.mark.parametrize("blocks", [3, 10])
def test_intervals_cover_and_families_err_in_one_of_twenty(blocks: int) -> None:
    """A shared reference, seed effects that all cells share, and spreads that differ eightfold between levels."""
    errors = simulate(Scenario(), blocks, STUDIES, seed=1)
    assert errors.coverage[0] == pytest.approx(0.95, abs=at_most(0.05) - 0.05)
    assert errors.false_p.mean() <= at_most(0.05)
    assert errors.simultaneous.mean() >= 1 - at_most(0.05)


def test_a_difference_of_the_margin_is_seldom_called_equivalent() -> None:
    errors = simulate(AT_MARGIN, 10, STUDIES, seed=2)
    assert errors.false_equivalence.mean() <= at_most(0.05)
    assert errors.false_equivalence.any(), "a procedure that never finds equivalence would pass too"


def test_seeds_that_act_on_levels_do_not_narrow_the_intervals_of_a_factorial() -> None:
    """Runs as units would cover in about half of the studies."""
    assert simulate(FACTORIAL, 5, STUDIES, seed=3).coverage[0] == pytest.approx(0.95, abs=at_most(0.05) - 0.05)


def test_runs_lost_because_they_were_bad_do_not_make_a_level_better() -> None:
    errors = simulate(LOST, 10, STUDIES, seed=4)
    assert errors.false_difference.mean() <= at_most(0.05)
    assert errors.false_p.mean() > at_most(0.05), "without the bounds the complete runs would mislead"


def test_differences_are_found_and_their_sign_is_right() -> None:
    errors = simulate(Scenario(effects=(0.05, -0.05, 0.05, -0.05)), 10, 100, seed=5)
    assert errors.decided.mean() > 0.8
    assert not errors.wrong_sign.any()


def test_runs_as_units_would_be_noticed() -> None:
    """The same studies, every run of the matched cells a unit: the mistake that this file is there for."""
    random, study = np.random.default_rng(6), FACTORIAL.template(5)
    planned, inside = Family.of(study, "residual"), 0
    for _ in range(200):
        sides = FACTORIAL.draw(random, study).family(planned).sides[0]
        low, high = paired.interval(paired.moments((sides.level - sides.reference).ravel()))
        inside += low[0] <= 0 <= high[0]
    assert inside < 0.8 * 200


def test_a_larger_family_is_judged_more_strictly() -> None:
    """Four contrasts at 5 % each would err in about 15 % of studies; Holm's adjustment is what prevents it."""
    scenario = replace(Scenario(), spreads=(0.001, 0.01, 0.01, 0.01, 0.01))
    errors = simulate(scenario, 10, STUDIES, seed=7)
    assert 0.02 <= errors.false_p.mean() <= at_most(0.05)
