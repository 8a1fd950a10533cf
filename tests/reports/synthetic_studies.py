"""Synthetic studies with chosen accuracies, for tests of the report room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from reports.results import StudyResults

EMPTY = {
    "curves": pd.DataFrame(columns=["run_id", "epoch", "split", "metric", "value"]),
    "layers": pd.DataFrame(columns=["run_id", "layer", "firing_rate", "synops", "macs", "acs"]),
}


def one_factor(
    values: Mapping[str, Mapping[str, Sequence[float | str]]],
    *,
    baseline: Mapping[str, str],
    axes: Mapping[str, Sequence[str]] | None = None,
    **changes: Any,
) -> StudyResults:
    """A one-factor study: `values[axis][level]` and `values["baseline"][""]` hold test accuracies by seed.

    Text in place of an accuracy is the reason of a failed run; `pruned` and `missing` stand for themselves.
    """
    cells = [_cell("baseline", dict(baseline), ())]
    accuracies = {"baseline": values["baseline"][""]}
    for axis, levels in values.items():
        for level, found in levels.items() if axis != "baseline" else ():
            cells.append(_cell(f"{axis}={level}", {**baseline, axis: level}, (axis,)))
            accuracies[f"{axis}={level}"] = found
    named = {axis: [baseline[axis], *values.get(axis, {})] for axis in baseline}
    return study(cells, accuracies, {**named, **(axes or {})}, baseline, **changes)


def factorial(
    values: Mapping[tuple[str, ...], Sequence[float | str]], axes: Mapping[str, Sequence[str]], **changes: Any
) -> StudyResults:
    """A factorial study over `axes` (first level: reference); `values` by the tuple of levels."""
    baseline = {axis: levels[0] for axis, levels in axes.items()}
    cells, accuracies = [], {}
    for levels in product(*axes.values()):
        assigned = dict(zip(axes, levels, strict=True))
        varied = tuple(axis for axis in axes if assigned[axis] != baseline[axis])
        name = " ".join(f"{axis}={assigned[axis]}" for axis in varied) or "baseline"
        if levels in values:
            cells.append(_cell(name, assigned, varied))
            accuracies[name] = values[levels]
    return study(cells, accuracies, axes, baseline, **{"design": "factorial", **changes})


def study(
    cells: list[dict[str, Any]],
    accuracies: Mapping[str, Sequence[float | str]],
    axes: Mapping[str, Sequence[str]],
    baseline: Mapping[str, str],
    *,
    margin: float | None = 0.01,
    exclusions: Sequence[Mapping[str, Any]] = (),
    metrics: Mapping[str, float] | None = None,
    **study_changes: Any,
) -> StudyResults:
    """A study from cells and their accuracies by seed; `metrics` are the same in every complete run."""
    seeds = range(max(len(each) for each in accuracies.values()))
    rows = [
        _run(cell, seed, value, metrics or {}) for cell in cells for seed, value in enumerate(accuracies[cell["cell"]])
    ]
    description = {
        "name": "synthetic", "uid": "u1", "branch": "main", "design": "one_factor", "protocol": "sound",
        "seeds": list(seeds), "baseline": dict(baseline), "cells": cells, "tuned": False,
        "axes": [{"name": axis, "path": f"model.{axis}", "levels": list(levels), "reference": baseline[axis]}
                 for axis, levels in axes.items()],
        "objective": {"metric": "val_accuracy", "direction": "maximize", "margin": margin},
        "data": {"name": "digits", "version": "1", "split": "a", "classes": 10,
                 "train": 1000, "validation": 300, "test": 497},
        "command": "ablate run synthetic", "file": "name: synthetic\n",
    }  # fmt: skip
    provenance = {"commit": "abc123", "versions": {"torch": "2.13.0"}, "devices": ["cpu"], "backends": ["eager"],
                  "data_fingerprints": ["f00d"]}  # fmt: skip
    return StudyResults({**description, **study_changes}, pd.DataFrame(rows), **EMPTY, exclusions=list(exclusions),
                        correct={}, provenance=provenance)  # fmt: skip


def _cell(name: str, levels: dict[str, str], varied: tuple[str, ...]) -> dict[str, Any]:
    return {"cell_id": "id-" + re.sub(r"[^\w=]", "_", name), "cell": name, "levels": levels, "varied": list(varied)}


def _run(cell: Mapping[str, Any], seed: int, value: float | str, metrics: Mapping[str, float]) -> dict[str, Any]:
    common = {"run_id": f"{cell['cell_id']}-{seed}", "cell_id": cell["cell_id"], "cell": cell["cell"], "seed": seed,
              "attempts": 1, **cell["levels"]}  # fmt: skip
    if isinstance(value, str):
        status = value if value in ("pruned", "missing", "running") else "failed"
        return common | {"status": status, "reason": "" if status == "missing" else value}
    return common | {"status": "complete", "reason": "", "test_accuracy": value, "val_accuracy": value, **metrics}
