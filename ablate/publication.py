"""A study in W&B for people: a saved workspace and a report, made once and brought up to date in place."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablate.errors import RequestError
from ablate.files import write_atomically
from ablate.wandb_remote import Remote, speaking
from ablate.workflow import Prepared
from reports.render import markdown
from reports.results import StudyResults

MEMORY = "publication.json"
"""In the study directory: where workspace and report of each project are, by `server/entity/project`."""


def require_extra() -> None:
    """Raises RequestError if the package is not installed that makes workspaces and reports."""
    if find_spec("wandb_workspaces") is None:
        raise RequestError("wandb-workspaces is not installed; it comes with: pip install 'ablate-snn[publish]'")


def publish(prepared: Prepared, remote: Remote, results: StudyResults) -> dict[str, str]:
    """Save workspace and report; gives their addresses.

    Raises:
        StudyError: if the server does not take them.
    """
    memory = prepared.directory.path / MEMORY
    with speaking(prepared.directory.path):
        known = _read(memory)
        key = f"{remote.server}/{remote.entity}/{remote.project}"
        made = _Pages(prepared, remote, results).save(known.get(key, {}))
        write_atomically(memory, json.dumps(known | {key: made}, indent=1, sort_keys=True) + "\n")
    return made


class _Pages:
    """Workspace and report of a study."""

    def __init__(self, prepared: Prepared, remote: Remote, results: StudyResults) -> None:
        import wandb_workspaces.reports.v2 as reports
        import wandb_workspaces.workspaces as workspaces

        self._reports: Any = reports
        self._workspaces: Any = workspaces
        self._directory = prepared.directory
        self._remote = remote
        self._results = results

    def save(self, known: dict[str, str]) -> dict[str, str]:
        name = self._directory.study.name
        place = {"entity": self._remote.entity, "project": self._remote.project}
        workspace = _again(self._workspaces.Workspace, known.get("workspace")) or self._workspaces.Workspace(**place)
        workspace.name = name
        workspace.sections = [
            self._workspaces.Section(name=title, panels=panels, is_open=True) for title, panels in self._sections()
        ]
        config = self._workspaces.Config
        filters = [config("uid") == self._directory.uid, config("branch") == self._directory.branch]
        workspace.runset_settings.filters = filters
        workspace.save()
        report = _again(self._reports.Report, known.get("report")) or self._reports.Report(**place)
        report.title = f"Design guide: {name}"
        report.description = f"{len(self._results.runs)} runs; written by ablate publish"
        report.blocks = self._blocks()
        report.save()
        return {"workspace": workspace.url, "report": report.url}

    def _sections(self) -> list[tuple[str, list[Any]]]:
        panels, axes = self._reports, self._results.axes
        accuracy = panels.SummaryMetric("test_accuracy")
        bars = [self._bars(axis) for axis in axes]
        energy = panels.ScatterPlot(title="accuracy against energy", x=panels.SummaryMetric("energy_nj"), y=accuracy)
        names = self._results.curves["metric"].unique()
        rates = [
            panels.LinePlot(title=name, x="epoch", y=[name], groupby=panels.Config("cell"))
            for name in sorted(names)
            if name.startswith("firing_rate/")
        ]
        measures = [panels.Config(f"levels.{axis}") for axis in axes]
        measures += [panels.SummaryMetric(name) for name in ("firing_rate", "energy_nj", "test_accuracy")]
        coordinates = panels.ParallelCoordinatesPlot(
            title="levels, firing rate, energy and accuracy",
            columns=[panels.ParallelCoordinatesPlotColumn(metric=metric) for metric in measures],
        )
        return [
            ("Accuracy by level", bars),
            ("Accuracy against energy", [energy]),
            ("Firing rate per layer", rates),
            ("Parallel coordinates", [coordinates]),
        ]

    def _bars(self, axis: str) -> Any:
        """Mean over the seeds of a level, with their standard deviation."""
        panels = self._reports
        return panels.BarPlot(
            title=f"test accuracy by {axis}: mean and standard deviation over seeds",
            metrics=[panels.SummaryMetric("test_accuracy")],
            groupby=panels.Config(f"levels.{axis}"),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
        )

    def _blocks(self) -> list[Any]:
        from reports import guide

        panels = self._reports
        runs = panels.Runset(
            entity=self._remote.entity,
            project=self._remote.project,
            name=self._directory.study.name,
            filters=f"Config('uid') = '{self._directory.uid}' and Config('branch') = '{self._directory.branch}'",
        )
        text = markdown.render(
            f"Design guide: {self._directory.study.name}", guide.cards(self._results), fold=False, figures=False
        )
        grids = [
            block
            for title, shown in self._sections()
            if shown
            for block in (panels.H2(text=title), panels.PanelGrid(runsets=[runs], panels=shown))
        ]
        return [panels.MarkdownBlock(text), *grids]


def _again(kind: Any, address: str | None) -> Any:
    """What was saved before, or None where there is none or it was deleted."""
    if address is None:
        return None
    load: Callable[[str], Any] = kind.from_url
    try:
        return load(address)
    except Exception as error:
        if "not found" in str(error).lower() or isinstance(error, TypeError | AttributeError):
            return None
        raise


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        content: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content
