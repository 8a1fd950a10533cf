"""Cards of searches, confirmations, tunings and pruned runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from synthetic_studies import one_factor

from reports.analyses.best_cells import BestCells
from reports.analyses.confirmed import Confirmed
from reports.analyses.overview import Overview
from reports.analyses.pruned_runs import PrunedRuns
from reports.analyses.tuned import Tuned
from reports.effects import conditions
from reports.guide import analyses, text_tables, write_guide
from reports.results import StudyResults

VALUES: dict[str, Any] = {
    "baseline": {"": [0.80, 0.82]},
    "residual": {"plain": [0.90, 0.94], "ms": [0.85, 0.85], "or": [0.95, 0.95]},
}
ONE = [{"metric": "val_accuracy", "direction": "maximize", "margin": None}]
TWO = [*ONE, {"metric": "energy_nj", "direction": "minimize", "margin": None}]
ENERGY = {"baseline": 4.0, "residual=plain": 9.0, "residual=ms": 5.0, "residual=or": 30.0}


def search(objectives: list[dict[str, Any]], **constraints: float) -> StudyResults:
    described = {
        "trials": 6, "sampler": "tpe", "pruner": "none", "objectives": objectives, "constraints": constraints,
    }  # fmt: skip
    made = one_factor(VALUES, baseline={"residual": "sresnet"}, design="search", search=described)
    runs = made.runs.assign(val_accuracy=made.runs["test_accuracy"], energy_nj=made.runs["cell"].map(ENERGY))
    return dataclasses.replace(made, runs=runs)


def confirmed(results: StudyResults) -> StudyResults:
    fresh = results.runs[results.runs["cell"] == "residual=plain"].copy()
    fresh["run_id"] = [f"{each}-fresh" for each in fresh["run_id"]]
    fresh["seed"] = fresh["seed"] + 1_000_000
    fresh["test_accuracy"] = [0.86, 0.88]
    return dataclasses.replace(results, confirmation=fresh)


def test_the_best_cells_come_first_and_those_above_a_limit_last() -> None:
    frame = BestCells().compute(search(ONE, energy_nj=20.0)).frame

    assert frame["cell"].tolist() == ["residual=plain", "residual=ms", "baseline", "residual=or"]
    assert frame["feasible"].tolist() == [True, True, True, False]


def test_a_search_is_called_a_search_and_its_best_cell_optimistic() -> None:
    prose = BestCells().compute(search(ONE)).prose

    assert prose[0].startswith("This is a search: cells were drawn to find a good one, so no two of them are a pair")
    # The SDs of the four cells are .0141, .0283, 0 and 0; Blom gives 1.05 for the exact 1.03.
    assert "is optimistic by about 0.00787 in val_accuracy if the cells were alike (1.05 standard errors)" in prose[2]


def test_several_objectives_mark_the_front() -> None:
    frame = BestCells().compute(search(TWO, energy_nj=20.0)).frame

    assert frame.loc[frame["front"], "cell"].tolist() == ["residual=plain", "residual=ms", "baseline"]


def test_a_search_has_no_table_of_effects_and_no_recommendation() -> None:
    keys = [analysis.key for analysis in analyses(search(ONE))]

    assert keys == ["overview", "best-cells", "pareto", "coverage", "reproduction"]
    assert "seed block" not in " ".join(Overview().compute(search(ONE)).notes)


def test_confirmation_is_reported_apart_and_enters_no_table_of_the_design(tmp_path: Path) -> None:
    results = confirmed(search(ONE))
    results.write(tmp_path)
    again = StudyResults.read(tmp_path)

    pd.testing.assert_frame_equal(again.runs, results.runs)
    pd.testing.assert_frame_equal(again.confirmation, results.confirmation)
    row = Confirmed().compute(again).frame.iloc[0]
    assert (row["cell"], row["seeds"], row["selected"]) == ("residual=plain", 2, pytest.approx(0.92))
    assert row["accuracy"] == pytest.approx(0.87)
    assert BestCells().compute(again).frame.equals(BestCells().compute(search(ONE)).frame)
    assert "Confirmation on fresh seeds" in text_tables(again)
    write_guide(again, tmp_path)


def test_without_confirmation_the_table_of_runs_is_as_it_always_was(tmp_path: Path) -> None:
    search(ONE).write(tmp_path)

    assert "purpose" not in (tmp_path / "runs.csv").read_text().splitlines()[0]


def test_the_tuning_card_says_what_was_chosen_and_how_sensitive_a_cell_was() -> None:
    cells = [
        {"cell_id": "a", "cell": "baseline", "trials": 8, "complete": 8, "chosen": {"training.lr": 0.05},
         "border": [], "best": 0.9, "median": 0.8, "worst": 0.1},
        {"cell_id": "b", "cell": "residual=plain", "trials": 8, "complete": 0, "chosen": {"training.lr": 0.05},
         "border": ["lr"], "best": None, "median": None, "worst": None},
    ]  # fmt: skip
    tuning = {"trials": 8, "sampler": "tpe", "metric": "val_accuracy", "space": ["training.lr"], "cells": cells}
    results = one_factor(VALUES, baseline={"residual": "sresnet"}, tuned=True, tuning=tuning)

    card = Tuned().compute(results)

    assert card.table is not None
    assert card.table.rows == (
        ("baseline", "training.lr=0.05", "8", "90.0 %", "80.0 %", "10.0 %", ""),
        ("residual=plain", "training.lr=0.05", "0 of 8 complete", "-", "-", "-", "lr"),
    )
    assert conditions(results) == "given the tuned values"


def test_pruned_runs_are_named_with_the_bound_at_the_worst() -> None:
    values: dict[str, Any] = {
        "baseline": {"": [0.80, 0.82, 0.81, 0.80]},
        "residual": {"plain": [0.90, 0.93, "pruned", 0.905], "ms": [0.9, 0.9, 0.9, 0.9]},
    }
    card = PrunedRuns().compute(one_factor(values, baseline={"residual": "sresnet"}))

    assert card.frame["level"].tolist() == ["plain"]
    row = card.frame.iloc[0]
    assert (row["pruned"], row["planned"]) == (1, 4)
    assert row["difference"] == pytest.approx(0.105)
    assert row["bound"] == pytest.approx((0.1 + 0.11 - 0.81 + 0.105) / 4)
    assert (row["verdict"], row["verdict_at_worst"]) == ("better", "undecided")
    assert card.notes[0].startswith("residual=plain seed 2: ")
