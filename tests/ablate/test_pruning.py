"""Pruning: judged against the finished runs of the seed block, recorded with epoch and reason, never the baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dummies import Recorder

from ablate import config, pruning, trial
from ablate.attempts import Attempt
from ablate.coordinator import coordinate
from ablate.design import plan
from ablate.engines import InlineEngine
from ablate.ledger import Ledger
from ablate.pruning import Block, Judge
from ablate.records import RunRecord
from ablate.specs import Specs
from ablate.study_directory import StudyDirectory

GOOD = [0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.9]
BAD = [0.1] * 8


def block(earlier: list[tuple[list[float], bool]], pruner: Any = "median") -> dict[str, Any]:
    return Block(pruner, "val_accuracy", "maximize", 8, earlier).plain()


def judged(judge: Judge, values: list[float]) -> tuple[int, str] | None:
    """The epoch from 1 after which a run is stopped, and why; None if it is not."""
    for epoch, value in enumerate(values):
        if (reason := judge.report(epoch, value)) is not None:
            return epoch + 1, reason
    return None


def test_a_run_below_the_median_is_stopped_after_a_quarter_of_its_epochs() -> None:
    stopped = judged(Judge(block([(GOOD, True)] * 4)), BAD)

    assert stopped == (
        3,
        "median pruner after epoch 3 of 8: val_accuracy 0.1, against 4 finished runs of its seed block",
    )


def test_a_run_as_good_as_the_others_goes_on() -> None:
    assert judged(Judge(block([(GOOD, True)] * 4)), GOOD) is None


def test_nothing_is_stopped_before_there_is_something_to_compare_with() -> None:
    assert judged(Judge(block([(GOOD, True)] * 3)), BAD) is None
    assert judged(Judge(block([(GOOD[:4], False)] * 9)), BAD) is None


def test_hyperband_stops_the_worst_of_a_rung() -> None:
    stops = [judged(Judge(block([(GOOD, True)] * count, "hyperband")), BAD) for count in range(3, 9)]

    assert any(stops)


def test_the_last_epoch_is_never_pruned() -> None:
    assert judged(Judge(block([(GOOD, True)] * 4)), [*GOOD[:7], 0.0]) is None


def test_the_curve_of_a_metric_is_read_from_a_record() -> None:
    curves = [[1, "val", "accuracy", 0.5], [0, "val", "accuracy", 0.4], [0, "train", "accuracy", 0.9]]
    record = RunRecord("r", 0, "t", "complete", curves=curves)

    assert pruning.finished([record], "val_accuracy") == [([0.4, 0.5], True)]


def test_a_paired_design_is_pruned_by_seed_block_and_only_when_asked_to(tmp_path: Path) -> None:
    def blocks(*overrides: str) -> dict[str, Any]:
        study = config.load("quickstart", ["seeds=2", "axes={residual: [plain]}", *overrides])
        directory = StudyDirectory(tmp_path / ("pruned" if overrides else "whole"), study, "u", "main")
        runs = plan(study).runs
        with Ledger.open(directory.path, name="q", uid="u", objectives={"val_accuracy": "maximize"}) as ledger:
            specs = Specs(directory, ledger)
            coordinate(ledger, runs[:2], InlineEngine("dummies:scored"), specs, Recorder())
            attempt = Attempt("r", 0, 0, "t", 0)
            return {f"{run.cell.label} {run.seed}": specs(run, attempt).execution.get("pruning") for run in runs}

    assert set(blocks().values()) == {None}
    found = blocks("prune=median")
    assert found["baseline 0"] is None and found["baseline 1"] is None
    assert len(found["residual=plain 0"]["earlier"]) == 2
    assert found["residual=plain 1"]["earlier"] == []


def test_a_pruned_training_ends_with_epoch_reason_and_curve(tmp_path: Path, real_spec: Callable[..., Any]) -> None:
    spec = real_spec(tmp_path, pruning=block([([0.99] * 8, True)] * 4) | {"epochs": 5})

    record = trial.run(spec)

    assert record.status == "pruned"
    assert record.reason.startswith("median pruner after epoch 2 of 5: val_accuracy ")
    assert record.metrics == {"epochs": 2}
    assert {row[0] for row in record.curves} == {0, 1}
    assert not (tmp_path / "checkpoints" / "last.ckpt").exists()


@pytest.fixture
def real_spec() -> Callable[..., Any]:
    from test_trial import spec

    def make(folder: Path, **execution: Any) -> Any:
        made = spec(folder)
        made.execution.update(execution)
        return made

    return make
