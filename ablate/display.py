"""What a person sees while a study runs: a live table on a terminal, one line per event anywhere else."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean, median, stdev
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablate.records import RunRecord, RunSpec
from ablate.sections import FRESH_SEEDS


def duration(seconds: float) -> str:
    """`8 s`, `4 min 10 s`, `1 h 52 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


@dataclass
class Tally:
    """What is known of a study in progress, and what follows: the time left and the best cell so far."""

    total: int
    complete: int
    failed: int
    metric: str
    higher_is_better: bool
    started: float = field(default_factory=time.monotonic)
    by_cell: dict[str, list[float]] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)
    _at_once: int = 1
    _ends: list[float] = field(default_factory=list)
    _took: list[float] = field(default_factory=list)

    def begin(self, spec: RunSpec) -> None:
        self._begun[spec.run_id] = time.monotonic()
        self._at_once = max(self._at_once, len(self._begun))

    def add(self, spec: RunSpec, record: RunRecord) -> None:
        self._ends.append(time.monotonic())
        self._took.append(self._ends[-1] - self._begun.pop(spec.run_id, self.started))
        self.complete += record.status == "complete"
        self.failed += record.status == "failed"
        value = record.metrics.get(self.metric)
        # What a tuning tries, and a confirmation on fresh seeds, say nothing of the seeds of the design.
        if value is not None and spec.seed < FRESH_SEEDS:
            self.by_cell.setdefault(spec.cell, []).append(float(value))

    @property
    def ended(self) -> int:
        return self.complete + self.failed

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    @property
    def left(self) -> float | None:
        """Seconds left; None before the first run is done.

        The longer of two guesses. The rate since the first end knows of queues, but not that the runs of a first wave
        end together: until then, as many runs go at once as did so far, each as long as the median.
        """
        if not self._ends:
            return None
        missing = self.total - self.ended
        waves = median(self._took) / self._at_once
        rate = (self._ends[-1] - self._ends[0]) / max(len(self._ends) - 1, 1)
        return max(0.0, max(waves, rate) * missing - (time.monotonic() - self._ends[-1]))

    @property
    def best(self) -> str:
        if not self.by_cell:
            return ""
        choose = max if self.higher_is_better else min
        cell = choose(self.by_cell, key=lambda name: mean(self.by_cell[name]))
        values = self.by_cell[cell]
        spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
        return f"{cell}  {self.metric} {mean(values):.3f}{spread} ({len(values)} seed{'s' if len(values) > 1 else ''})"


class PlainDisplay:
    """One line per event, no control characters: readable in a log file."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def on_start(self, spec: RunSpec) -> None:
        self._tally.begin(spec)  # worth no line

    def on_progress(self, spec: RunSpec, progress: Mapping[str, Any]) -> None:
        """Epochs are too many for a log."""

    def on_finish(self, spec: RunSpec, record: RunRecord) -> None:
        tally = self._tally
        tally.add(spec, record)
        left = tally.left
        outcome = _outcome(record, tally.metric)
        ahead = f"{duration(left)} left" if left else "done"
        line = f"[{tally.ended}/{tally.total}] {spec.cell} seed={spec.seed}: {outcome}; {ahead}"
        if tally.best:
            line += f"; best so far {tally.best}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def on_retry(self, spec: RunSpec, reason: str) -> None:
        self._console.print(f"{spec.cell} seed={spec.seed}: {reason}; trying again", markup=False, highlight=False)


class LiveDisplay:
    """A progress bar with time left, a line per worker, and the best cell so far."""

    def __init__(self, console: Console, tally: Tally, *, study: str) -> None:
        self._tally = tally
        self._study = study
        self._running: dict[str, tuple[int, RunSpec, Mapping[str, Any]]] = {}
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._render, transient=True)

    def __enter__(self) -> LiveDisplay:
        self._live.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._live.__exit__(*raised)

    def on_start(self, spec: RunSpec) -> None:
        self._tally.begin(spec)
        # A run keeps its line until it ends; its successor takes the free one.
        taken = {line for line, _, _ in self._running.values()}
        line = next(number for number in itertools.count(1) if number not in taken)
        self._running[spec.run_id] = (line, spec, {})

    def on_progress(self, spec: RunSpec, progress: Mapping[str, Any]) -> None:
        line, *_ = self._running[spec.run_id]
        self._running[spec.run_id] = (line, spec, progress)

    def on_finish(self, spec: RunSpec, record: RunRecord) -> None:
        self._running.pop(spec.run_id, None)
        self._tally.add(spec, record)
        if record.status == "failed":
            self._live.console.print(
                Text.assemble(("failed", "red"), f" {spec.cell} seed={spec.seed}: {record.reason}")
            )

    def on_retry(self, spec: RunSpec, reason: str) -> None:
        self._running.pop(spec.run_id, None)
        self._live.console.print(Text(f"{spec.cell} seed={spec.seed}: {reason}; trying again"))

    def _render(self) -> Group:
        tally = self._tally
        seconds = tally.left
        left = f"{duration(seconds)} left" if seconds is not None else "time left: after the first run"
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(self._study, style="bold"),
            ProgressBar(total=tally.total, completed=tally.ended, width=28),
            f"{tally.ended}/{tally.total} runs",
            f"{len(self._running)} running",
            f"{tally.failed} failed",
            f"{duration(tally.elapsed)} elapsed",
            left,
        )
        workers = Table.grid(padding=(0, 2))
        for line, spec, progress in sorted(self._running.values(), key=lambda shown: shown[0]):
            workers.add_row(f"worker {line}", Text(f"{spec.cell} seed={spec.seed}"), *_progress(progress))
        best = Text(f"best so far  {tally.best}" if tally.best else "")
        return Group(head, workers, best)


def display(console: Console, tally: Tally, *, study: str) -> PlainDisplay | LiveDisplay:
    """The live table on a terminal, the log lines elsewhere."""
    return LiveDisplay(console, tally, study=study) if console.is_terminal else PlainDisplay(console, tally)


def _outcome(record: RunRecord, metric: str) -> str:
    if record.status == "failed":
        return f"failed: {record.reason}"
    value, seconds = record.metrics.get(metric), record.metrics.get("train_seconds")
    parts = [f"{metric} {value:.3f}" if value is not None else "", f"{seconds:.1f} s" if seconds is not None else ""]
    return ", ".join(part for part in parts if part) or record.status


def _progress(progress: Mapping[str, Any]) -> tuple[str, str, str]:
    if not progress:
        return "starting", "", ""
    value = progress.get("value")
    return (
        f"epoch {progress['epoch']}/{progress['epochs']}",
        f"{progress['metric']} {value:.3f}" if value is not None else "",
        f"{progress['seconds_per_epoch']:.1f} s/epoch",
    )
