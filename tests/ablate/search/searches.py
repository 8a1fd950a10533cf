"""Searches and tunings with a trial function that needs no torch, in this process."""

from __future__ import annotations

from pathlib import Path

from dummies import Recorder

from ablate import work
from ablate.config import Study
from ablate.coordinator import Summary, coordinate
from ablate.design import Plan
from ablate.engines import Engine, InlineEngine
from ablate.ledger import Ledger
from ablate.records import RunRecord, RunSpec
from ablate.specs import Specs
from ablate.study_directory import StudyDirectory

BASELINE = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"depth": 1, "width": 4, "timesteps": 4},
    "training": {"epochs": 8, "lr": 0.05},
}
RANGES = {"timesteps": {"low": 1, "high": 16}, "lr": {"low": 0.001, "high": 1.0, "log": True}}
LISTS = {"residual": ["plain", "sew_add", "sresnet"]}


class Stopped(Exception):  # noqa: N818
    """The coordinator died."""


class Dying(Recorder):
    """Dies when so many runs have ended."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def on_finish(self, spec: RunSpec, record: RunRecord) -> None:
        super().on_finish(spec, record)
        if len(self.of("finish")) >= self._after:
            raise Stopped


class Driver:
    """One study in one folder, worked on as the command line does."""

    def __init__(self, folder: Path, study: Study) -> None:
        self.study = study
        self.directory = StudyDirectory(folder, study, "u", "main")

    def open(self) -> Ledger:
        objectives = {each.metric: each.direction for each in self.study.objectives}
        return Ledger.open(self.directory.path, name=self.study.name, uid="u", objectives=objectives)

    def run(self, listener: Recorder | None = None, engine: Engine | None = None) -> Summary:
        with self.open() as ledger:
            todo = work.work(self.study, work.plan(self.study, ledger), ledger)
            specs = Specs(self.directory, ledger)
            engine = engine or InlineEngine("dummies:scored")
            return coordinate(ledger, todo.runs, engine, specs, listener or Recorder(), source=todo.source)

    def look(self) -> tuple[Ledger, Plan]:
        ledger = Ledger.read(self.directory.path, name=self.study.name, uid="u")
        return ledger, work.plan(self.study, ledger)
