"""The ledger's runs as `StudyResults`: what the report room reads, and all it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from ablate import same_data, sampled, wandb_place
from ablate.axes import Axis
from ablate.design import Cell, ExcludedCell, Plan, PlannedRun
from ablate.ledger import Ledger
from ablate.records import RunRecord
from ablate.study_directory import StudyDirectory
from ablate.wandb_identity import identity_of
from lightning_modules import catalogue, data
from reports.results import StudyResults
from reports.schema import ORIGIN, WANDB_RUN


def results(directory: StudyDirectory, plan: Plan, ledger: Ledger) -> StudyResults:
    """Every planned run with its status, and the records of those that ended."""
    curves: list[list[Any]] = []
    layers: list[dict[str, Any]] = []
    correct: dict[str, str] = {}
    records: list[RunRecord] = []
    states = ledger.states()
    known = [states[run.run_id] for run in (*plan.runs, *plan.confirmation) if run.run_id in states]
    tracked = directory.study.fields.tracking.mode != "disabled"
    seen = same_data.fingerprint_of(each.summary for each in known if each.status == "complete" and each.summary)

    def row(run: PlannedRun) -> dict[str, Any]:
        state = states.get(run.run_id)
        record = ledger.record(run.run_id) if state is not None and state.status == "complete" else None
        if state and record and (reason := same_data.strays(record, seen)):
            state, record = replace(state, status="failed", reason=reason), None
        if record is not None:
            records.append(record)
            curves.extend([run.run_id, *each] for each in record.curves)
            layers.extend({"run_id": run.run_id, **each} for each in record.layers)
            if record.correct:
                correct[run.run_id] = record.correct
        dropped = plan.dropped.get(run.run_id)
        return {
            "run_id": run.run_id,
            "cell_id": run.cell.cell_id,
            "cell": run.cell.label,
            "seed": run.seed,
            "status": state.status if state else "missing" if dropped is None else "pruned",
            "reason": state.reason if state else dropped or "",
            "attempts": state.attempts if state else 0,
            **run.cell.levels,
            **(record.metrics | record.origin if record else {}),
            **({WANDB_RUN: _wandb_run(directory, run)} if tracked and state and state.attempts else {}),
        }

    rows = [row(run) for run in plan.runs]
    rows += [_excluded_row(each, seed) for each in plan.excluded for seed in plan.seeds]
    confirmation = [row(run) for run in plan.confirmation]
    return StudyResults(
        study=_description(directory, plan, records) | sampled.description(directory.study, plan.cells, ledger),
        runs=pd.DataFrame(rows),
        curves=pd.DataFrame(curves, columns=["run_id", "epoch", "split", "metric", "value"]),
        layers=pd.DataFrame(layers),
        exclusions=[{**_cell(each.cell), "reason": each.reason} for each in plan.excluded],
        correct=correct,
        provenance=_provenance(records),
        confirmation=pd.DataFrame(confirmation),
    )


def _wandb_run(directory: StudyDirectory, run: PlannedRun) -> str:
    return identity_of(directory.uid, directory.branch, run.run_id)


def _excluded_row(excluded: ExcludedCell, seed: int) -> dict[str, Any]:
    cell = excluded.cell
    identity = {"run_id": f"{cell.cell_id}-{seed}", "cell_id": cell.cell_id, "cell": cell.label, "seed": seed}
    return identity | {"status": "excluded", "reason": excluded.reason, "attempts": 0} | dict(cell.levels)


def _description(directory: StudyDirectory, plan: Plan, records: Iterable[RunRecord]) -> dict[str, Any]:
    study = directory.study
    facts = data.describe(study.baseline.data)
    listed = {"train": facts.train, "validation": facts.validation, "test": facts.test}
    opened = _samples(records)
    return {
        "name": study.name,
        "uid": directory.uid,
        "branch": directory.branch,
        "design": study.fields.design,
        "protocol": study.baseline.protocol,
        "seeds": list(study.seeds),
        "axes": [
            {
                "name": axis.name,
                "path": axis.path,
                "levels": [level.label for level in axis.levels],
                "reference": axis.reference,
                **({"range": str(axis.range)} if axis.range else {}),
                **({"definitions": defined} if (defined := _definitions(axis)) else {}),
            }
            for axis in study.axes
        ],
        "baseline": {axis.name: axis.reference for axis in study.axes},
        "cells": [_cell(cell) | {"varied": list(cell.varied)} for cell in plan.cells],
        "objective": study.objective.pursued(),
        "data": {
            "name": facts.name,
            "version": facts.version,
            "split": facts.split,
            "rule": facts.rule,
            "classes": facts.classes,
            **{part: opened.get(part) if size is None else size for part, size in listed.items()},
        },
        "tuned": study.fields.tuning is not None,
        "command": f"ablate run {study.name}.yaml",
        "file": directory.study_text(),
        **_tracking(directory),
    }


def _definitions(axis: Axis) -> dict[str, dict[str, str]]:
    """Equation and source of the levels that the catalogue knows, by their printed names."""
    known = catalogue.levels(axis.path.rpartition(".")[2])
    named = {level.label: known.get(level.label.partition("(")[0]) for level in axis.levels}
    return {
        label: {"equation": entry.equation, "source": entry.source}
        for label, entry in named.items()
        if entry is not None
    }


def _samples(records: Iterable[RunRecord]) -> dict[str, int]:
    """Sizes of the parts of the data that all runs tell alike; nothing of runs from before they were kept."""
    told = [each.provenance["samples"] for each in records if "samples" in each.provenance]
    return {part: size for part, size in (told[0] if told else {}).items() if all(x.get(part) == size for x in told)}


def _tracking(directory: StudyDirectory) -> dict[str, Any]:
    """Where the runs are in W&B: the project, and what the last `ablate sync` found; nothing for untracked studies."""
    tracking = directory.study.fields.tracking
    if tracking.mode == "disabled":
        return {}
    place = {"project": tracking.project} | ({"entity": tracking.entity} if tracking.entity else {})
    return {"tracking": place | wandb_place.known(directory.path)}


def _cell(cell: Cell) -> dict[str, Any]:
    return {"cell_id": cell.cell_id, "cell": cell.label, "levels": dict(cell.levels)}


def _provenance(records: Iterable[RunRecord]) -> dict[str, Any]:
    """Distinct values over all runs, sorted: more than one commit or fingerprint is a finding, not a detail."""
    found: dict[str, set[str]] = {name: set() for name in (*ORIGIN, "energy")}
    versions: dict[str, set[str]] = {}
    for record in records:
        for name in found:
            if value := record.provenance.get(name):
                found[name].add(str(value))
        for package, version in record.provenance.get("versions", {}).items():
            versions.setdefault(package, set()).add(str(version))
    return {
        "commit": ", ".join(sorted(found["commit"])),
        "versions": {package: ", ".join(sorted(values)) for package, values in sorted(versions.items())},
        "devices": sorted(found["device"]),
        "backends": sorted(found["backend"]),
        "data_fingerprints": sorted(found["data_fingerprint"]),
        "energy": sorted(found["energy"]),
    }
