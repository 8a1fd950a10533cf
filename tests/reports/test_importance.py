"""Importance in searches: exact shares of known functions, the trap of interactions, and a card that claims nothing."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor
from synthetic_studies import study

from reports.analyses.importance import Importance
from reports.guide import analyses, write_guide
from reports.results import StudyResults
from reports.statistics.fanova import boxes, shares

BINARY = np.array([[-0.5, 1.5]] * 3)


def test_shares_of_an_additive_function_are_its_variances() -> None:
    """y = 2 a + c over binary axes: variances 1 and 1/4, so shares of 80 % and 20 %, alone and with interactions."""
    x = np.array([*product((0.0, 1.0), repeat=3)] * 20)
    main, total, explained = shares(x, 2 * x[:, 0] + x[:, 2], BINARY, seed=0)
    assert main == pytest.approx([0.8, 0, 0.2], abs=1e-6)
    assert total == pytest.approx([0.8, 0, 0.2], abs=1e-6)
    assert explained == pytest.approx(1)


def test_what_acts_only_together_has_no_share_alone_but_is_not_missed() -> None:
    """y = a XOR b + 0.2 c, which a ranking by marginals alone gets wrong: variances 0.25 together, 0.01 of c."""
    x = np.array([*product((0.0, 1.0), repeat=3)] * 20)
    y = (x[:, 0] != x[:, 1]) + 0.2 * x[:, 2]
    main, total, _ = shares(x, y, BINARY, seed=0)
    assert main == pytest.approx([0, 0, 0.01 / 0.26], abs=1e-6)
    assert total == pytest.approx([0.25 / 0.26, 0.25 / 0.26, 0.01 / 0.26], abs=1e-6)


def test_boxes_of_a_tree_fill_the_space_once_and_hold_its_predictions() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(40, 2))
    ranges = np.array([[2.0, 4.0], [-1.0, 0.5]])
    tree = DecisionTreeRegressor(random_state=0).fit(_within(ranges, x), rng.normal(size=40))
    box, value = boxes(tree.tree_, ranges)
    assert (box[..., 1] - box[..., 0]).prod(axis=1).sum() == pytest.approx(1)
    points = rng.uniform(size=(50, 2))
    inside = ((points[:, None] > box[None, ..., 0]) & (points[:, None] <= box[None, ..., 1])).all(axis=-1)
    assert (inside.sum(axis=1) == 1).all()
    assert inside @ value == pytest.approx(tree.predict(_within(ranges, points)))


def _within(ranges: np.ndarray, shares_of_them: np.ndarray) -> np.ndarray:
    low, high = ranges.T
    return low + shares_of_them * (high - low)


def searched(cells: int = 60) -> StudyResults:
    """A list of levels and a logarithmic range; only the range matters."""
    rng = np.random.default_rng(2)
    made, accuracies = [], {}
    for number in range(cells):
        levels = {"residual": str(rng.choice(["plain", "ms"])), "lr": f"{10 ** rng.uniform(-3, -1):.4g}"}
        made.append({"cell_id": f"c{number}", "cell": f"cell {number}", "levels": levels, "varied": ["lr"]})
        accuracies[f"cell {number}"] = [0.5 + 0.2 * (np.log10(float(levels["lr"])) + 2)]
    described = {"trials": cells, "sampler": "tpe", "pruner": "none", "constraints": {},
                 "objectives": [{"metric": "val_accuracy", "direction": "maximize"}]}  # fmt: skip
    plain = study(made, accuracies, {"residual": ["plain", "ms"], "lr": []}, {"residual": "plain", "lr": "0.01"},
                  design="search", search=described)  # fmt: skip
    residual, lr = plain.study["axes"]
    return dataclasses.replace(plain, study={**plain.study, "axes": [residual, {**lr, "range": "0.001..0.1 log"}]})


def test_the_axis_that_matters_comes_first_and_nothing_is_called_an_effect() -> None:
    card = Importance().compute(searched())
    assert card.frame["axis"].tolist() == ["lr", "residual"]
    assert card.frame["main"].iloc[0] > 0.9 and card.frame["total"].iloc[1] < 0.1
    assert (card.frame["total_low"] <= card.frame["total_high"]).all()
    assert "an importance is no effect" in card.notes[0]
    assert "may be chance" not in " ".join(card.prose)


def test_few_cells_warn_and_fewer_have_no_card() -> None:
    assert "may be chance" in Importance().compute(searched(20)).prose[-1]
    assert "too few for a forest" in str(Importance().inapplicable(searched(9)))


def test_one_value_an_axis_or_all_tied_have_no_card() -> None:
    tied = searched()
    assert Importance().inapplicable(tied) is None
    runs = tied.runs.assign(val_accuracy=0.5)
    same = StudyResults(tied.study, runs, tied.curves, tied.layers, [], {}, tied.provenance)
    assert Importance().inapplicable(same) == "all cells reached the same"


def test_it_is_in_guides_of_searches_and_gives_the_same_bytes(tmp_path: Any) -> None:
    assert "importance" in [each.key for each in analyses(searched())]
    made = [[path.read_bytes() for path in write_guide(searched(), tmp_path / name)] for name in ("a", "b")]
    assert made[0] == made[1]
