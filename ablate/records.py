"""What crosses an engine: a run to do (`RunSpec`) and what became of it (`RunRecord`). Cheap to import."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from reports.schema import CHOSEN, ORIGIN

Status = Literal["complete", "failed", "pruned", "excluded", "missing", "running"]
Outcome = Literal["complete", "failed", "pruned"]


class _Json:
    """Lossless conversion to one line of JSON; unknown keys are refused so that a stale worker is noticed."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, allow_nan=True)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, text: str) -> Self:
        data = json.loads(text)
        if not isinstance(data, dict) or data.keys() - cls.__dataclass_fields__.keys():  # type: ignore[attr-defined]
            raise ValueError(f"not a {cls.__name__}: {text[:80]!r}")
        return cls(**data)


@dataclass(frozen=True, slots=True)
class RunSpec(_Json):
    """One attempt at one run: everything a worker needs, and nothing it has to look up elsewhere.

    Attributes:
        study, uid, branch: the study's name, the identity drawn once for it, and its branch.
        run_id: `<cell_id>-<seed>`, unique within a study and a branch.
        cell_id, cell: identity and printed name of the cell (`residual=plain`; `baseline`).
        seed: the seed block.
        attempt: number of the attempt, from 0.
        token: random; a result is accepted only under the token of the current attempt.
        directory: folder of the run (`<study>/runs/<run_id>`).
        levels: axis -> printed level, for every axis of the study.
        varied: the axes in which the cell departs from the baseline.
        config: the `protocol`, `data`, `model` and `training` sections in full.
        execution: what only says where and how fast (accelerator, back end, threads, data root); of a stack the other
            runs too, see `stacks`.
        tracking: the `tracking` section (mode, project, entity, directory).
    """

    study: str
    uid: str
    branch: str
    run_id: str
    cell_id: str
    cell: str
    seed: int
    attempt: int
    token: str
    directory: str
    levels: dict[str, str]
    varied: list[str]
    config: dict[str, Any]
    execution: dict[str, Any] = field(default_factory=dict)
    tracking: dict[str, Any] = field(default_factory=dict)


def last_checkpoint(spec: RunSpec) -> Path:
    """Where an attempt leaves its state after every epoch; there only while the run is unfinished."""
    return Path(spec.directory) / "checkpoints" / "last.ckpt"


@dataclass(frozen=True, slots=True)
class RunRecord(_Json):
    """What became of one attempt.

    Attributes:
        status: `complete`, `failed` or `pruned`.
        reason: one line for a person; empty when complete.
        kind: class of a failure: `diverged` (an outcome of the cell), `error` (deterministic), `crash` (worth a retry).
        metrics: columns of the runs table by name (accuracies as fractions, seconds, counts).
        curves: rows `[epoch, split, metric, value]`.
        layers: rows of the layers table without the run id.
        correct: per-sample correctness on the test set in its fixed order: base64 of packed bits, sample 0 first.
        provenance: commit, versions, device, back end, data fingerprint, samples in each part of the data.
        profile: phase -> seconds, where they were asked for; no part of the study's tables.

    Raises:
        ValueError: for a status that no run ends with, as a file that was written by hand may hold.
    """

    run_id: str
    attempt: int
    token: str
    status: Outcome
    reason: str = ""
    kind: Literal["", "diverged", "error", "crash"] = ""
    metrics: dict[str, float | int | None] = field(default_factory=dict)
    curves: list[list[Any]] = field(default_factory=list)
    layers: list[dict[str, Any]] = field(default_factory=list)
    correct: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in get_args(Outcome):
            raise ValueError(f"status: {self.status!r} of run {self.run_id}; one of {', '.join(get_args(Outcome))}")

    @property
    def origin(self) -> dict[str, Any]:
        """Where the run comes from, as columns of the runs table: None where unknown; what tuning chose, if it did."""
        tuned = self.provenance.get("tuned")
        chosen = {CHOSEN: ", ".join(f"{path}={tuned[path]}" for path in sorted(tuned))} if tuned else {}
        return {name: self.provenance.get(name) for name in ORIGIN} | chosen
