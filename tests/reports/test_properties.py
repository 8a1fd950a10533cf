"""What must hold of verdicts whatever the data: symmetries, order, and what more loss may not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic_studies import one_factor

from reports.effects import effects
from reports.frames import to_csv
from reports.guide import write_guide
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.holm import holm
from reports.statistics.verdict import Rules, judge

DECIDED = {"better", "worse", "equivalent"}
# In steps that a sum of a few keeps exactly, so that symmetries hold to the last digit.
STEPS = st.integers(-400, 400).map(lambda each: each / 4096)
DIFFERENCES = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 9)), elements=STEPS)


@settings(max_examples=80, deadline=None)
@given(DIFFERENCES)
def test_swapping_level_and_reference_mirrors_the_verdicts(differences: np.ndarray) -> None:
    mirror = {"better": "worse", "worse": "better"}
    one, other = judge(differences, 1.0, Rules(0.01)), judge(-differences, 1.0, Rules(0.01))
    assert other.verdicts == tuple(mirror.get(each, each) for each in one.verdicts)
    assert other.p_adjusted == pytest.approx(one.p_adjusted, nan_ok=True)


@settings(max_examples=80, deadline=None)
@given(DIFFERENCES, st.sampled_from([0.25, 2.0, 8.0]))
def test_another_unit_of_the_metric_changes_no_verdict(differences: np.ndarray, unit: float) -> None:
    one = judge(differences, 1.0, Rules(0.01))
    assert judge(differences * unit, unit, Rules(0.01 * unit)).verdicts == one.verdicts


@settings(max_examples=80, deadline=None)
@given(DIFFERENCES, st.integers(0, 1000))
def test_the_order_of_seeds_and_levels_does_not_matter(differences: np.ndarray, seed: int) -> None:
    draw = np.random.default_rng(seed)
    levels, seeds = draw.permutation(len(differences)), draw.permutation(differences.shape[1])
    one, other = judge(differences, 1.0, Rules(0.01)), judge(differences[levels][:, seeds], 1.0, Rules(0.01))
    assert other.p_adjusted == pytest.approx(one.p_adjusted[levels], nan_ok=True)


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_keeps_the_order_and_never_makes_a_p_smaller(p: np.ndarray) -> None:
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@given(DIFFERENCES, st.floats(0.5, 0.98), st.floats(0.001, 0.019))
def test_intervals_of_more_confidence_hold_those_of_less(differences: np.ndarray, less: float, more: float) -> None:
    of = paired.moments(differences)
    (low, high), (lower, higher) = paired.interval(of, less), paired.interval(of, less + more)
    assert (lower <= low).all() and (higher >= high).all()


RUNS = st.lists(st.integers(700, 950).map(lambda each: each / 1000), min_size=4, max_size=7)


@settings(max_examples=40, deadline=None)
@given(RUNS, st.integers(-200, 30), st.data())
def test_a_further_lost_run_decides_nothing(reference: list[float], shift: int, data: st.DataObject) -> None:
    """A block that is lost on top may take a verdict away; it never turns an undecided contrast into a decided one.

    The lost run's own value may have been the one that stood in the way, so this holds of the bounds alone: whatever is
    decided then is decided with that value too.
    """
    noise = data.draw(st.lists(st.integers(-9, 9), min_size=len(reference), max_size=len(reference)))
    level = [min(1.0, each + (shift + extra) / 1000) for each, extra in zip(reference, noise, strict=True)]
    at = data.draw(st.integers(0, len(reference) - 1))
    lost: list[float | str] = [*level[:at], "killed", *level[at + 1 :]]
    before, after = (_verdict(reference, each) for each in (level, lost))
    assert after not in DECIDED or after == before


def _verdict(reference: list[float], level: list[float] | list[float | str]) -> str:
    values = {"baseline": {"": reference}, "residual": {"plain": level}}
    return str(effects(one_factor(values, baseline={"residual": "sresnet"})).iloc[0]["verdict"])


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResults, list[bytes]]:
    """A study and its guide."""
    values = {"baseline": {"": [0.9, 0.91, 0.89, "killed"]}, "residual": {"a": [0.8, 0.82, 0.83, 0.81],
              "b": [0.9, "diverged at epoch 1", 0.91, 0.9]}}  # fmt: skip
    study = one_factor(values, baseline={"residual": "sresnet"})
    return study, [path.read_bytes() for path in write_guide(study, tmp_path_factory.mktemp("ordered"))]


@settings(max_examples=10, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_rows_in_any_order_give_the_same_bytes(
    ordered: tuple[StudyResults, list[bytes]], tmp_path_factory: pytest.TempPathFactory, random: object
) -> None:
    first, guide = ordered
    order = list(range(len(first.runs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    other = StudyResults(first.study, first.runs.iloc[order], first.curves, first.layers, (), {}, first.provenance)
    assert to_csv(effects(first)) == to_csv(effects(other))
    assert [path.read_bytes() for path in write_guide(other, tmp_path_factory.mktemp("shuffled"))] == guide
