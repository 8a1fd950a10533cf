"""Studies whose runs were booked without training: what the commands do around runs needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablate import study_directory, workflow
from ablate.ledger import Ledger
from ablate.provenance import code, commit
from ablate.records import RunRecord

STUDY = ("seeds=2", "axes={residual: [plain], timesteps: [2]}")
ORIGIN = {"commit": commit(), "code": code()}


def booked(folder: Path, *, complete: int, provenance: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """`quickstart` with some of its six runs complete; gives the ids of all."""
    prepared = workflow.prepare("quickstart", STUDY, directory=str(folder / "studies" / "quickstart"), **options)
    study_directory.save(prepared.directory)
    with workflow.open_ledger(prepared) as ledger:
        ledger.sync(prepared.plan.runs)
        runs = [run.run_id for run in prepared.plan.runs]
        book(ledger, runs[:complete], provenance=ORIGIN if provenance is None else provenance)
    return runs


def book(ledger: Ledger, runs: Sequence[str], **changes: Any) -> None:
    for run_id in runs:
        attempt = ledger.claim(run_id)
        metrics = {"val_accuracy": 0.5, "test_accuracy": 0.25, "train_seconds": 2.0}
        given: dict[str, Any] = {"status": "complete", "metrics": metrics} | changes
        (ledger.directory / "runs" / run_id).mkdir(parents=True, exist_ok=True)
        ledger.finish(attempt, RunRecord(run_id, attempt.attempt, attempt.token, **given))
