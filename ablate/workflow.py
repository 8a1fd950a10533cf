"""What the commands do, importable: prepare a study, run what is missing of it, report. Printing is the commands'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from ablate import config, design, export, study_directory
from ablate.attempts import Attempt, RunState
from ablate.config import Study
from ablate.coordinator import Listener, Summary, coordinate
from ablate.design import Plan, PlannedRun
from ablate.engines import Engine, InlineEngine, ProcessEngine
from ablate.errors import RequestError
from ablate.ledger import Ledger
from ablate.records import RunSpec
from ablate.study_directory import MAIN, StudyDirectory
from lightning_modules import data
from reports import guide
from reports.results import StudyResults

TRIAL = "ablate.trial:run"


@dataclass(frozen=True)
class Progress:
    """How far a study is: complete and failed runs of the plan, and the mean seconds of those that ran."""

    complete: int
    failed: int
    seconds_a_run: float | None


@dataclass(frozen=True)
class Prepared:
    """A study that may run: validated, planned, and placed where it only adds to what is there."""

    directory: StudyDirectory
    plan: Plan

    @property
    def study(self) -> Study:
        return self.directory.study

    @property
    def workers(self) -> int:
        """Runs at once: as the study says, else one per core, but never more than there are runs."""
        engine = self.study.fields.engine
        if engine.name == "inline":
            return 1
        return max(1, min(engine.workers or _cores(), len(self.plan.runs)))

    def states(self) -> dict[str, RunState]:
        """State of every planned run that the ledger knows; empty where nothing has run."""
        known = read_ledger(self.directory).states()
        return {run.run_id: known[run.run_id] for run in self.plan.runs if run.run_id in known}

    def values(self, metric: str) -> dict[str, list[float]]:
        """Cell -> the metric of its runs that are complete."""
        found: dict[str, list[float]] = {}
        for state in self.states().values():
            if (
                state.status == "complete"
                and state.summary
                and (value := state.summary.metrics.get(metric)) is not None
            ):
                found.setdefault(state.cell, []).append(float(value))
        return found

    def progress(self) -> Progress:
        """How far the study is."""
        states = list(self.states().values())
        complete = [state.summary for state in states if state.status == "complete" and state.summary]
        seconds = [float(value) for each in complete if (value := each.metrics.get("train_seconds")) is not None]
        return Progress(
            len(complete), sum(state.status == "failed" for state in states), mean(seconds) if seconds else None
        )


def prepare(
    argument: str, overrides: Sequence[str] = (), *, directory: str | None = None, branch: str = MAIN
) -> Prepared:
    """Validate and plan a study and find its directory. Nothing is written.

    Args:
        argument: a packaged name, a YAML file or a study directory.
        overrides: `path=value`.
        directory: the study directory; `studies/<name>` by default.
        branch: keeps a changed study beside the old one.

    Raises:
        RequestError: if anything about the request is wrong.
    """
    study = config.load(argument, overrides)
    if directory is None and branch == MAIN and (Path(argument) / "study.yaml").is_file():
        directory = argument
    place = study_directory.place(study, directory=directory, branch=branch)
    return Prepared(study_directory.settle(place, study, branch=branch), design.plan(study))


def prepare_existing(argument: str, *, directory: str | None = None) -> Prepared:
    """A study that was run, as it was run.

    Raises:
        RequestError: if there is no such study here.
    """
    found = study_directory.read(study_directory.locate(argument, directory))
    return Prepared(found, design.plan(found.study))


def execute(prepared: Prepared, listener: Listener, *, retry_failed: bool = False) -> Summary:
    """Run what is missing; on a finished study nothing. The study directory is created if need be.

    Raises:
        Interrupted: on Ctrl-C, with everything booked.
        StudyError: if the study is locked, or its storage fails.
    """
    directory = prepared.directory
    with open_ledger(prepared) as ledger:
        study_directory.save(directory)
        ledger.sync(prepared.plan.runs)
        if retry_failed:
            ledger.retry_failed(prepared.plan.runs)
        return coordinate(ledger, prepared.plan.runs, _engine(prepared), _Specs(prepared), listener)


def require_data(prepared: Prepared) -> None:
    """See that what is left to run has its data. Nothing is written.

    Raises:
        RequestError: if the data set's files are not there or not the published ones.
    """
    if prepared.progress().complete == len(prepared.plan.runs):
        return
    try:
        data.check(prepared.study.baseline.data)
    except (ValueError, OSError) as error:
        raise RequestError(str(error)) from error


def read_ledger(directory: StudyDirectory) -> Ledger:
    """The ledger of a study for looking at; nothing is written."""
    return Ledger.read(directory.path, name=directory.study.name, uid=directory.uid, branch=directory.branch)


def open_ledger(prepared: Prepared) -> Ledger:
    """The ledger of a study for working on, under its lock."""
    directory = prepared.directory
    return Ledger.open(
        directory.path,
        name=prepared.study.name,
        uid=directory.uid,
        branch=directory.branch,
        objectives={each.metric: each.direction for each in prepared.study.objectives},
    )


def report(prepared: Prepared) -> tuple[StudyResults, list[Path]]:
    """Write tables and guides from the ledger; gives the results and the files written."""
    results = export.results(prepared.directory, prepared.plan, read_ledger(prepared.directory))
    folder = prepared.directory.report
    written = results.write(folder)
    # Guides are a function of the files alone: read them back, as a person who was sent them would.
    results = StudyResults.read(folder)
    return results, [*written, *guide.write_guide(results, folder)]


def _engine(prepared: Prepared) -> Engine:
    if prepared.study.fields.engine.name == "inline":
        return InlineEngine(TRIAL)
    return ProcessEngine(TRIAL, workers=prepared.workers)


class _Specs:
    """What a worker needs to know for a planned run."""

    def __init__(self, prepared: Prepared) -> None:
        self._directory = prepared.directory
        study, root = prepared.study, prepared.study.baseline.data.root
        self._tracking = study.fields.tracking.model_dump() | {"directory": str(prepared.directory.path.absolute())}
        self._execution: dict[str, Any] = {
            "accelerator": study.fields.engine.accelerator,
            "backend": "eager",
            "data_root": root and str(Path(root).absolute()),
            "objective": study.objective.model_dump(),
            "plugins": list(study.fields.plugins),
            "plugin_folders": list(study.plugin_folders),
        }

    def __call__(self, run: PlannedRun, attempt: Attempt) -> RunSpec:
        return RunSpec(
            study=self._directory.study.name,
            uid=self._directory.uid,
            branch=self._directory.branch,
            run_id=run.run_id,
            cell_id=run.cell.cell_id,
            cell=run.cell.label,
            seed=run.seed,
            attempt=attempt.attempt,
            token=attempt.token,
            directory=str(self._directory.run(run.run_id).absolute()),
            levels=dict(run.cell.levels),
            varied=list(run.cell.varied),
            config=dict(run.cell.config),
            execution=self._execution,
            tracking=self._tracking,
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
