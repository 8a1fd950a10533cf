"""Interactions and shares of variance of factorial designs: by hand, and against statsmodels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from synthetic_studies import factorial

from reports.analyses.interactions import Interaction
from reports.analyses.variance import Variance
from reports.guide import analyses
from reports.results import StudyResults
from reports.statistics.anova import decomposition

AXES = {"residual": ["sresnet", "plain", "sew_add"], "norm": ["bn", "bntt"]}


def study(seed: int = 0, axes: dict[str, list[str]] = AXES, blocks: int = 4, **changes: object) -> StudyResults:
    draw = np.random.default_rng(seed)
    values = {levels: draw.uniform(0.4, 0.9, blocks).round(4).tolist() for levels in product(*axes.values())}
    return factorial({**values, **changes.pop("values", {})}, axes, **changes)  # type: ignore[dict-item]


@pytest.mark.parametrize("axes", [AXES, {**AXES, "timesteps": ["4", "2"]}])
def test_sums_of_squares_are_those_of_statsmodels(axes: dict[str, list[str]]) -> None:
    shape = [*map(len, axes.values()), 5]
    values = np.random.default_rng(3).normal(size=shape)
    names = [f"f{each}" for each in range(len(axes))]
    rows = [dict(zip([*names, "block"], map(str, at), strict=True)) | {"y": values[at]} for at in np.ndindex(*shape)]
    theirs = anova_lm(ols(f"y ~ {' * '.join(names)} + block", pd.DataFrame(rows)).fit())["sum_sq"]
    ours = decomposition(values)
    for at, squares in ours.items():
        if isinstance(at, tuple):
            assert squares == pytest.approx(theirs[":".join(names[each] for each in at)])
    assert ours["blocks"] == pytest.approx(theirs["block"]) and ours["residual"] == pytest.approx(theirs["Residual"])
    assert sum(ours.values()) == pytest.approx(((values - values.mean()) ** 2).sum())


def test_shares_add_up_with_their_degrees_of_freedom() -> None:
    results = study(axes={**AXES, "timesteps": ["4", "2"]})
    frame = Variance().compute(results).frame
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["degrees_of_freedom"].sum() == len(results.runs) - 1
    assert frame["source"].tolist()[:4] == ["residual", "norm", "timesteps", "residual x norm"]


def test_a_lost_run_takes_its_seed_block_along() -> None:
    lost = study(values={("plain", "bntt"): [0.5, 0.6, "out of memory", 0.5]})
    card = Variance().compute(lost)
    assert "3 seed blocks" in card.prose[0]
    assert "Left out: 1 seed block in which a cell has no value." in card.notes
    assert card.frame["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("lost", [["no"] * 4, ["no", "no", "no", 0.5]], ids=["a cell", "all blocks but one"])
def test_without_two_whole_seed_blocks_there_are_no_shares(lost: list[float | str]) -> None:
    assert "do not add up" in str(Variance().inapplicable(study(values={("plain", "bntt"): lost})))
    assert Variance().inapplicable(study()) is None


def test_an_interaction_by_hand() -> None:
    """Plain loses 10 points with bn and 30, 28, 32 with bntt: -20 points, spread over three blocks by 2."""
    values = {
        ("sresnet", "bn"): [0.8, 0.8, 0.8], ("plain", "bn"): [0.7, 0.7, 0.7],
        ("sresnet", "bntt"): [0.9, 0.9, 0.9], ("plain", "bntt"): [0.6, 0.62, 0.58],
    }  # fmt: skip
    card = Interaction("residual", "norm").compute(
        factorial(values, {"residual": ["sresnet", "plain"], "norm": ["bn", "bntt"]})
    )
    row = card.frame.iloc[0]
    assert row["contrast"] == pytest.approx(-0.2) and (row["seeds"], row["cells"]) == (3, 1)
    half = 4.302652729911275 * 0.02 / np.sqrt(3)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((-0.2 - half, -0.2 + half))
    t = 0.2 / (0.02 / np.sqrt(3))
    assert row["p_value"] == pytest.approx(1 - t / np.sqrt(t**2 + 2))  # Student's t at two degrees of freedom
    assert card.prose[0] == "1 of 1 interaction contrast is supported by the data."
    assert card.table is not None and card.table.rows == (
        ("sresnet", "80.0 (3)", "90.0 (3)"), ("plain", "70.0 (3)", "60.0 (3)"),
    )  # fmt: skip


def test_remaining_axes_are_averaged_within_a_block() -> None:
    axes = {"residual": ["sresnet", "plain"], "norm": ["bn", "bntt"], "timesteps": ["4", "2"]}
    results = study(axes=axes)
    value = {
        (*(row[axis] for axis in axes), row["seed"]): float(row["test_accuracy"])
        for row in results.runs.to_dict("records")
    }  # fmt: skip
    by_block = [
        np.mean([
            value["plain", "bntt", t, seed] - value["sresnet", "bntt", t, seed]
            - value["plain", "bn", t, seed] + value["sresnet", "bn", t, seed] for t in axes["timesteps"]
        ]) for seed in range(4)
    ]  # fmt: skip
    row = Interaction("residual", "norm").compute(results).frame.iloc[0]
    assert row["cells"] == 2 and row["contrast"] == pytest.approx(np.mean(by_block))
    assert row["ci_high"] - row["contrast"] == pytest.approx(3.182446305284263 * np.std(by_block, ddof=1) / 2)


def test_an_excluded_cell_leaves_its_contrasts_untested_but_in_the_family() -> None:
    draw = np.random.default_rng(1)
    values = {each: draw.uniform(0.4, 0.9, 4).tolist() for each in product(*AXES.values()) if each != ("plain", "bntt")}
    frame = Interaction("residual", "norm").compute(factorial(values, AXES)).frame
    assert frame["seeds"].tolist() == [0, 4] and frame["p_value"].isna().tolist() == [True, False]
    assert frame["p_adjusted"].iloc[1] == pytest.approx(min(1, 2 * frame["p_value"].iloc[1]))


def test_only_factorial_guides_ask_for_interactions() -> None:
    keys = [each.key for each in analyses(study())]
    assert "interaction-residual-norm" in keys and "variance" in keys
    one = study()
    described = {**one.study, "design": "one_factor"}
    other = StudyResults(described, one.runs, one.curves, one.layers, [], {}, one.provenance)
    assert not any(each.key.startswith("interaction") for each in analyses(other))
    assert not any(isinstance(each, Variance) for each in analyses(other))
