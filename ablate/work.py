"""What there is to do for a study: runs known from the start, and a source of those that follow from how others end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablate import confirmation, design, estimate
from ablate.attempts import Planned
from ablate.config import Study
from ablate.coordinator import Source
from ablate.design import Plan
from ablate.ledger import Ledger
from ablate.search import drawing, size
from ablate.search.booking import SampledRun
from ablate.search.source import SearchSource
from ablate.search.tuning import Tuning, TuningSource

SEARCH = "search"


@dataclass(frozen=True)
class Work:
    """Runs for the coordinator."""

    runs: Sequence[Planned]
    source: Source | None = None


def plan(study: Study, ledger: Ledger) -> Plan:
    """The plan of a study: of a search what it has drawn so far; with the confirmations asked for before."""
    made = drawing.plan(study, ledger.sampled(SEARCH)) if study.fields.search else design.plan(study)
    return confirmation.known(made, ledger.run_ids())


def bookable(study: Study, made: Plan) -> tuple[Planned, ...]:
    """All runs of a plan as they stand in the ledger."""
    runs = (*made.runs, *made.confirmation)
    return tuple(SampledRun(run) for run in runs) if study.fields.search else runs


def repeatable(study: Study, made: Plan, ledger: Ledger) -> tuple[Planned, ...]:
    """The runs that are repeated on demand if they failed: with those of a tuning as long as nothing rests on it."""
    runs = bookable(study, made)
    if study.fields.tuning is None:
        return runs
    return (*runs, *Tuning(study, ledger.sampled).repeatable(made.cells, _statuses(ledger)))


def known(study: Study, made: Plan) -> tuple[Planned, ...]:
    """The runs that do not depend on how others end: none of a search or a tuned study."""
    return () if study.fields.search or study.fields.tuning else bookable(study, made)


def work(study: Study, made: Plan, ledger: Ledger) -> Work:
    """What is to be done, in this order within a seed block; what has ended before is among it, and is passed by."""
    if study.fields.search is not None:
        trials = ledger.sampled(SEARCH)
        source = SearchSource(study, trials, drawing.Drawing(study, trials, size.parameters), lambda: _statuses(ledger))
        return Work([SampledRun(run) for run in made.confirmation], source)
    if study.fields.tuning is not None:
        return Work((), TuningSource(Tuning(study, ledger.sampled), made, _statuses(ledger)))
    return Work(estimate.longest_first((*made.runs, *made.confirmation)))


def _statuses(ledger: Ledger) -> dict[str, str]:
    return {run_id: state.status for run_id, state in ledger.states().items()}
