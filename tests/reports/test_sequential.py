"""Boundaries for several looks: published constants, an independent integral, simulated paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from reports.statistics.sequential import BOUNDARIES, Boundary, Stage, crossing


@pytest.mark.parametrize(
    ("looks", "boundary", "alpha", "constant"),
    [
        (2, "pocock", 0.05, 2.178), (3, "pocock", 0.05, 2.289), (5, "pocock", 0.05, 2.413), (5, "pocock", 0.01, 2.986),
        (2, "obrien_fleming", 0.05, 1.977), (3, "obrien_fleming", 0.05, 2.004), (5, "obrien_fleming", 0.05, 2.040),
        (5, "obrien_fleming", 0.10, 1.751),
    ],
)  # fmt: skip
def test_the_constants_of_equally_spaced_looks_are_the_published_ones(
    looks: int, boundary: Boundary, alpha: float, constant: float
) -> None:
    """Jennison and Turnbull 2000, tables 2.1 and 2.3."""
    at = tuple(range(1, looks + 1))
    assert crossing(at, boundary, constant) == pytest.approx(alpha, rel=0.004)


@pytest.mark.parametrize("constant", [0.5, 1.2, 2.0, 3.5])
@pytest.mark.parametrize("at", [(5, 10), (3, 20), (9, 10)])
def test_two_looks_agree_with_the_bivariate_normal_distribution(at: tuple[int, int], constant: float) -> None:
    share = at[0] / at[1]
    first, second = constant / np.sqrt(share), constant
    covariance = [[1.0, np.sqrt(share)], [np.sqrt(share), 1.0]]
    neither = multivariate_normal([0, 0], covariance).cdf([first, second])
    assert crossing(at, "obrien_fleming", constant, sides=1) == pytest.approx(1 - neither, abs=1e-5)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_paths_without_drift_cross_as_often_as_said(boundary: Boundary) -> None:
    at = (4, 8, 12)
    steps = np.random.default_rng(0).standard_normal((100_000, 12))
    z = steps.cumsum(axis=1)[:, [3, 7, 11]] / np.sqrt(at)
    levels = [Stage(at, look, boundary).alpha(0.05) for look in range(3)]
    crossed = (np.abs(z) >= norm.isf(np.array(levels) / 2)).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 100_000))


@given(
    look=st.integers(0, 2),
    boundary=st.sampled_from(BOUNDARIES),
    p=st.lists(st.floats(1e-12, 1.0), min_size=2, max_size=2).map(sorted),
)
def test_a_repeated_p_is_never_smaller_and_keeps_the_order(look: int, boundary: Boundary, p: list[float]) -> None:
    stage = Stage((3, 5, 9), look, boundary)
    for repeated in (stage.two_sided(np.array(p)), stage.one_sided(np.array(p))):
        assert p[0] <= repeated[0] <= repeated[1] + 1e-9 <= 1 + 1e-9
        assert p[1] <= repeated[1]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("look", [0, 1])
def test_p_values_and_levels_are_two_sides_of_one_boundary(boundary: Boundary, look: int) -> None:
    stage = Stage((5, 10), look, boundary)
    assert stage.two_sided(np.array([stage.alpha(0.05)]))[0] == pytest.approx(0.05, rel=1e-6)


def test_obrien_and_fleming_ask_most_of_the_first_look_and_pocock_the_same_of_all() -> None:
    first, last = (Stage((5, 10), look).alpha(0.05) for look in (0, 1))
    assert first == pytest.approx(0.0052, abs=1e-4)
    assert last == pytest.approx(0.0480, abs=1e-4)
    assert Stage((5, 10), 0, "pocock").alpha(0.05) == pytest.approx(Stage((5, 10), 1, "pocock").alpha(0.05))


def test_what_has_no_p_gets_none_and_the_smallest_ones_stay_probabilities() -> None:
    found = Stage((5, 10), 0).two_sided(np.array([np.nan, 0.0, 1e-300, 1.0]))
    assert np.isnan(found[0])
    assert 0 <= found[1] <= found[2] < 1e-50
    assert found[3] == 1.0


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("look", [0, 1])
def test_one_sided_levels_and_p_values_are_two_sides_of_one_boundary(boundary: Boundary, look: int) -> None:
    """Half the level of a two-sided test at twice alpha, but for paths that cross both boundaries."""
    stage = Stage((5, 10), look, boundary)
    level = stage.alpha(0.05, sides=1)
    assert stage.one_sided(np.array([level]))[0] == pytest.approx(0.05, rel=1e-6)
    assert level == pytest.approx(stage.alpha(0.10) / 2, rel=0.005)
