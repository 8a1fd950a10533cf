"""Results from Weights & Biases alone: the runs of a study in a project, and the description that its guide run holds.

Metrics, statuses and per-sample correctness come from the runs' summaries, curves from their full history, layers from
the table they logged. `ablate sync` sees that all of it is there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from reports.results import StudyResults
from reports.schema import CHOSEN, LAYERS, ORIGIN, WANDB_RUN, curve

PREFIX = "wandb:"
STUDY_FILE = "study.json"
_LOST = {"status": "missing", "reason": "complete in the ledger, but not in Weights & Biases"}
_SHAPE = f"{PREFIX}entity/project/study, or study@branch"


def read(source: str) -> StudyResults:
    """The results of `wandb:entity/project/study`.

    Args:
        source: the study is named, or given by its uid where a project holds two of one name; `@branch` behind it.

    Raises:
        ValueError: one line: the source is not of that form, or holds no such study, or W&B cannot be reached.
    """
    entity, project, study, branch = parts(source)
    import wandb

    try:
        api = wandb.Api(timeout=30)
        guide = _guide(list(_runs(api, f"{entity}/{project}", {"jobType": "guide"})), source, study, branch)
        runs = _runs(api, f"{entity}/{project}", {"config.uid": guide.config["uid"], "jobType": "train"})
        found = {run.config["run_id"]: run for run in runs if run.config.get("branch") == branch}
        return _results(json.loads(_file(guide, STUDY_FILE)), found)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{source}: {type(error).__name__}: {str(error).splitlines()[0]}") from error


def parts(source: str) -> tuple[str, str, str, str]:
    """Entity, project, study and branch of `wandb:entity/project/study[@branch]`.

    Raises:
        ValueError: if it is not of that form.
    """
    named = source.removeprefix(PREFIX).split("/")
    if not source.startswith(PREFIX) or len(named) != 3 or not all(named):
        raise ValueError(f"--source {source}: not a source; ledger, or {_SHAPE} is needed")
    study, _, branch = named[2].partition("@")
    return named[0], named[1], study, branch or "main"


def _runs(api: Any, path: str, filters: Mapping[str, Any]) -> Iterable[Any]:
    try:
        return list(api.runs(path, filters=dict(filters), per_page=200, lazy=False))
    except ValueError as error:
        raise ValueError(f"{PREFIX}{path}: {str(error).splitlines()[0]}") from None


def _guide(guides: list[Any], source: str, study: str, branch: str) -> Any:
    """The guide run of the study, which describes it."""
    named = [run for run in guides if study in (run.config.get("study"), run.config.get("uid"))]
    fitting = [run for run in named if run.config.get("branch") == branch]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        uids = ", ".join(sorted(run.config["uid"] for run in fitting))
        raise ValueError(f"{source}: {len(fitting)} studies of that name; put one's uid in its place: {uids}")
    known = ", ".join(sorted({f"{run.config.get('study')}@{run.config.get('branch')}" for run in guides})) or "none"
    raise ValueError(f"{source}: no such study with a guide (ablate sync STUDY logs it); there: {known}")


def _results(description: Mapping[str, Any], found: Mapping[str, Any]) -> StudyResults:
    curves: list[list[Any]] = []
    layers: list[dict[str, Any]] = []
    correct: dict[str, str] = {}

    def row(planned: Mapping[str, Any]) -> dict[str, Any]:
        run = found.get(planned["run_id"])
        summary = dict(run.summary) if run is not None else {}
        if run is not None and "tracking" in description["study"]:
            planned = {**planned, WANDB_RUN: run.id}
        if run is None or summary.get("status") != "complete":
            lost = _LOST if planned["status"] == "complete" else {}
            return {**planned, **lost, **_outcome(summary)}
        curves.extend([planned["run_id"], *each] for each in _curves(run))
        layers.extend({"run_id": planned["run_id"], **each} for each in _layers(run, summary))
        if summary.get("correct"):
            correct[planned["run_id"]] = summary["correct"]
        return {**planned, **_outcome(summary), **_columns(summary)}

    runs = pd.DataFrame([row(each) for each in description["planned"]])
    confirmation = pd.DataFrame([row(each) for each in description["confirmation"]])
    return StudyResults(
        study=description["study"],
        runs=runs,
        curves=pd.DataFrame(curves, columns=["run_id", "epoch", "split", "metric", "value"]),
        layers=pd.DataFrame(layers, columns=None if layers else list(LAYERS)),
        exclusions=description["exclusions"],
        correct=correct,
        provenance=description["provenance"],
        confirmation=confirmation,
    )


def _outcome(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: summary[name] for name in ("status", "reason", "attempts") if name in summary}


def _columns(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics and origin of a run; W&B stores a whole float as an integer."""
    kinds = dict(summary["columns"])
    metrics = {name: summary.get(name) for name in kinds}
    floats = {name: float(value) for name, value in metrics.items() if kinds[name] == "float" and value is not None}
    chosen = {CHOSEN: summary[CHOSEN]} if CHOSEN in summary else {}
    return metrics | floats | {name: summary.get(name) for name in ORIGIN} | chosen


def _curves(run: Any) -> list[list[Any]]:
    """Rows of one run from every row of its history; an epoch that was repeated after a kill counts as it was last."""
    values: dict[tuple[int, str, str], float] = {}
    for row in run.scan_history(use_cache=False):
        epoch = row.get("epoch")
        for name, value in row.items():
            if epoch is None or name == "epoch" or name.startswith(("_", "test_", "trainer/")):
                continue
            if isinstance(value, int | float) or value in ("NaN", "Infinity", "-Infinity"):
                values[(int(epoch), *curve(name))] = float(value)
    return [[*key, value] for key, value in values.items()]


def _layers(run: Any, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    logged = summary.get("layers")
    if not logged:
        return []
    table = json.loads(_file(run, logged["path"]))
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def _file(run: Any, name: str) -> str:
    """Text of a file that a run uploaded."""
    with tempfile.TemporaryDirectory() as folder, run.file(name).download(root=folder) as file:
        text: str = file.read()
    return text
