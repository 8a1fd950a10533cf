"""What the commands do, importable: prepare a study, run what is missing of it, report. Printing is the commands'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from ablate import config, design, study_directory
from ablate.config import Study
from ablate.design import Plan
from ablate.study_directory import MAIN, StudyDirectory


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

    def progress(self) -> Progress:
        """Read from the ledger; an absent one means that nothing has run."""
        states = _states(self.directory)
        planned = [states[run.run_id] for run in self.plan.runs if run.run_id in states]
        seconds = [
            float(value)
            for state in planned
            if state.status == "complete" and (value := state.metrics.get("train_seconds")) is not None
        ]
        return Progress(
            sum(state.status == "complete" for state in planned),
            sum(state.status == "failed" for state in planned),
            mean(seconds) if seconds else None,
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
