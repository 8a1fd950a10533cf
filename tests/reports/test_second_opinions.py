"""The statistics against scipy, statsmodels and autorank, where those have the same procedure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from autorank import autorank
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from reports.statistics import paired
from reports.statistics.power import detectable_effect
from reports.statistics.verdict import Rules, judge

LEVEL = np.array([0.912, 0.921, 0.905, 0.934, 0.918, 0.907, 0.926])
REFERENCE = np.array([0.909, 0.915, 0.908, 0.925, 0.916, 0.902, 0.919])


def test_the_sign_flip_test_is_the_exact_permutation_test_of_scipy() -> None:
    theirs = stats.permutation_test(
        (LEVEL - REFERENCE,), lambda each, axis: np.mean(each, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=np.inf,
    )  # fmt: skip
    assert paired.sign_flip(LEVEL - REFERENCE, 0.05) == pytest.approx(theirs.pvalue)


def test_with_untied_sizes_of_one_step_it_is_the_signed_rank_test() -> None:
    """Differences that are their own ranks: both tests count the same sign patterns."""
    differences = np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    assert paired.sign_flip(differences, 0.05) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_equivalence_is_that_of_statsmodels() -> None:
    larger, *_ = ttost_paired(LEVEL, REFERENCE, -0.01, 0.01)
    assert paired.within_margin(paired.moments([LEVEL - REFERENCE]), 0.01)[0] == pytest.approx(larger)


@pytest.mark.parametrize("blocks", [3, 5, 20])
def test_the_detectable_effect_is_that_of_statsmodels(blocks: int) -> None:
    theirs = TTestPower().solve_power(nobs=blocks, alpha=0.05 / 4, power=0.8, alternative="larger")
    one_sided = detectable_effect(blocks, 2)  # a two-sided test at .05/2 has the critical value of a one-sided at .05/4
    assert one_sided == pytest.approx(theirs, rel=1e-6)


def test_a_family_is_ttest_rel_with_holm() -> None:
    levels = np.random.default_rng(4).normal(0.9, 0.01, (5, 8))
    reference = np.random.default_rng(5).normal(0.9, 0.01, 8)
    p = [stats.ttest_rel(each, reference).pvalue for each in levels]
    assert judge(levels - reference, 1.0, Rules(0.01)).p_adjusted == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.filterwarnings("ignore")
def test_autorank_compares_two_levels_by_the_same_test() -> None:
    """Of several levels it would test all pairs after an omnibus test; with two it is the paired t test."""
    data = pd.DataFrame({"level": LEVEL, "reference": REFERENCE})
    theirs = autorank(data, alpha=0.05, verbose=False, approach="frequentist", force_mode="parametric")
    assert theirs.omnibus == "ttest"
    of = paired.moments([LEVEL - REFERENCE])
    assert theirs.pvalue == pytest.approx(paired.two_sided(of)[0])
