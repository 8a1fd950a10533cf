"""Levels that are one function under a study's settings are named; levels that merely tie are not."""

from __future__ import annotations

import dataclasses

import pytest
from synthetic_studies import one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.results import StudyResults
from reports.twins import twins


def study(losses: dict[str, list[float]]) -> StudyResults:
    """Three normalizations of equal accuracies with these validation losses by seed."""
    same = [0.7, 0.8, 0.75]
    results = one_factor(
        {"baseline": {"": same}, "normalization": {"bn": same, "tdbn": same}}, baseline={"normalization": "bntt"}
    )
    runs = results.runs.copy()
    cells = {"baseline": "bntt", "normalization=bn": "bn", "normalization=tdbn": "tdbn"}
    runs["val_loss"] = [
        losses[cells[cell]][seed] for cell, seed in zip(runs["cell"], runs["seed"].astype(int), strict=True)
    ]
    return dataclasses.replace(results, runs=runs)


def test_levels_equal_to_the_last_digit_are_named_in_the_notes() -> None:
    results = study({"bntt": [0.9, 0.8, 0.7], "bn": [0.5, 0.6, 0.4], "tdbn": [0.5, 0.6, 0.4]})
    assert twins(results, "normalization") == (("bn", "tdbn"),)
    notes = " ".join(AxisEffects("normalization").compute(results).notes)
    assert "bn and tdbn came out the same to the last digit in every run" in notes


@pytest.mark.parametrize("other", [[0.5, 0.6, 0.4 + 1e-15], [0.5, 0.6, float("nan")]])
def test_levels_that_differ_in_one_digit_or_one_run_are_not(other: list[float]) -> None:
    results = study({"bntt": [0.9, 0.8, 0.7], "bn": [0.5, 0.6, 0.4], "tdbn": other})
    assert twins(results, "normalization") == ()
    assert "last digit" not in " ".join(AxisEffects("normalization").compute(results).notes)


def test_nothing_is_said_of_levels_without_any_of_the_fine_metrics() -> None:
    nothing = [float("nan")] * 3
    assert twins(study({"bntt": nothing, "bn": nothing, "tdbn": nothing}), "normalization") == ()
