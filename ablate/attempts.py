"""Attempts and what follows from them: a run's state. Each attempt is one Optuna trial; this file is its layout.

A trial's parameters are the levels by axis. Its user attributes: `run_id, cell_id, cell, seed, branch, attempt` from
the start, with `crashes`, the crashed attempts that this one follows in a row; `token` from the claim on; at the end
`record`, the run record without its bulky parts as JSON text, `digest`, the SHA-256 of the whole in `record.json`, and
for a reader of dashboards the `reason`, if there is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from optuna.trial import FrozenTrial, TrialState

from ablate.records import Outcome, RunRecord, Status

OUTCOMES: dict[Outcome, TrialState] = {
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "pruned": TrialState.PRUNED,
}


class PlannedCell(Protocol):
    """What the ledger needs of a cell (`ablate.design.Cell`)."""

    @property
    def cell_id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def levels(self) -> Any: ...


class Planned(Protocol):
    """What the ledger needs of a planned run (`ablate.design.PlannedRun`)."""

    @property
    def run_id(self) -> str: ...
    @property
    def cell(self) -> PlannedCell: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed attempt: the right to book one result.

    Attributes:
        run_id: the run.
        trial: number of the Optuna trial.
        attempt: number of the attempt at this run, from 0.
        token: random; drawn anew whenever the attempt is claimed.
        crashes: crashed attempts that this one follows in a row.
    """

    run_id: str
    trial: int
    attempt: int
    token: str
    crashes: int


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands: its complete attempt if there is one, else its latest.

    Attributes:
        run_id, cell, seed: the run, the printed name of its cell, its seed block.
        status: `complete`, `failed`, `pruned`, `running` or `missing`.
        reason: one line; why it failed or was pruned, or `interrupted` for a missing run that was begun.
        kind: class of a failure (see `RunRecord.kind`).
        attempts: attempts that were begun.
        crashes: crashed attempts in a row, this one included.
        summary: the record without curves, layers and correctness, once the run has ended.
        began, ended: of the attempt that decides, in local time.
    """

    run_id: str
    cell: str
    seed: int
    status: Status
    reason: str
    kind: str
    attempts: int
    crashes: int
    summary: RunRecord | None
    began: datetime | None
    ended: datetime | None


def state_of(trials: Sequence[FrozenTrial], *, alive: bool) -> RunState:
    """The state of a run from its attempts in order.

    Args:
        trials: all attempts at the run, at least one.
        alive: whether a coordinator is at work; without one a running attempt was interrupted.
    """
    deciding = next((each for each in trials if each.state is TrialState.COMPLETE), trials[-1])
    attrs = deciding.user_attrs
    summary = decoded(deciding)
    status, reason = _status(deciding, summary, alive=alive)
    kind = summary.kind if summary else ""
    return RunState(
        run_id=attrs["run_id"],
        cell=attrs["cell"],
        seed=attrs["seed"],
        status=status,
        reason=reason,
        kind=kind,
        attempts=sum(each.datetime_start is not None for each in trials),
        crashes=attrs["crashes"] + (kind == "crash"),
        summary=summary,
        began=deciding.datetime_start,
        ended=deciding.datetime_complete,
    )


def attributes(run: Planned, *, branch: str, attempt: int, crashes: int) -> dict[str, Any]:
    """User attributes of a new attempt."""
    return {
        "run_id": run.run_id,
        "cell_id": run.cell.cell_id,
        "cell": run.cell.label,
        "seed": run.seed,
        "branch": branch,
        "attempt": attempt,
        "crashes": crashes,
    }


def claimed(trial: FrozenTrial, token: str) -> Attempt:
    attrs = trial.user_attrs
    return Attempt(attrs["run_id"], trial.number, attrs["attempt"], token, attrs["crashes"])


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def encoded(record: RunRecord) -> str:
    """The part of a record that lives in the trial.

    Text, not a JSON object: a diverged run's NaN is no JSON, and a dashboard's reader would stumble over it.
    """
    return replace(record, curves=[], layers=[], correct="", profile={}).to_json()


def decoded(trial: FrozenTrial) -> RunRecord | None:
    """The record in a finished trial, without its bulky parts."""
    if not trial.state.is_finished():
        return None
    try:
        return RunRecord.from_json(trial.user_attrs["record"])
    except (KeyError, ValueError, TypeError):
        return None


def _status(trial: FrozenTrial, summary: RunRecord | None, *, alive: bool) -> tuple[Status, str]:
    if trial.state is TrialState.RUNNING and alive:
        return "running", ""
    if not trial.state.is_finished():
        return "missing", "interrupted" if trial.datetime_start else ""
    if summary is None:
        return "failed", f"trial {trial.number} was not written by ablate"
    return summary.status, summary.reason
