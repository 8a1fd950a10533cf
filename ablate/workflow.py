"""What the commands do, importable: prepare a study, run what is missing of it, report. Printing is the commands'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from ablate import backend, config, confirmation, same_data, study_directory, study_file, work
from ablate.attempts import RunState
from ablate.config import Study
from ablate.coordinator import Listener, Summary, coordinate
from ablate.design import Plan
from ablate.engines import Engine, choice
from ablate.engines.choice import Placement
from ablate.engines.devices import cores
from ablate.engines.on_demand import OnDemand
from ablate.errors import RequestError
from ablate.ledger import Ledger
from ablate.profile import Profile
from ablate.provenance import code, code_of, commit
from ablate.records import RunRecord
from ablate.search.tuning import Tuning
from ablate.specs import Specs
from ablate.study_directory import MAIN, StudyDirectory
from lightning_modules import data

if TYPE_CHECKING:
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
    looked: Ledger = field(repr=False, compare=False)
    """The ledger as it was looked at for the plan; read once."""

    @property
    def study(self) -> Study:
        return self.directory.study

    @cached_property
    def placement(self) -> Placement:
        """The engine, and how many runs at once: as the study says, else what fits, never more than there are runs."""
        return choice.place(self.study.fields.engine, self.total)

    def states(self) -> dict[str, RunState]:
        """State of every planned run that the ledger knew when the plan was made; empty where nothing had run."""
        return self._states

    @cached_property
    def _states(self) -> dict[str, RunState]:
        known = self.looked.states()
        return {run_id: known[run_id] for run_id in self._run_ids() if run_id in known}

    @property
    def total(self) -> int:
        """Runs in all: of a search those of its whole budget, of a tuned study those of its tunings too."""
        search = self.study.fields.search
        if search is None:
            return len(self._run_ids())
        begun = self.states()
        dropped = sum(run_id not in begun for run_id in self.plan.dropped)
        cells = len(self.plan.cells) if self.plan.used_up else search.trials
        return cells * len(self.plan.seeds) - dropped + len(self.plan.confirmation)

    @property
    def finished(self) -> bool:
        """Whether every planned run is complete, or was stopped by the study's pruner."""
        progress = self.progress()
        return progress.complete + progress.pruned >= self.total

    def _run_ids(self) -> list[str]:
        tried: list[str] = []
        if self.study.fields.tuning is not None:
            tuning = Tuning(self.study, self.looked.sampled)
            tried = [run_id for cell in self.plan.cells for run_id in tuning.run_ids(cell)]
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

    def summaries(self) -> list[RunRecord]:
        """The records of the complete runs without their bulky parts."""
        return [state.summary for state in self.states().values() if state.status == "complete" and state.summary]

    def progress(self) -> Progress:
        """How far the study is."""
        states, complete = list(self.states().values()), self.summaries()
        seconds = [float(value) for each in complete if (value := each.metrics.get("train_seconds")) is not None]
        statuses = [state.status for state in states]
        return Progress(
            len(complete), statuses.count("failed"), statuses.count("pruned"), mean(seconds) if seconds else None
        )


def prepare(
    argument: str,
    overrides: Sequence[str] = (),
    *,
    directory: str | None = None,
    branch: str = MAIN,
    storage: str | None = None,
) -> Prepared:
    """Validate and plan a study and find its directory. Nothing is written.

    Args:
        argument: a packaged name, a YAML file, a study directory, or the name of one in `./studies`.
        overrides: `path=value`.
        directory: the study directory; `studies/<name>` by default.
        branch: keeps a changed study beside the old one.
        storage: URL of a database for the ledger, with its password if it needs one; a study remembers the rest.

    Raises:
        RequestError: if anything about the request is wrong.
    """
    study = config.load(argument, overrides)
    if directory is None and branch == MAIN and (found := study_file.folder(argument)) is not None:
        directory = str(found)
    place = study_directory.place(study, directory=directory, branch=branch)
    return _planned(study_directory.settle(place, study, branch=branch, storage=storage))


def prepare_existing(argument: str, *, directory: str | None = None, storage: str | None = None) -> Prepared:
    """A study that was run, as it was run; `storage` as in `prepare`.

    Raises:
        RequestError: if there is no such study here.
    """
    return _planned(study_directory.read(study_directory.locate(argument, directory), storage=storage))


def refreshed(prepared: Prepared) -> Prepared:
    """The same study with the plan as it stands now: a search has drawn cells, a confirmation has added runs."""
    return _planned(prepared.directory)


def _planned(directory: StudyDirectory) -> Prepared:
    ledger = read_ledger(directory)
    return Prepared(directory, work.plan(directory.study, ledger), ledger)


def execute(
    prepared: Prepared,
    listener: Listener,
    *,
    retry_failed: bool = False,
    confirm: Confirm | None = None,
    opened: Callable[[Ledger], None] | None = None,
    profile: Profile | None = None,
) -> Summary:
    """Run what is missing; on a finished study nothing. The study directory is created if need be.

    Args:
        prepared: the study.
        listener: is told what happens.
        retry_failed: whether runs that failed are repeated.
        confirm: the cells to run on fresh seeds when all else is done.
        opened: is shown the ledger before the first run starts: what it found and settled.
        profile: is filled with what the runs cost.

    Raises:
        Interrupted: on Ctrl-C, with everything booked.
        RequestError: if the engine is not installed or asked for what this machine has not.
        StudyError: if the study is locked, its storage fails, or a cluster cannot be reached.
    """
    directory = prepared.directory
    chosen = _backend(prepared)
    # The study file comes before what is written to its ledger: whatever stops a start, the same command begins again.
    with open_ledger(prepared, ready=partial(study_directory.save, directory)) as ledger:
        backend.keep(directory.path, chosen)
        ledger.sync(work.known(prepared.study, prepared.plan))
        if opened is not None:
            opened(ledger)
        if retry_failed:
            ledger.retry_failed(work.repeatable(prepared.study, prepared.plan, ledger))
        summary = _coordinate(prepared, prepared.plan, ledger, listener, profile)
        if confirm is None:
            return summary
        plan = _with_confirmation(prepared.study, ledger, confirm)
        confirmed = _coordinate(prepared, plan, ledger, listener, profile)
        return replace(
            confirmed, attempts=summary.attempts + confirmed.attempts, seconds=summary.seconds + confirmed.seconds
        )


def _backend(prepared: Prepared) -> backend.Choice:
    baseline, engine = prepared.study.baseline, prepared.study.fields.engine
    updates = backend.updates(baseline.model, baseline.data, epochs=baseline.training.epochs, runs=prepared.total)
    began = prepared.progress().complete > 0
    gpu = choice.on_gpu(prepared.placement)
    return backend.choose(prepared.directory.path, engine.backend, updates=updates, began=began, gpu=gpu)


def _coordinate(prepared: Prepared, plan: Plan, ledger: Ledger, listener: Listener, profile: Profile | None) -> Summary:
    """Work on a plan with an engine of its own, which starts with the first run."""
    todo = work.work(prepared.study, plan, ledger)
    folder = prepared.directory.path.absolute() / "slurm"
    engine: Engine = OnDemand(partial(choice.create, prepared.placement, TRIAL, folder))
    study, specs = prepared.study, Specs(prepared.directory, ledger, profile is not None)
    used, clock = (engine, None) if profile is None else (profile.watched(engine), profile.clock)
    summary = coordinate(
        ledger,
        todo.runs,
        used,
        specs,
        listener,
        retries=study.fields.engine.retries,
        source=todo.source,
        clock=clock,
        stack=study.baseline.training.stack_seeds,
    )
    if profile is None:
        return summary
    profile.collect(ledger)
    return summary


def _with_confirmation(study: Study, ledger: Ledger, confirm: Confirm) -> Plan:
    plan = work.plan(study, ledger)
    cells = confirmation.select(study, plan, ledger.states(), confirm.cells)
    known = {run.run_id: run for run in (*plan.confirmation, *confirmation.runs(cells, confirm.seeds))}
    return replace(plan, confirmation=tuple(known.values()))


def require_data(prepared: Prepared) -> None:
    """See that what is left to run has its data. Nothing is written.

    Raises:
        RequestError: if the data set's files are not there, not the published ones, or not those that its runs saw.
    """
    if prepared.progress().complete == prepared.total:
        return
    try:
        data.check(prepared.study.baseline.data)
        same_data.require(prepared.study.baseline, prepared.states().values(), where=str(prepared.directory.path))
    except (ValueError, OSError) as error:
        raise RequestError(str(error)) from error


def require_code(prepared: Prepared) -> None:
    """See that what is left to run would be computed by code that has computed runs of this study before.

    Runs of a paired design differ in their cells and seeds alone; other code between them would be mixed in silently.

    Raises:
        RequestError: if the code is another one.
    """
    origins = [each.provenance for each in prepared.summaries() if each.provenance.get("commit")]
    if not origins or prepared.finished:
        return
    now, commit_now = code(), commit()
    known = any(each["code"] == now if "code" in each else each["commit"] == commit_now for each in origins)
    other = None if known else f"{origins[-1]['commit']}, now {commit_now}"
    for name, found in code_of(prepared.study.fields.plugins).items():
        seen = {each["plugins"][name] for each in origins if name in each.get("plugins", {})}
        if seen and found not in seen:
            other = f"plug-in {name}, {sorted(seen)[-1]}, now {found}"
    if other is None:
        return
    raise RequestError(
        f"{prepared.directory.path}: its {prepared.progress().complete} complete runs were computed by other code "
        f"({other}), which would be mixed with what is missing. Run it beside them "
        "(--branch NAME), go back to that version, or accept it (--accept-code)"
    )


def read_ledger(directory: StudyDirectory) -> Ledger:
    """The ledger of a study for looking at; nothing is written."""
    name, uid = directory.study.name, directory.uid
    return Ledger.read(directory.path, name=name, uid=uid, branch=directory.branch, url=directory.storage)


def open_ledger(prepared: Prepared, *, ready: Callable[[], None] = lambda: None) -> Ledger:
    """The ledger of a study for working on, under its lock; `ready` as in `Ledger.open`."""
    directory = prepared.directory
    return Ledger.open(
        directory.path,
        name=prepared.study.name,
        uid=directory.uid,
        branch=directory.branch,
        objectives={each.metric: each.direction for each in prepared.study.objectives},
        url=directory.storage,
        ready=ready,
    )


def report(prepared: Prepared) -> tuple[StudyResults, list[Path]]:
    """Write tables and guides from the ledger; gives the results and the files written."""
    return write_report(prepared, results(prepared))


def results(prepared: Prepared) -> StudyResults:
    """The ledger's runs as a report will have them, but for its looks. Nothing is written, and no look is recorded."""
    from ablate import export  # pandas, which commands that write no tables do without

    return export.results(prepared.directory, prepared.plan, read_ledger(prepared.directory))


def write_report(prepared: Prepared, results: StudyResults) -> tuple[StudyResults, list[Path]]:
    """Put the look at these results on record, then write their tables and guides; gives them and the files written."""
    from ablate import looks  # pandas and scipy, as above
    from reports import guide
    from reports.results import StudyResults

    results = looks.recorded(prepared.directory.path, results, prepared.study.fields.looks)
    folder = prepared.directory.report
    written = results.write(folder)
    # Guides are a function of the files alone: read them back, as a person who was sent them would.
    results = StudyResults.read(folder)
    return results, [*written, *guide.write_guide(results, folder, processes=cores())]
