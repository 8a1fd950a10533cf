"""What `ablate compare` says of two studies of the same cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scipy import stats
from synthetic_studies import one_factor

from reports.comparison import comparison
from reports.results import StudyResults

BEFORE = [0.90, 0.92, 0.91, 0.93]


def _study(baseline: list[Any], plain: list[Any], **changes: Any) -> StudyResults:
    results = one_factor({"baseline": {"": baseline}, "residual": {"plain": plain}}, baseline={"residual": "sresnet"})
    return replace(results, **changes)


def test_differences_are_paired_by_seed_and_adjusted_over_the_cells() -> None:
    first, second = _study(BEFORE, BEFORE), _study([0.93, 0.94, 0.93, 0.96], [0.91, 0.91, 0.92, 0.94])
    frame = comparison(first, second).frame.set_index("cell")
    wanted = stats.ttest_rel([0.93, 0.94, 0.93, 0.96], BEFORE)
    assert frame.loc["baseline", "difference"] == pytest.approx(0.025)
    assert frame.loc["baseline", "p_value"] == pytest.approx(wanted.pvalue)
    assert frame.loc["baseline", "p_adjusted"] == pytest.approx(2 * wanted.pvalue)
    low, high = wanted.confidence_interval()
    assert frame.loc["baseline", ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high])
    assert frame["verdict"].tolist() == ["better", "undecided"]


def test_the_same_numbers_are_called_identical() -> None:
    card = comparison(_study(BEFORE, BEFORE), _study(BEFORE, BEFORE))
    assert card.frame["verdict"].tolist() == ["identical"] * 2
    assert card.prose == ("2 cells, 8 pairs of runs, 8 of them identical. Nothing changed.",)
    assert card.notes == ("commit, versions, devices and back ends are the same",)


def test_equal_names_are_told_apart_by_where_they_were_read() -> None:
    first, second = _study(BEFORE, BEFORE), _study(BEFORE, BEFORE)
    assert comparison(first, second, ("old", "runs/new")).title == (
        "synthetic in runs/new against synthetic in old, test_accuracy"
    )
    other = replace(second, study={**second.study, "name": "later"})
    assert comparison(first, other, ("old", "runs/new")).title == "later against synthetic, test_accuracy"


def test_a_lost_run_takes_its_pair_along_and_a_change_of_origin_is_named() -> None:
    first = _study(BEFORE, BEFORE, provenance={"commit": ["aaa"], "versions": {"torch": ["2.12"]}})
    second = _study([*BEFORE[:3], "crash"], BEFORE, provenance={"commit": ["bbb"], "versions": {"torch": ["2.13"]}})
    card = comparison(first, second)
    assert card.frame["seeds"].tolist() == [3, 4]
    assert "commit: aaa against bbb" in card.notes and "versions: torch 2.12 against torch 2.13" in card.notes


def test_what_cannot_be_compared_is_refused() -> None:
    other = one_factor({"baseline": {"": BEFORE}, "neuron": {"if": BEFORE}}, baseline={"neuron": "lif"})
    cells = [{**each, "cell_id": "x" + each["cell_id"]} for each in other.study["cells"]]
    runs = other.runs.assign(cell_id="x" + other.runs["cell_id"])
    other = replace(other, study={**other.study, "cells": cells}, runs=runs)
    with pytest.raises(ValueError, match=r"no cell in common: .*residual.* against .*neuron"):
        comparison(_study(BEFORE, BEFORE), other)
    first, second = _study(BEFORE, BEFORE), _study(BEFORE, BEFORE)
    with pytest.raises(ValueError, match="the data differ: fingerprint abc against def"):
        comparison(
            replace(first, runs=first.runs.assign(data_fingerprint="abc")),
            replace(second, runs=second.runs.assign(data_fingerprint="def")),
        )
