"""Cards on how the runs went: layers, learning curves and timesteps, with numbers by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pandas as pd
import pytest
from synthetic_studies import factorial, one_factor

from reports.analyses.card import Analysis, card_of
from reports.analyses.layers import Layers
from reports.analyses.learning_curves import LearningCurves
from reports.analyses.timesteps import Timesteps
from reports.guide import write_guide
from reports.results import StudyResults

BASELINE = {"residual": "sresnet"}


def study() -> StudyResults:
    values = {"baseline": {"": [0.8, 0.84]}, "residual": {"plain": [0.6, "diverged at epoch 1"]}}
    made = one_factor(values, baseline=BASELINE)
    baseline, plain = "id-baseline", "id-residual=plain"
    layers = [
        (f"{baseline}-0", "head.linear", None, 10.0, 10.0, 0.0, None),
        (f"{baseline}-1", "head.linear", None, 10.0, 10.0, 0.0, None),
        (f"{baseline}-0", "stages.0.0.conv1", None, 80.0, 0.0, 80.0, None),
        (f"{baseline}-1", "stages.0.0.conv1", None, 100.0, 0.0, 100.0, None),
        (f"{baseline}-0", "stem.fire", 0.1, 0.0, 5.0, 0.0, 0.25),
        (f"{baseline}-1", "stem.fire", 0.3, 0.0, 5.0, 0.0, 0.75),
        (f"{baseline}-0", "stem.fire.norm", None, 0.0, 5.0, 0.0, None),
        (f"{plain}-0", "stem.fire", 0.05, 0.0, 5.0, 0.0, 0.5),
    ]
    columns = ["run_id", "layer", "firing_rate", "synops", "macs", "acs", "silent"]
    curves = [
        (f"{cell}-{seed}", epoch, "val", "accuracy", value)
        for cell, seed, values in (
            (baseline, 0, (0.2, 0.5, 0.6)), (baseline, 1, (0.4, 0.5, 0.62)), (plain, 0, (0.1, 0.3, 0.2)),
            (plain, 1, (0.9, 0.9, 0.9)),
        )
        for epoch, value in enumerate(values)
    ]  # fmt: skip
    return dataclasses.replace(
        made,
        layers=pd.DataFrame(layers, columns=columns),
        curves=pd.DataFrame(curves, columns=["run_id", "epoch", "split", "metric", "value"]),
    )


def test_layers_are_means_over_runs_from_input_to_output() -> None:
    card = Layers().compute(study())
    assert card.table is not None
    assert card.table.rows == (
        ("stem.fire", "0.20", "0.050 (residual=plain)", "0.20 (baseline)", "", "", "50.0"),
        ("stages.0.0.conv1", "", "", "", "0.0900", "90.0", ""),
        ("head.linear", "", "", "", "0.0100", "10.0", ""),
    )
    assert "90.0 % are in stages.0.0.conv1, the largest share; 10.0 % of all are multiply-accumulates" in card.prose[1]
    assert "from 0.050 (stem.fire of residual=plain) to 0.20 (stem.fire of baseline)" in card.prose[2]
    assert len(card.frame) == 5 and card.frame["runs"].tolist() == [2, 1, 2, 2, 1]


def test_a_study_without_layers_has_a_card_that_says_so() -> None:
    bare = one_factor({"baseline": {"": [0.8, 0.84]}, "residual": {"plain": [0.6, 0.61]}}, baseline=BASELINE)
    card = card_of(Layers(), bare)
    assert (card.status, card.reason) == ("not applicable", "firing rates and operations by layer were not recorded")


def test_curves_are_of_complete_runs_with_interval_range_and_change() -> None:
    card = LearningCurves().compute(study())
    frame = card.frame.set_index(["cell", "epoch"])
    last = frame.loc[("baseline", 3)]
    assert (last["mean"], last["lowest"], last["highest"]) == pytest.approx((0.61, 0.6, 0.62))
    # Two seeds: t of one degree of freedom, 12.706, times SD / sqrt 2, which is half the difference.
    assert last["high"] - last["mean"] == pytest.approx(12.706 * 0.01, rel=1e-4)
    assert last["change"] == pytest.approx(0.11) and last["change_low"] == pytest.approx(0.11 - 12.706 * 0.01, rel=1e-3)
    assert math.isnan(frame.loc[("baseline", 1)]["change"])
    assert frame.loc[("residual=plain", 3)]["seeds"] == 1, "the diverged run's curve does not count"
    assert card.table is not None
    assert card.table.rows[1] == ("residual=plain", "1", "3", "10.0", "30.0 (2)", "20.0", "20.0 to 20.0", "-10.0")
    assert card.prose[-1].startswith("In no cell")


def test_a_cell_that_rises_at_the_end_is_named() -> None:
    rising = study()
    curves = rising.curves.copy()
    curves.loc[(curves["run_id"] == "id-baseline-1") & (curves["epoch"] == 2), "value"] = 0.601
    assert "Still rising in the last epoch, by its unadjusted interval: baseline; the intervals of" in " ".join(
        LearningCurves().compute(dataclasses.replace(rising, curves=curves)).prose
    )


def by_timesteps(values: dict[str, list[float | str]]) -> StudyResults:
    return one_factor(
        {"baseline": {"": values["4"]}, "timesteps": {level: each for level, each in values.items() if level != "4"}},
        baseline={"timesteps": "4"},
    )


def test_gains_are_over_the_next_shorter_network_whatever_the_order_of_levels() -> None:
    card = Timesteps().compute(by_timesteps({"4": [0.7, 0.72], "16": [0.8, 0.73], "2": [0.5, 0.51]}))
    assert card.frame["timesteps"].tolist() == [2, 4, 16]
    assert card.frame["gain"].tolist()[1:] == pytest.approx([0.205, 0.055])
    assert card.frame["gain_low"].iloc[1] == pytest.approx(0.205 - 12.706 * 0.005, rel=1e-3)
    assert card.prose[1] == "The unadjusted interval supports a gain for the step to 4 timesteps."
    assert card.prose[2] == "The interval leaves open whether the step to 16 timesteps gains or loses."


def test_only_settings_that_are_there_at_every_number_of_timesteps_count() -> None:
    values: dict[tuple[str, ...], list[float | str]] = {
        ("2", "plain"): [0.5, 0.5], ("4", "plain"): [0.6, 0.64], ("2", "ms"): [0.1, 0.1],
    }  # fmt: skip
    frame = Timesteps().compute(factorial(values, {"timesteps": ["2", "4"], "residual": ["plain", "ms"]})).frame
    assert frame["cells"].tolist() == [1, 1]
    assert frame["accuracy"].tolist() == pytest.approx([0.5, 0.62])


def test_a_study_without_timesteps_has_no_such_card() -> None:
    assert Timesteps().inapplicable(study()) == "the study has no axis over the timesteps"


@pytest.mark.parametrize("analysis", [Layers(), LearningCurves()], ids=lambda each: each.key)
def test_the_order_of_rows_never_matters(analysis: Analysis, tmp_path: Path) -> None:
    first = study()
    parts = {name: getattr(first, name).sample(frac=1, random_state=1) for name in ("runs", "curves", "layers")}
    ways = {"a": first, "b": dataclasses.replace(first, **parts)}
    frames = [analysis.compute(each).frame for each in ways.values()]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    made = [[path.read_bytes() for path in write_guide(each, tmp_path / name)] for name, each in ways.items()]
    assert made[0] == made[1]
