"""What the report room is told of a study, from runs that were booked without training."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from booked import book

from ablate import study_directory, workflow
from reports.effects import axis_effects
from reports.results import StudyResults

SAMPLES = {"train": 900, "validation": 100, "test": 100}
OVERRIDES = ("seeds=2", "axes={residual: [plain]}")


def exported(folder: Path, study: str, provenances: list[dict[str, Any]]) -> StudyResults:
    """A study of two cells with its runs complete, the same provenances over and over."""
    prepared = workflow.prepare(study, OVERRIDES, directory=str(folder / "study"))
    study_directory.save(prepared.directory)
    correct = base64.b64encode(np.packbits(np.arange(100) % 4 == 0).tobytes()).decode()
    with workflow.open_ledger(prepared) as ledger:
        ledger.sync(prepared.plan.runs)
        for at, run in enumerate(prepared.plan.runs):
            book(ledger, [run.run_id], provenance=provenances[at % len(provenances)], correct=correct)
    return workflow.report(prepared)[0]


def test_the_sizes_of_a_partial_set_are_those_its_runs_opened(tmp_path: Path) -> None:
    """The catalogue does not know how many recordings lie on a disk, and without them no sample can be drawn anew."""
    results = exported(tmp_path, "nmnist", [{"samples": SAMPLES}])

    assert {part: results.study["data"][part] for part in SAMPLES} == SAMPLES
    row = axis_effects(results, "residual").iloc[0]
    assert (row["ci_task_low"], row["ci_task_high"]) == (0, 0), "all runs have the same samples right"


@pytest.mark.parametrize(
    "provenances", [[{}], [{"samples": SAMPLES}, {"samples": {**SAMPLES, "test": 90}}]], ids=["old", "contradicting"]
)
def test_sizes_that_no_run_told_or_not_all_tell_alike_stay_unknown(
    tmp_path: Path, provenances: list[dict[str, Any]]
) -> None:
    results = exported(tmp_path, "nmnist", provenances)

    assert results.study["data"]["test"] is None
    assert axis_effects(results, "residual")["ci_task_low"].isna().all()


def test_sizes_that_the_catalogue_lists_are_its_own(tmp_path: Path) -> None:
    results = exported(tmp_path, "quickstart", [{"samples": SAMPLES}])

    assert results.study["data"]["test"] == 359
