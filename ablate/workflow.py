"""What the commands do, importable: prepare a study, run what is missing of it, report. Printing is the commands'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean

from ablate import config, confirmation, export, study_directory, work
from ablate.attempts import RunState
from ablate.config import Study
from ablate.coordinator import Listener, Summary, coordinate
from ablate.design import Plan
from ablate.engines import choice
from ablate.engines.choice import Placement
from ablate.errors import RequestError
from ablate.ledger import Ledger
from ablate.specs import Specs
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
    pruned: int
    seconds_a_run: float | None


@dataclass(frozen=True)
class Confirm:
    """Which cells to run on how many fresh seeds (see `confirmation.select`)."""

    cells: str
    seeds: int


@dataclass(frozen=True)
class Prepared:
    """A study that may run: validated, planned, and placed where it only adds to what is there."""

    directory: StudyDirectory
    plan: Plan

    @property
    def study(self) -> Study:
        return self.directory.study

    @cached_property
    def placement(self) -> Placement:
        """The engine, and how many runs at once: as the study says, else what fits, never more than there are runs."""
        return choice.place(self.study.fields.engine, self.total)

    def states(self) -> dict[str, RunState]:
        """State of every planned run that the ledger knows; empty where nothing has run."""
        known = read_ledger(self.directory).states()
        return {run_id: known[run_id] for run_id in self._run_ids() if run_id in known}

    @property
    def total(self) -> int:
        """Runs in all: of a search those of its whole budget, of a tuned study those of its tunings too."""
        search = self.study.fields.search
        if search is None:
            return len(self._run_ids())
        return search.trials * len(self.plan.seeds) + len(self.plan.confirmation)

    def _run_ids(self) -> list[str]:
        tuning = self.study.fields.tuning
        trials = range(tuning.trials if tuning else 0)
        tried = [f"{cell.cell_id}-tuning{number}" for cell in self.plan.cells for number in trials]
        return [*tried, *(run.run_id for run in (*self.plan.runs, *self.plan.confirmation))]

    def values(self, metric: str) -> dict[str, list[float]]:
        """Cell -> the metric of its runs that are complete."""
        found: dict[str, list[float]] = {}
        of_the_design = {run.run_id for run in self.plan.runs}
        for state in self.states().values():
            if (
                state.run_id in of_the_design
                and state.status == "complete"
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
        statuses = [state.status for state in states]
        return Progress(
            len(complete), statuses.count("failed"), statuses.count("pruned"), mean(seconds) if seconds else None
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
    settled = study_directory.settle(place, study, branch=branch)
    return Prepared(settled, work.plan(study, read_ledger(settled)))


def prepare_existing(argument: str, *, directory: str | None = None) -> Prepared:
    """A study that was run, as it was run.

    Raises:
        RequestError: if there is no such study here.
    """
    found = study_directory.read(study_directory.locate(argument, directory))
    return Prepared(found, work.plan(found.study, read_ledger(found)))


def refreshed(prepared: Prepared) -> Prepared:
    """The same study with the plan as it stands now: a search has drawn cells, a confirmation has added runs."""
    directory = prepared.directory
    return Prepared(directory, work.plan(directory.study, read_ledger(directory)))


def execute(
    prepared: Prepared, listener: Listener, *, retry_failed: bool = False, confirm: Confirm | None = None
) -> Summary:
    """Run what is missing; on a finished study nothing. The study directory is created if need be.

    Args:
        prepared: the study.
        listener: is told what happens.
        retry_failed: whether runs that failed are repeated.
        confirm: the cells to run on fresh seeds when all else is done.

    Raises:
        Interrupted: on Ctrl-C, with everything booked.
        RequestError: if the engine is not installed or asked for what this machine has not.
        StudyError: if the study is locked, its storage fails, or a cluster cannot be reached.
    """
    directory = prepared.directory
    with open_ledger(prepared) as ledger:
        study_directory.save(directory)
        if retry_failed:
            ledger.retry_failed(work.bookable(prepared.study, prepared.plan))
        summary = _coordinate(prepared, prepared.plan, ledger, listener)
        if confirm is None:
            return summary
        plan = _with_confirmation(prepared.study, ledger, confirm)
        confirmed = _coordinate(prepared, plan, ledger, listener)
        return replace(
            confirmed, attempts=summary.attempts + confirmed.attempts, seconds=summary.seconds + confirmed.seconds
        )


def _coordinate(prepared: Prepared, plan: Plan, ledger: Ledger, listener: Listener) -> Summary:
    """Work on a plan with an engine of its own."""
    todo = work.work(prepared.study, plan, ledger)
    engine = choice.create(prepared.placement, TRIAL, prepared.directory.path.absolute() / "slurm")
    return coordinate(ledger, todo.runs, engine, Specs(prepared.directory, ledger), listener, source=todo.source)


def _with_confirmation(study: Study, ledger: Ledger, confirm: Confirm) -> Plan:
    plan = work.plan(study, ledger)
    cells = confirmation.select(study, plan, ledger.states(), confirm.cells)
    known = {run.run_id: run for run in (*plan.confirmation, *confirmation.runs(cells, confirm.seeds))}
    return replace(plan, confirmation=tuple(known.values()))


def require_data(prepared: Prepared) -> None:
    """See that what is left to run has its data. Nothing is written.

    Raises:
        RequestError: if the data set's files are not there or not the published ones.
    """
    if prepared.progress().complete == prepared.total:
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
