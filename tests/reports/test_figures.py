"""Figures as plain data: what is drawn is what the frames hold, and every renderer can draw it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from synthetic_studies import factorial, one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.analyses.axis_variance import AxisVariance
from reports.analyses.best_cells import BestCells
from reports.analyses.card import Card
from reports.analyses.confirmed import Confirmed
from reports.analyses.figure import MOST_ROWS, MOST_SERIES, Chart, HeatMap, Point, known, spread_wide
from reports.analyses.interactions import Interaction
from reports.analyses.learning_curves import LearningCurves
from reports.analyses.pareto import Pareto
from reports.analyses.power import Power
from reports.analyses.timesteps import Timesteps
from reports.analyses.tuned import Tuned
from reports.analyses.variance import Variance
from reports.guide import cards
from reports.results import StudyResults

BASELINE = {"residual": "sresnet"}
REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]
LEVELS = {"plain": [0.87, 0.90, 0.87, 0.90, 0.89], "sew_add": [0.91, 0.91, 0.92, 0.93, 0.92]}


def one() -> StudyResults:
    return one_factor({"baseline": {"": REFERENCE}, "residual": LEVELS}, baseline=BASELINE)


def priced(prices: dict[str, float]) -> StudyResults:
    made = one()
    energy = made.runs["cell"].map(prices) * (1 + 0.01 * made.runs["seed"].astype(float))
    return dataclasses.replace(made, runs=made.runs.assign(energy_nj=energy))


def crossed() -> StudyResults:
    values: dict[tuple[str, ...], list[float | str]] = {
        ("sresnet", "4"): [0.9, 0.91, 0.92], ("plain", "4"): [0.8, 0.83, 0.81], ("sresnet", "8"): [0.91, 0.93, 0.92],
        ("plain", "8"): ["out of memory"] * 3,
    }  # fmt: skip
    return factorial(values, {"residual": ["sresnet", "plain"], "timesteps": ["4", "8"]})


def searched(cells: int = 4) -> StudyResults:
    objectives = [{"metric": "val_accuracy", "direction": "maximize"}, {"metric": "energy_nj", "direction": "minimize"}]
    described = {"trials": cells, "sampler": "tpe", "pruner": "none", "objectives": objectives,
                 "constraints": {"energy_nj": 20.0}}  # fmt: skip
    values = {f"level{at}": [0.5 + 0.01 * at] for at in range(cells - 1)}
    made = one_factor({"baseline": {"": [0.4]}, "residual": values}, baseline=BASELINE, design="search",
                      search=described)  # fmt: skip
    return dataclasses.replace(made, runs=made.runs.assign(energy_nj=[10.0 * (at + 1) for at in range(len(made.runs))]))


def tuned(cells: int = 2) -> StudyResults:
    rows = [{"cell": f"cell{at}", "chosen": {"training.lr": 0.1}, "border": [], "trials": 4, "complete": 4,
             "best": 0.9, "median": 0.7, "worst": 0.1} for at in range(cells)]  # fmt: skip
    rows[0] |= {"best": None, "median": None, "worst": None, "complete": 0}
    tuning = {"trials": 4, "sampler": "random", "space": ["training.lr"], "metric": "val_accuracy", "cells": rows}
    return dataclasses.replace(one(), study={**one().study, "tuning": tuning, "tuned": True})


def confirmed() -> StudyResults:
    fresh = one().runs[one().runs["cell"] == "residual=plain"].copy()
    fresh = fresh.assign(run_id=[f"{each}-fresh" for each in fresh["run_id"]], seed=fresh["seed"] + 100)
    return dataclasses.replace(one(), confirmation=fresh)


def trained(cells: int) -> StudyResults:
    levels = {f"level{at}": [0.5, 0.6] for at in range(cells - 1)}
    made = one_factor({"baseline": {"": [0.5, 0.6]}, "residual": levels}, baseline=BASELINE)
    curves = [
        (run.run_id, epoch, "val", "accuracy", 0.1 * epoch + 0.01 * (at // 2) + 0.001 * run.seed)
        for at, run in enumerate(made.runs.itertuples())
        for epoch in range(2)
    ]
    return dataclasses.replace(
        made, curves=pd.DataFrame(curves, columns=["run_id", "epoch", "split", "metric", "value"])
    )


def chart(card: Card) -> Chart:
    assert isinstance(card.figure, Chart)
    return card.figure


def test_effects_are_drawn_in_points_row_by_row_with_a_ring_where_undecided() -> None:
    card = AxisEffects("residual").compute(one())
    figure = chart(card)
    assert (figure.rows, figure.zero, figure.margin) == (("plain", "sew_add"), True, 1.0)
    plain, sew_add = figure.series[0].points
    contrasts = card.frame.set_index("level")
    assert (plain.y, sew_add.y) == (0, 1)
    assert plain.x == pytest.approx(contrasts.loc["plain", "difference"] * 100)
    assert (plain.x_low, plain.x_high) == pytest.approx(
        (contrasts.loc["plain", "ci_low"] * 100, contrasts.loc["plain", "ci_high"] * 100)
    )
    assert plain.text == "plain against sresnet: -3.0 (-3.9, -2.1) points, 5 seed blocks, worse"
    assert (plain.filled, sew_add.filled) == (True, False)


def test_a_caption_speaks_of_rings_only_where_there_are_any() -> None:
    plain = {"plain": LEVELS["plain"]}
    decided = chart(AxisEffects("residual").compute(one_factor({"baseline": {"": REFERENCE}, "residual": plain},
                                                               baseline=BASELINE)))  # fmt: skip
    assert decided.caption.endswith("the band the margin of 1 point; every row is decided.")
    assert chart(AxisEffects("residual").compute(one())).caption.endswith("; a ring is a row that is not decided.")


def test_a_level_without_a_difference_keeps_its_row_and_has_no_point() -> None:
    lost = one_factor({"baseline": {"": REFERENCE}, "residual": {**LEVELS, "ms": ["crash"] * 5}}, baseline=BASELINE)
    figure = chart(AxisEffects("residual").compute(lost))
    assert figure.rows == ("plain", "sew_add", "ms")
    assert [point.y for point in figure.series[0].points] == [0, 1]


def test_an_axis_without_any_difference_has_no_figure() -> None:
    lost = one_factor({"baseline": {"": REFERENCE}, "residual": {"ms": ["crash"] * 5}}, baseline=BASELINE)
    assert AxisEffects("residual").compute(lost).figure is None


def test_the_front_is_joined_and_labelled_with_intervals_in_both_directions() -> None:
    figure = chart(Pareto().compute(priced({"baseline": 9.0, "residual=plain": 1.0, "residual=sew_add": 10.0})))
    front = figure.series[0]
    assert (front.name, front.joined, figure.x_log) == ("on the front", True, True)
    assert [point.label for point in front.points] == ["residual=plain", "baseline", "residual=sew_add"]
    first = front.points[0]
    assert first.y == pytest.approx(88.6) and first.x == pytest.approx(1.02)
    assert first.low is not None and first.x_low is not None and first.x_high is not None
    # Five values 1.00 to 1.04: SD .0158, t of four degrees of freedom 2.776, over root 5.
    assert first.x_high - first.x == pytest.approx(2.776 * 0.015811 / 5**0.5, rel=1e-3)


def test_the_front_goes_in_steps_since_nothing_lies_between_its_cells() -> None:
    prices = {"baseline": 9.0, "residual=plain": 1.0, "residual=sew_add": 10.0}
    front = chart(Pareto().compute(priced(prices))).series[0]
    cheap, middle, dear = ((point.x, point.y) for point in front.points)
    assert front.line() == [cheap, (middle[0], cheap[1]), middle, (dear[0], middle[1]), dear]


def test_few_cells_are_all_named_and_of_many_the_front_and_the_baseline() -> None:
    prices = {"baseline": 9.0, "residual=plain": 10.0, "residual=sew_add": 11.0}
    figure = chart(Pareto().compute(priced(prices)))
    assert sorted(point.label for series in figure.series for point in series.points) == sorted(prices)
    levels = {f"level{at}": [0.5 + 0.01 * at, 0.51 + 0.01 * at] for at in range(12)}
    values = {"baseline": {"": [0.9, 0.91]}, "residual": levels}
    made = one_factor(values, baseline=BASELINE, metrics={"energy_nj": 2.0})
    front, others = chart(Pareto().compute(made)).series
    assert [point.label for point in front.points] == ["baseline"]
    assert {point.label for point in others.points} == {""} and len(others.points) == 12
    made = one_factor({**values, "baseline": {"": [0.1, 0.11]}}, baseline=BASELINE, metrics={"energy_nj": 2.0})
    front, others = chart(Pareto().compute(made)).series
    assert [point.label for point in front.points] == ["residual=level11"]
    assert [point.label for point in others.points if point.label] == ["baseline"]


def test_a_logarithmic_scale_is_named() -> None:
    figure = chart(Pareto().compute(priced({"baseline": 9.0, "residual=plain": 1.0, "residual=sew_add": 10.0})))
    assert figure.x_title == "energy per sample, nJ (log scale)"
    assert chart(AxisEffects("residual").compute(one())).x_title == "points of test accuracy against residual=sresnet"


def test_energies_close_to_each_other_are_drawn_on_a_linear_scale() -> None:
    assert not chart(Pareto().compute(priced({"baseline": 3.0, "residual=plain": 1.0, "residual=sew_add": 4.0}))).x_log


def test_a_combination_without_runs_has_no_colour() -> None:
    figure = Interaction("residual", "timesteps").compute(
        factorial({("a", "x"): [0.5], ("b", "x"): [0.25], ("a", "y"): [0.5]}, {"residual": ["a", "b"],
                                                                                "timesteps": ["x", "y"]})
    ).figure  # fmt: skip
    assert isinstance(figure, HeatMap)
    assert (figure.rows, figure.columns) == (("a", "b"), ("x", "y"))
    assert figure.values == ((50.0, 50.0), (25.0, None))
    assert figure.texts == (("50.0 (1)", "50.0 (1)"), ("25.0 (1)", "-"))


def test_many_curves_are_the_baseline_the_best_and_the_worst_and_a_note_tells_the_rest() -> None:
    card = LearningCurves().compute(trained(12))
    drawn = [series.name for series in chart(card).series]
    assert drawn == ["baseline", *(f"residual=level{at}" for at in (0, 1, 2, 8, 9, 10))]
    assert len(drawn) == MOST_SERIES
    assert card.notes[-1].endswith("best and worst in the last epoch, not the 5 cells between them.")
    assert not any("Drawn" in note for note in LearningCurves().compute(trained(MOST_SERIES)).notes)


def test_curves_are_lines_with_bands_over_epochs_from_one() -> None:
    series = chart(LearningCurves().compute(trained(3))).series[0]
    assert series.joined and series.band
    assert [point.x for point in series.points] == [1, 2]
    assert series.points[1].y == pytest.approx(10.05)
    assert series.points[1].text.startswith("baseline, epoch 2: 10.1 (")


def test_timesteps_are_labelled_where_they_were_run() -> None:
    made = one_factor({"baseline": {"": [0.7, 0.72]}, "timesteps": {"2": [0.5, 0.51], "16": [0.8, 0.73]}},
                      baseline={"timesteps": "4"})  # fmt: skip
    figure = chart(Timesteps().compute(made))
    assert (figure.x_ticks, figure.x_log) == ((2, 4, 16), True)
    assert [point.y for point in figure.series[0].points] == pytest.approx([50.5, 71, 76.5])


def test_shares_of_variance_are_bars_that_add_up() -> None:
    values = {("a", "x"): [0.5, 0.6], ("b", "x"): [0.25, 0.3], ("a", "y"): [0.5, 0.7], ("b", "y"): [0.3, 0.3]}
    figure = chart(Variance().compute(factorial(values, {"residual": ["a", "b"], "encoding": ["x", "y"]})))
    assert figure.series[0].bars
    assert sum(point.x for point in figure.series[0].points) == pytest.approx(100)
    assert len(figure.rows) == len(figure.series[0].points)


def test_what_the_levels_would_take_by_chance_is_marked_on_their_bar() -> None:
    card = AxisVariance().compute(one())
    levels, chance = chart(card).series
    assert levels.bars and not chance.bars and chart(card).barred
    assert [point.x for point in levels.points] == pytest.approx(card.frame["level_share"] * 100)
    assert [point.x for point in chance.points] == pytest.approx(card.frame["by_chance"] * 100)
    assert [point.y for point in levels.points] == [point.y for point in chance.points] == [0]


def test_curves_that_would_cover_each_other_are_drawn_as_one() -> None:
    values = {"plain": LEVELS["plain"]}
    made = one_factor({"baseline": {"": REFERENCE}, "residual": values, "encoding": values,
                       "neuron": {"if": [0.5, 0.9, 0.6, 0.8, 0.7]}},
                      baseline={**BASELINE, "encoding": "direct", "neuron": "lif"})  # fmt: skip
    both, neuron = chart(Power().compute(made)).series
    assert both.name.startswith("residual and encoding (1 contrast each, SD 0.7")
    assert neuron.name.startswith("neuron (1 contrast, SD ")


def test_more_seeds_detect_less_and_the_curve_passes_through_the_table() -> None:
    card = Power().compute(one_factor({"baseline": {"": REFERENCE}, "residual": {"plain": LEVELS["plain"]}},
                                      baseline=BASELINE))  # fmt: skip
    points = {point.x: point.y for point in chart(card).series[0].points}
    assert points[5] == pytest.approx(card.frame["detectable"].iloc[0] * 100)
    assert list(points.values()) == sorted(points.values(), reverse=True)


def test_a_tuning_is_drawn_from_its_worst_to_its_best_trial() -> None:
    figure = chart(Tuned().compute(tuned()))
    (point,) = figure.series[0].points
    assert figure.rows == ("cell1",), "a cell without a complete trial has nothing to draw"
    assert (point.x_low, point.x, point.x_high) == pytest.approx((10, 70, 90))
    many = Tuned().compute(tuned(MOST_ROWS + 3))
    assert len(chart(many).rows) == MOST_ROWS
    assert many.notes[-1] == f"Drawn are the first {MOST_ROWS} of {MOST_ROWS + 2} cells."


def test_confirmed_cells_stand_beside_what_the_selection_promised() -> None:
    fresh, before = chart(Confirmed().compute(confirmed())).series
    assert (fresh.name, before.name) == ("fresh seeds", "seeds of the selection")
    assert fresh.points[0].x == before.points[0].x == pytest.approx(88.6)
    assert before.points[0].x_low is None


def test_a_search_for_two_objectives_draws_one_against_the_other() -> None:
    figure = chart(BestCells().compute(searched()))
    assert (figure.x_label, figure.y_label) == ("energy_nj, nJ a sample", "val_accuracy, %")
    assert [series.name for series in figure.series] == ["on the front", "limits exceeded"]
    assert [point.x for point in figure.series[0].points] == [10, 20]
    assert figure.series[0].stepped
    assert not any(point.filled for point in figure.series[1].points)


def test_steps_between_two_greatest_things_stay_within_what_the_cells_reach() -> None:
    """With x and y both the better the greater, (20, 40 %) also reaches (10, 40 %), never (20, 60 %)."""
    made = searched()
    objectives = [made.study["search"]["objectives"][0], {"metric": "energy_nj", "direction": "maximize"}]
    search = {**made.study["search"], "objectives": objectives, "constraints": {}}
    runs = made.runs.assign(energy_nj=[20.0, 1.0, 1.0, 10.0])
    front = chart(BestCells().compute(dataclasses.replace(made, study={**made.study, "search": search}, runs=runs)))
    assert [(x, round(y, 9)) for x, y in front.series[0].line()] == [(20, 40), (10, 40), (10, 52)]


STUDIES: dict[str, Callable[[], Any]] = {
    "one factor": lambda: priced({"baseline": 9.0, "residual=plain": 1.0, "residual=sew_add": 10.0}),
    "factorial": crossed, "search": searched, "tuned": tuned, "confirmed": confirmed, "curves": lambda: trained(9),
    "one seed": lambda: one_factor({"baseline": {"": [0.9]}, "residual": {"plain": [0.8]}}, baseline=BASELINE),
}  # fmt: skip


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_figure_can_be_drawn(study: Callable[[], StudyResults]) -> None:
    """No number that is none, intervals around their points, rows that exist, something to hover over and a caption."""
    drawn = [card.figure for card in cards(study()) if card.figure]
    assert drawn
    for figure in drawn:
        assert figure.caption.endswith(".") and len(figure.caption) > 20
        if isinstance(figure, HeatMap):
            assert len(figure.values) == len(figure.texts) == len(figure.rows)
            assert {len(row) for row in (*figure.values, *figure.texts)} == {len(figure.columns)}
            continue
        assert figure.series and all(series.points for series in figure.series)
        assert figure.x_label and (figure.y_label or figure.rows)
        for point in (point for series in figure.series for point in series.points):
            _check(point, figure)


def _check(point: Point, figure: Chart) -> None:
    assert point.text
    ends = (point.low, point.high, point.x_low, point.x_high)
    assert all(isinstance(each, float | int) and math.isfinite(each) for each in (point.x, point.y))
    assert all(each is None or math.isfinite(each) for each in ends)
    assert (point.low is None) == (point.high is None) and (point.x_low is None) == (point.x_high is None)
    assert point.low is None or point.high is None or point.low <= point.y <= point.high
    assert point.x_low is None or point.x_high is None or point.x_low <= point.x <= point.x_high
    assert not figure.rows or point.y in range(len(figure.rows))
    assert not figure.x_log or point.x > 0


def test_a_number_that_is_none_is_not_known() -> None:
    assert known(float("nan")) is None and known(None) is None
    assert known(0.5, 100) == 50.0


@pytest.mark.parametrize(
    ("values", "wide"), [([1, 5], False), ([1, 5.1], True), ([0, 10], False), ([-1, 10], False), ([], False)]
)
def test_a_logarithmic_scale_is_for_positive_values_over_a_factor_of_five(values: list[float], wide: bool) -> None:
    assert spread_wide(values) is wide
