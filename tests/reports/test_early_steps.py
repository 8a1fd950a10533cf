"""Accuracy when the output is read early, with numbers by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
from synthetic_studies import factorial, one_factor

from reports.analyses.early_steps import EarlySteps
from reports.analyses.timesteps import Timesteps
from reports.guide import analyses
from reports.results import StudyResults

T_OF_ONE_DEGREE = 12.7062


def read_early(results: StudyResults, read: dict[str, dict[int, list[float]]]) -> StudyResults:
    """The study with accuracies by cell, step and seed of the complete runs."""
    runs = results.runs.copy()
    for cell, steps in read.items():
        for t, values in steps.items():
            for seed, value in enumerate(values):
                chosen = (runs["cell"] == cell) & (runs["seed"] == seed) & (runs["status"] == "complete")
                runs.loc[chosen, f"test_accuracy_at_{t}"] = value
    return dataclasses.replace(results, runs=runs)


def two_lengths() -> StudyResults:
    values = {"baseline": {"": [0.8, 0.84]}, "timesteps": {"2": [0.6, 0.62]}}
    made = one_factor(values, baseline={"timesteps": "4"})
    return read_early(made, {
        "baseline": {1: [0.5, 0.52], 2: [0.7, 0.78], 4: [0.8, 0.84]},
        "timesteps=2": {1: [0.55, 0.57], 2: [0.6, 0.62]},
    })  # fmt: skip


def test_the_loss_is_paired_with_the_same_runs_read_after_all_steps() -> None:
    frame = EarlySteps().compute(two_lengths()).frame

    assert list(zip(frame["timesteps"], frame["read_at"], strict=True)) == [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4)]
    assert frame["accuracy"].tolist() == pytest.approx([0.56, 0.61, 0.51, 0.74, 0.82])
    early = frame.iloc[3]  # differences -0.10 and -0.06
    assert early["difference"] == pytest.approx(-0.08)
    assert early["difference_high"] == pytest.approx(-0.08 + T_OF_ONE_DEGREE * 0.02, rel=1e-4)
    assert math.isnan(frame.iloc[4]["difference"]), "read after all steps it is the reference itself"


def test_what_the_intervals_support_is_said_by_number_of_steps() -> None:
    card = EarlySteps().compute(two_lengths())

    assert card.prose[1] == "Networks trained for 2 steps lose when read at step 1, by the unadjusted interval."
    assert card.prose[2] == "Networks trained for 4 steps lose when read at step 1, by the unadjusted interval."
    said = "Networks trained for 4 steps may lose or gain when read at step 2: the interval leaves it open."
    assert card.prose[3] == said
    assert "no energy stands beside" in card.notes[1]


def test_without_an_axis_over_timesteps_it_is_the_baseline_alone() -> None:
    values = {"baseline": {"": [0.8, 0.84]}, "residual": {"plain": [0.1, 0.1]}}
    made = one_factor(values, baseline={"residual": "sresnet"})
    read = {"baseline": {1: [0.7, 0.7], 2: [0.8, 0.84]}, "residual=plain": {1: [0.1, 0.1], 2: [0.1, 0.1]}}

    frame = EarlySteps().compute(read_early(made, read)).frame

    assert frame["accuracy"].tolist() == pytest.approx([0.7, 0.82])


def test_only_settings_that_are_there_at_every_number_of_timesteps_count() -> None:
    values: dict[tuple[str, ...], list[float | str]] = {
        ("2", "plain"): [0.5, 0.5], ("4", "plain"): [0.6, 0.64], ("2", "ms"): [0.1, 0.1],
    }  # fmt: skip
    made = factorial(values, {"timesteps": ["2", "4"], "residual": ["plain", "ms"]})
    read = {
        "baseline": {1: [0.4, 0.4], 2: [0.5, 0.5]}, "timesteps=4": {1: [0.3, 0.3], 2: [0.4, 0.4], 4: [0.6, 0.64]},
        "residual=ms": {1: [0.0, 0.0], 2: [0.1, 0.1]},
    }  # fmt: skip

    frame = EarlySteps().compute(read_early(made, read)).frame

    assert frame["cells"].tolist() == [1] * 5
    assert frame["accuracy"].tolist() == pytest.approx([0.4, 0.5, 0.3, 0.4, 0.62])


def test_a_diverged_run_has_nothing_to_read() -> None:
    values = {"baseline": {"": [0.8, 0.84, "diverged at epoch 1"]}, "residual": {"plain": [0.1, 0.1, 0.1]}}
    made = one_factor(values, baseline={"residual": "sresnet"})
    read = {"baseline": {1: [0.7, 0.7], 2: [0.8, 0.84]}, "residual=plain": {1: [0.1] * 3, 2: [0.1] * 3}}

    frame = EarlySteps().compute(read_early(made, read)).frame

    assert frame["seeds"].tolist() == [2, 2]


def test_ties_and_one_seed_claim_nothing() -> None:
    tied = read_early(
        one_factor({"baseline": {"": [0.8, 0.8]}}, baseline={"residual": "ms"}),
        {"baseline": {1: [0.8, 0.8], 2: [0.8, 0.8]}},
    )
    single = read_early(
        one_factor({"baseline": {"": [0.8]}}, baseline={"residual": "ms"}), {"baseline": {1: [0.7], 2: [0.8]}}
    )

    assert len(EarlySteps().compute(tied).prose) == 1
    card = EarlySteps().compute(single)
    assert len(card.prose) == 1 and card.table is not None
    assert card.table.rows[0] == ("2", "1", "70.0", "-10.0", "1")


def test_it_takes_the_place_of_the_note_that_nothing_was_recorded() -> None:
    recorded = two_lengths()
    bare = dataclasses.replace(recorded, runs=recorded.runs.drop(columns=[f"test_accuracy_at_{t}" for t in (1, 2, 4)]))

    assert EarlySteps().inapplicable(bare) == "accuracy at early steps was not recorded"
    assert "was not recorded" in Timesteps().compute(bare).notes[0]
    assert "early-steps" not in [each.key for each in analyses(bare)]
    assert "is a table of its own" in Timesteps().compute(recorded).notes[0]
    assert "early-steps" in [each.key for each in analyses(recorded)]


def test_networks_of_one_step_have_no_such_card() -> None:
    made = one_factor({"baseline": {"": [0.8, 0.8]}}, baseline={"residual": "ms"})

    assert EarlySteps().inapplicable(read_early(made, {"baseline": {1: [0.8, 0.8]}})) == (
        "no network was read before its last step"
    )
