"""Holm's adjustment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from reports.statistics.holm import holm

FAMILY = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def test_hand_computed_example() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@settings(max_examples=60, deadline=None)
@given(FAMILY)
def test_agrees_with_statsmodels(family: list[float]) -> None:
    assert holm(family) == pytest.approx(multipletests(family, method="holm")[1])


@given(FAMILY)
def test_keeps_the_order_and_never_lowers(family: list[float]) -> None:
    adjusted, order = holm(family), np.argsort(family)
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= np.array(family)).all()


def test_a_missing_p_keeps_its_place_in_the_family() -> None:
    assert holm([0.01, np.nan])[0] == pytest.approx(0.02)
    assert np.isnan(holm([0.01, np.nan])[1])
