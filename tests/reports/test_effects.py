"""Rows of effects.csv for every kind of study: one contrast each, hand-computed, with lost and diverged runs."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from synthetic_studies import factorial, one_factor

from reports.effects import FURTHER, UNTUNED, effects
from reports.results import StudyResults
from reports.schema import EFFECTS

BASELINE = {"residual": "sresnet"}
REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]


def against(level: list[float | str], reference: list[float | str] | None = None, **changes: object) -> pd.Series:
    """The row of one contrast."""
    values = {"baseline": {"": reference or REFERENCE}, "residual": {"plain": level}}
    return effects(one_factor(values, baseline=BASELINE, **changes)).iloc[0]


def test_golden_row() -> None:
    """Differences -3, -2, -4, -3, -3 points: mean -3, SD sqrt(.5), t = -3 / sqrt(.1), half-width 2.776445 sqrt(.1)."""
    row = against([0.87, 0.90, 0.87, 0.90, 0.89])
    half = 2.776445 * math.sqrt(0.1) / 100
    t = 3 / math.sqrt(0.1)
    assert list(row.index) == [*EFFECTS, *FURTHER]
    assert row[["axis", "level", "reference", "metric", "ci_method", "verdict"]].tolist() == [
        "residual", "plain", "sresnet", "test_accuracy", "paired t", "worse",
    ]  # fmt: skip
    assert row[["cells_matched", "cells_planned", "seeds", "family_size"]].tolist() == [1, 1, 5, 1]
    numbers = row[["difference", "ci_low", "ci_high", "effect_size", "probability_of_improvement", "t_value"]].tolist()
    assert numbers == pytest.approx([-0.03, -0.03 - half, -0.03 + half, -3 / math.sqrt(0.5) * 0.8, 0, -t], rel=1e-5)
    assert (row["ci_adj_low"], row["ci_adj_high"]) == (row["ci_low"], row["ci_high"]), "a family of one needs no more"
    assert row["p_value"] == row["p_adjusted"] == pytest.approx(0.000689, rel=2e-3)
    assert row["reason"].endswith(UNTUNED)


def test_tuned_studies_and_the_published_protocol_say_so() -> None:
    level = [0.87, 0.90, 0.87, 0.90, 0.89]
    assert against(level, tuned=True)["conditions"] == "given the tuned values"
    assert against(level, protocol="paper_compat")["conditions"] == f"{UNTUNED}; test-selected"


def test_order_of_rows_changes_nothing() -> None:
    values = {
        "baseline": {"": REFERENCE},
        "residual": {"plain": [0.87, 0.9, 0.8, 0.9, 0.89], "or": [0.91, 0.9, 0.9, 0.9, 0.8]},
    }
    first = one_factor(values, baseline=BASELINE)
    runs = first.runs.sample(frac=1, random_state=1)
    shuffled = StudyResults(first.study, runs, first.curves, first.layers, (), {}, {})
    pd.testing.assert_frame_equal(effects(first), effects(shuffled), check_exact=True)


def test_bonferroni_interval_is_wider_and_the_family_counted() -> None:
    values = {
        "baseline": {"": REFERENCE},
        "residual": {"plain": [0.87, 0.9, 0.8, 0.9, 0.89], "or": [0.91, 0.9, 0.9, 0.9, 0.8]},
    }
    frame = effects(one_factor(values, baseline=BASELINE))
    assert (frame["family_size"] == 2).all()
    assert (frame["ci_adj_low"] < frame["ci_low"]).all()
    assert (frame["ci_adj_high"] > frame["ci_high"]).all()


def test_a_diverged_run_enters_at_chance_with_the_sensitivity_beside_it() -> None:
    row = against([0.87, 0.90, 0.87, 0.90, "diverged at epoch 3 (loss nan)"])
    assert row["difference"] == pytest.approx((-0.03 - 0.02 - 0.04 - 0.03 + (0.1 - 0.92)) / 5)
    assert row[["diverged_level", "diverged_reference", "runs_planned", "lost_level"]].tolist() == [1, 0, 5, 0]
    assert row["difference_without_diverged"] == pytest.approx(-0.03)
    assert row[["verdict", "verdict_without_diverged"]].tolist() == ["undecided", "worse"]


def test_a_verdict_that_flips_inside_the_bounds_of_lost_runs_is_undecided() -> None:
    row = against([0.87, 0.90, 0.87, 0.90, "worker killed by signal 9"])
    assert row["difference"] == pytest.approx(-0.03)
    assert row["bound_low"] == pytest.approx((-0.12 + (0 - 0.92)) / 5)
    assert row["bound_high"] == pytest.approx((-0.12 + (1 - 0.92)) / 5)
    assert row["verdict"] == "undecided (lost runs)"
    assert "worse without the 1 lost run," in row["reason"]


def test_lost_runs_of_both_sides_are_counted_where_they_decide() -> None:
    reference = [0.90, 0.92, 0.91, 0.93, 0.92, 0.91, "worker killed by signal 9"]
    row = against([0.87, 0.90, 0.88, 0.90, 0.90, "worker killed by signal 9", 0.88], reference)
    assert row[["lost_level", "lost_reference"]].tolist() == [1, 1]
    assert "worse without the 2 lost runs," in row["reason"]


def test_a_verdict_that_stands_at_both_bounds_is_kept() -> None:
    """Sixteen blocks of a level at chance: one lost run cannot save it."""
    reference = [0.9, 0.92] * 8
    row = against([0.1, 0.11] * 7 + [0.1, "worker killed"], reference)
    assert row[["verdict", "verdict_bound_low", "verdict_bound_high"]].tolist() == ["worse"] * 3


def test_pruned_and_outstanding_runs_never_enter() -> None:
    row = against([0.87, 0.90, 0.87, "pruned", "missing"])
    assert row["seeds"] == 3
    assert row["lost_level"] == 0
    assert pd.isna(row["bound_low"])


@pytest.mark.parametrize(
    ("level", "seeds"), [(["crash"] * 5, 0), (["crash"] * 4 + [0.9], 1)], ids=["no run", "one run"]
)
def test_fewer_than_two_blocks_are_not_testable(level: list[float | str], seeds: int) -> None:
    row = against(level)
    assert (row["verdict"], row["seeds"]) == ("not testable", seeds)
    assert pd.isna(row["p_value"])
    assert pd.isna(row["ci_low"])


def test_tied_levels_have_a_point_and_no_p() -> None:
    row = against(list(REFERENCE))
    assert (row["difference"], row["ci_low"], row["ci_high"], row["ci_method"]) == (0, 0, 0, "degenerate")
    assert pd.isna(row["p_value"])
    assert row["verdict"] == "undecided"
    assert "no spread" in row["reason"]


def test_a_complete_run_without_the_metric_is_lost() -> None:
    row = against([0.87, 0.90, 0.87, 0.90, float("nan")])
    assert (row["seeds"], row["lost_level"]) == (4, 1)


def test_without_a_margin_nothing_is_equivalent() -> None:
    close = [each + small for each, small in zip(REFERENCE, (1e-4, -1e-4, 2e-4, -2e-4, 1e-4), strict=True)]
    assert against(close)["verdict"] == "equivalent"
    assert against(close, margin=None)["verdict"] == "undecided"


def test_an_excluded_level_has_a_row_that_says_why_and_no_place_in_the_family() -> None:
    excluded = [{"cell": "residual=or", "cell_id": "x", "levels": {"residual": "or"}, "reason": "makes no sense"}]
    frame = effects(
        one_factor({"baseline": {"": REFERENCE}, "residual": {"plain": [0.8, 0.9, 0.9, 0.9, 0.9]}}, baseline=BASELINE,
                   axes={"residual": ["plain", "or"]}, exclusions=excluded)
    ).set_index("level")  # fmt: skip
    assert frame.loc["or", ["verdict", "cells_matched", "cells_planned"]].tolist() == ["not testable", 0, 1]
    assert frame.loc["or", "reason"].startswith("excluded: makes no sense")
    assert frame.loc["plain", "family_size"] == 1


AXES = {"residual": ["sresnet", "plain"], "timesteps": ["4", "8"]}


def test_factorial_differences_are_averaged_within_a_block_first() -> None:
    """Block differences of plain: (-1 - 3) / 2 = -2, (-2 - 4) / 2 = -3, (-3 - 5) / 2 = -4 points."""
    frame = effects(
        factorial({("sresnet", "4"): [0.9] * 3, ("plain", "4"): [0.89, 0.88, 0.87],
                   ("sresnet", "8"): [0.95] * 3, ("plain", "8"): [0.92, 0.91, 0.90]}, AXES)
    ).set_index("level")  # fmt: skip
    row = frame.loc["plain"]
    assert row[["cells_matched", "cells_planned", "seeds"]].tolist() == [2, 2, 3]
    assert row["difference"] == pytest.approx(-0.03)
    assert row["sd_difference"] == pytest.approx(0.01), "the unit is the block, not the pair"
    assert frame.loc["8", "difference"] == pytest.approx(0.04)


def test_a_factorial_cell_without_partner_is_counted_and_left_out() -> None:
    excluded = [{"cell": "c", "cell_id": "c", "levels": {"residual": "plain", "timesteps": "8"}, "reason": "because"}]
    values = {("sresnet", "4"): [0.9, 0.9], ("plain", "4"): [0.89, 0.87], ("sresnet", "8"): [0.95, 0.95]}
    frame = effects(factorial(values, AXES, exclusions=excluded)).set_index("level")
    assert frame.loc["plain", ["cells_matched", "cells_planned"]].tolist() == [1, 2]
    assert frame.loc["plain", "difference"] == pytest.approx(-0.02)


def test_a_search_has_no_contrasts() -> None:
    values = {"baseline": {"": REFERENCE}, "residual": {"plain": REFERENCE}}
    assert effects(one_factor(values, baseline=BASELINE, design="search")).empty
