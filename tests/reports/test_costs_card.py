"""The card of costs, with numbers by hand."""

from __future__ import annotations

import dataclasses

from synthetic_studies import one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.analyses.card import Card
from reports.analyses.costs import Costs
from reports.results import StudyResults

COSTS = {"firing_rate": 0.14, "synops": 412_000.0, "energy_nj": 996.0, "parameters": 20_808.0, "train_seconds": 6.2}
TWICE = [0.9, 0.91]


def study(**changes: list[float]) -> StudyResults:
    """The baseline's two runs, then those of `plain`, whose costs `changes` give."""
    made = one_factor({"baseline": {"": TWICE}, "residual": {"plain": TWICE}}, baseline={"residual": "sresnet"},
                      metrics=COSTS)  # fmt: skip
    costs = {name: [COSTS[name], COSTS[name], *values] for name, values in changes.items()}
    return dataclasses.replace(made, runs=made.runs.assign(**costs))


def row(card: Card) -> tuple[str, ...]:
    assert card.table is not None and len(card.table.rows) == 1
    return card.table.rows[0]


def test_a_level_has_one_row_with_every_cost_named_and_scaled_as_in_the_table_of_its_axis() -> None:
    results = study(synops=[298_000.0, 296_000.0], energy_nj=[324.0, 326.0], parameters=[19_976.0] * 2)
    card, of_axis = Costs().compute(results), AxisEffects("residual").compute(results).table
    assert card.table is not None and of_axis is not None
    assert card.table.headers == ("level", *of_axis.headers[-5:])
    # Two differences of -114 and -116: SD 1.41, t of one degree of freedom 12.706, over root 2.
    assert row(card) == ("residual=plain", "0", "-115 (-128, -102)", "-671 (-684, -658)", "-832", "0.0")


def test_a_difference_and_its_interval_are_rounded_alike() -> None:
    assert row(Costs().compute(study(firing_rate=[0.1328, 0.1330])))[1] == "-0.0071 (-0.0084, -0.0058)"
    assert row(Costs().compute(study(firing_rate=[0.1300, 0.1400])))[1] == "-0.005 (-0.069, +0.059)"


def test_the_frame_keeps_a_row_for_every_cost_unrounded_and_columns_are_sorted_by_it() -> None:
    card = Costs().compute(study(synops=[298_001.0, 296_000.0]))
    frame = card.frame.set_index("metric")
    assert list(frame.index) == [*COSTS]
    assert frame.loc["synops", "difference"] == -114_999.5
    assert card.table is not None and card.table.values[0][2] == -114_999.5


def test_what_no_run_has_is_no_column_and_what_one_level_lacks_is_missing() -> None:
    results = study()
    results = dataclasses.replace(results, runs=results.runs.drop(columns="synops"))
    card = Costs().compute(results)
    assert card.table is not None
    assert card.table.headers == ("level", "firing rate", "energy nJ", "parameters", "s/run")
    made = one_factor({"baseline": {"": TWICE}, "residual": {"plain": TWICE, "sew_add": TWICE}},
                      baseline={"residual": "sresnet"}, metrics=COSTS)  # fmt: skip
    lost = made.runs["energy_nj"].where(made.runs["cell"] != "residual=plain")
    plain, sew_add = Costs().compute(dataclasses.replace(made, runs=made.runs.assign(energy_nj=lost))).table.rows
    assert (plain[3], sew_add[3]) == ("-", "0")


def test_seed_blocks_are_counted_and_seconds_come_with_a_warning() -> None:
    made = one_factor({"baseline": {"": [0.9, 0.91, 0.92]}, "residual": {"plain": [*TWICE, "crash"], "ms": [0.8] * 3}},
                      baseline={"residual": "sresnet"}, metrics=COSTS)  # fmt: skip
    card = Costs().compute(made)
    assert "over 2 to 3 seed blocks of complete runs" in card.prose[0]
    assert card.notes[0].startswith("Seconds are wall-clock times")
    without = dataclasses.replace(made, runs=made.runs.drop(columns="train_seconds"))
    assert Costs().compute(without).notes == ()
