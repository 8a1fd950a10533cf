"""What a number of seed blocks can tell, against simulation and known figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from reports.statistics import paired
from reports.statistics.power import detectable_effect, equivalence_sd, pooled_sd
from reports.statistics.sequential import Stage


def test_detectable_effect_is_detected_in_four_of_five_simulated_studies() -> None:
    effect = detectable_effect(5, 4)
    p = paired.two_sided(paired.moments(np.random.default_rng(0).normal(effect, 1, (8000, 5))))
    assert np.mean(p <= 0.05 / 4) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("contrasts", [1, 12, 400])
def test_detectable_effect_exists_for_any_number_of_blocks(contrasts: int) -> None:
    """The more blocks the smaller; for many it is that of a normal test, (z of alpha/2m + z of power) / sqrt n."""
    effects = [detectable_effect(blocks, contrasts) for blocks in (2, 3, 5, 20, 100, 1000, 10_000)]
    assert np.isfinite(effects).all() and effects == sorted(effects, reverse=True)
    assert effects[-1] == pytest.approx((ndtri(1 - 0.025 / contrasts) + ndtri(0.8)) / 100, rel=1e-2)


@pytest.mark.parametrize("contrasts", [1, 4])
def test_equivalence_is_found_in_four_of_five_simulated_studies(contrasts: int) -> None:
    """Of the smallest p of a family, which Holm compares with 5 % divided by its size."""
    sd = equivalence_sd(5, contrasts)
    p = paired.within_margin(paired.moments(np.random.default_rng(0).normal(0, sd, (8000, 5))), 1.0)
    assert np.mean(p <= 0.05 / contrasts) == pytest.approx(0.8, abs=0.02)
    assert math.isfinite(equivalence_sd(2, contrasts))


@pytest.mark.parametrize("at", [(2, 100), (5, 100), (2, 1000)])
def test_an_early_look_that_stops_at_nothing_ends_in_an_answer(at: tuple[int, ...]) -> None:
    """Its level is below what 1 - p can hold, or 0."""
    assert detectable_effect(at[0], 3, stage=Stage(at, 0)) == math.inf
    assert equivalence_sd(at[0], 3, stage=Stage(at, 0)) == 0


def test_one_block_can_tell_nothing() -> None:
    assert math.isnan(detectable_effect(1, 2))
    assert math.isnan(equivalence_sd(1, 2))


def test_pooled_sd_of_one_contrast_has_the_chi_square_interval() -> None:
    """Five blocks: 4 df, chi-square quantiles 0.4844 and 11.1433."""
    sd, low, high = pooled_sd(np.array([2.0, np.nan]), np.array([5, 1]))
    assert (sd, low, high) == pytest.approx((2, math.sqrt(16 / 11.1433), math.sqrt(16 / 0.4844)), rel=1e-4)
