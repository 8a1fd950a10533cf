"""Paired statistics: hand-computed examples, scipy as a second opinion, and what must hold for any data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from reports.statistics import paired

SAMPLES = arrays(np.float64, st.integers(2, 12), elements=st.floats(-1, 1))


def test_hand_computed_example() -> None:
    """Differences 1, 2, 3: mean 2, SD 1, t = 2 sqrt(3) at 2 df, whose p is 1 - t / sqrt(2 + t^2)."""
    of = paired.moments([[0.01, 0.02, 0.03]])
    t = 2 * math.sqrt(3)
    assert of.mean[0] == pytest.approx(0.02)
    assert of.sd[0] == pytest.approx(0.01)
    assert paired.t_value(of)[0] == pytest.approx(t)
    assert paired.two_sided(of)[0] == pytest.approx(1 - t / math.sqrt(2 + t * t))
    low, high = paired.interval(of)
    assert (low[0], high[0]) == pytest.approx(
        (0.02 - 4.302653 * 0.01 / math.sqrt(3), 0.02 + 4.302653 * 0.01 / math.sqrt(3))
    )
    assert paired.effect_size(of)[0] == pytest.approx(2 * (1 - 3 / 7))


@settings(max_examples=60, deadline=None)
@given(SAMPLES, st.randoms(use_true_random=False))
def test_agrees_with_scipy(level: np.ndarray, random: object) -> None:
    reference = np.random.default_rng(len(level)).normal(0, 0.3, len(level))
    theirs = stats.ttest_rel(level, reference)
    of = paired.moments([level - reference])
    assert paired.two_sided(of)[0] == pytest.approx(theirs.pvalue, rel=1e-9)
    interval = theirs.confidence_interval(0.95)
    assert (paired.interval(of)[0][0], paired.interval(of)[1][0]) == pytest.approx((interval.low, interval.high))


def test_one_sided_tests_against_the_margin_agree_with_scipy() -> None:
    differences = np.array([0.001, -0.003, 0.004, 0.002, -0.001])
    lower = stats.ttest_1samp(differences, -0.01, alternative="greater").pvalue
    upper = stats.ttest_1samp(differences, 0.01, alternative="less").pvalue
    assert paired.within_margin(paired.moments([differences]), 0.01)[0] == pytest.approx(max(lower, upper))


def test_missing_blocks_are_left_out() -> None:
    whole, holed = paired.moments([[0.1, 0.2, 0.4]]), paired.moments([[0.1, np.nan, 0.2, 0.4]])
    assert holed.n[0] == 3
    assert paired.two_sided(holed)[0] == paired.two_sided(whole)[0]


def test_no_spread_leaves_the_point_and_no_p() -> None:
    """0.93 - 0.92 and 0.53 - 0.52 differ in the last bits: that is no spread either."""
    of = paired.moments([[0.93 - 0.92, 0.53 - 0.52, 0.13 - 0.12]])
    assert of.degenerate[0]
    low, high = paired.interval(of)
    assert low[0] == high[0] == of.mean[0]
    assert math.isnan(paired.two_sided(of)[0])
    assert math.isnan(paired.effect_size(of)[0])


def test_one_block_has_a_mean_and_nothing_else() -> None:
    of = paired.moments([[0.1, np.nan]])
    assert of.mean[0] == 0.1
    assert all(math.isnan(each[0]) for each in (*paired.interval(of), paired.two_sided(of), of.sd))


@settings(max_examples=60, deadline=None)
@given(SAMPLES)
def test_swapping_level_and_reference_negates(differences: np.ndarray) -> None:
    one, other = paired.moments([differences]), paired.moments([-differences])
    assert other.mean[0] == -one.mean[0]
    assert np.array_equal(paired.two_sided(one), paired.two_sided(other), equal_nan=True)
    assert paired.interval(other)[0][0] == pytest.approx(-paired.interval(one)[1][0])


def test_sign_flip_counts_the_sign_patterns() -> None:
    """Of the 2^6 sign patterns of six equal-signed differences two are as extreme as the data."""
    assert paired.sign_flip([0.1, 0.2, 0.3, 0.1, 0.2, 0.3], 0.05) == pytest.approx(2 / 64)
    assert math.isnan(paired.sign_flip([0.1] * 5, 0.05)), "2^-4 = .0625 could not have reached .05"


def test_improvement_counts_ties_one_half() -> None:
    assert paired.improvement([0.9, 0.8, 0.7], [0.8, 0.8, 0.8], maximize=True) == 0.5
    assert paired.improvement([0.9, 0.9, 0.8], [0.8, 0.8, 0.8], maximize=False) == pytest.approx(1 / 6)


def test_correlation_needs_three_pairs_and_spread() -> None:
    assert paired.correlation([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]) == pytest.approx(1)
    assert math.isnan(paired.correlation([0.1, 0.2], [0.2, 0.3]))
    assert math.isnan(paired.correlation([0.1, 0.1, 0.1], [0.2, 0.3, 0.1]))
