"""Verdicts: each rule on data that trigger it, and their error rates in simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reports.statistics import paired
from reports.statistics.verdict import BELOW_MARGIN, Rules, judge

CLEAR = [0.051, 0.049, 0.050, 0.052, 0.048]
TINY = [0.0021, 0.0019, 0.0020, 0.0022, 0.0018]
NOISE = [0.05, -0.06, 0.02, -0.01, 0.03]
NOTHING = [0.0001, -0.0001, 0.0002, -0.0002, 0.0001]


@pytest.mark.parametrize(
    ("differences", "rules", "verdict"),
    [
        (CLEAR, Rules(0.01), "better"),
        (CLEAR, Rules(0.01, maximize=False), "worse"),
        ([-each for each in CLEAR], Rules(0.01), "worse"),
        (NOTHING, Rules(0.01), "equivalent"),
        (NOTHING, Rules(None), "undecided"),
        (NOISE, Rules(0.01), "undecided"),
        ([0.05], Rules(0.01), "not testable"),
        ([0.0] * 5, Rules(0.01), "undecided"),
    ],
)
def test_each_rule(differences: list[float], rules: Rules, verdict: str) -> None:
    assert judge([differences], 1.0, rules).verdicts == (verdict,)


def test_a_difference_below_the_margin_is_equivalent_and_says_so() -> None:
    judged = judge([TINY], 1.0, Rules(0.01))
    assert judged.p_adjusted[0] <= 0.05
    assert (judged.verdicts, judged.reasons) == (("equivalent",), (BELOW_MARGIN,))


def test_the_family_makes_a_contrast_harder() -> None:
    borderline = [0.010, 0.004, 0.012, 0.001, 0.013]
    assert judge([borderline], 1.0, Rules(None)).verdicts == ("better",)
    assert judge([borderline, NOISE, NOISE], 1.0, Rules(None)).verdicts[0] == "undecided"


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (3, 5), elements=st.floats(-0.2, 0.2)), st.booleans())
def test_verdicts_follow_the_sign_and_the_direction(differences: np.ndarray, maximize: bool) -> None:
    judged = judge(differences, 1.0, Rules(0.01, maximize))
    for verdict, mean in zip(judged.verdicts, judged.moments.mean, strict=True):
        if verdict in ("better", "worse"):
            assert (verdict == "better") == ((mean > 0) == maximize)


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (2, 5), elements=st.floats(-0.2, 0.2)))
def test_the_mirrored_direction_mirrors_the_verdicts(differences: np.ndarray) -> None:
    mirror = {"better": "worse", "worse": "better"}
    up, down = judge(differences, 1.0, Rules(0.01, True)), judge(differences, 1.0, Rules(0.01, False))
    assert down.verdicts == tuple(mirror.get(each, each) for each in up.verdicts)


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_simulated_coverage_and_familywise_error(blocks: int) -> None:
    """Shared reference, shared seed effects, unequal variances: 95 % intervals cover, families err in at most 5 %.

    Limits are four Monte Carlo standard errors away from the claims.
    """
    random, studies, m = np.random.default_rng(blocks), 1500, 4
    reference = random.normal(0, 0.02, (studies, 1, blocks))
    levels = random.normal(0, 1, (studies, m, blocks)) * np.array([0.005, 0.01, 0.02, 0.04])[:, None]
    differences = levels - reference
    of = paired.moments(differences.reshape(-1, blocks))
    low, high = paired.interval(of)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / studies))
    wrong = sum(any(v in ("better", "worse") for v in judge(each, 1.0, Rules(None)).verdicts) for each in differences)
    assert wrong / studies <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / studies)


def test_simulated_equivalence_is_wrong_in_at_most_one_of_twenty() -> None:
    """Worst case: the true difference is the margin itself."""
    random, studies = np.random.default_rng(1), 2000
    differences = random.normal(0.01, 0.004, (studies, 1, 5))
    wrong = sum(judge(each, 1.0, Rules(0.01)).verdicts[0] == "equivalent" for each in differences)
    assert wrong / studies <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / studies)
