"""`ablate status`: every cell and seed of a study, with accuracy, reasons, throughput and time left."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablate import lock, workflow
from ablate.attempts import RunState
from ablate.commands.plan import excluded
from ablate.display import duration
from ablate.engines.base import LOG, log_tail
from ablate.progress import PROGRESS
from ablate.throughput import throughput
from ablate.workflow import Prepared

MARKS = {"complete": "✓", "failed": "✗", "running": "▶", "missing": "·", "pruned": "-"}
_EVERY_SECONDS = 2.0
_LOG_LINES = 10
_LOG_WIDTH = 200


def main(
    argument: str, directory: str | None, storage: str | None = None, *, watch: bool = False, failed: bool = False
) -> int:
    """Print one row per cell; exit code 0 whatever the runs did, since the question was answered, unless it watched."""
    prepared = workflow.prepare_existing(argument, directory=directory, storage=storage)
    console = Console(highlight=False)
    if watch and console.is_terminal:
        prepared = _live(console, prepared)
    if not console.is_terminal:
        # A table must not be folded at 80 columns there: somebody may search the log for a reason.
        console.width = max(console.width, _LOG_WIDTH)
    console.print(overview(prepared))
    if watch and not console.is_terminal:
        prepared = _lines(console, prepared)
    if failed:
        for text in _failures(prepared):
            console.print(text, soft_wrap=True)
    return 1 if watch and not prepared.finished else 0


def overview(prepared: Prepared) -> RenderableType:
    """The table, what was left out, and how far the study is."""
    legend = Text("  ".join(f"{mark} {status}" for status, mark in MARKS.items()))
    left_out = [Text(line.strip()) for line in excluded(prepared.plan)]
    return Group(table(prepared), *left_out, *map(Text, _standing(prepared)), legend)


def _standing(prepared: Prepared) -> Iterator[str]:
    states = prepared.states()
    count = Counter(state.status for state in states.values())
    to_do = prepared.total - count["complete"] - count["failed"] - count["pruned"]
    parts = [f"{count['complete']} complete", f"{count['failed']} failed"]
    parts += [f"{count['pruned']} pruned"] if count["pruned"] else []
    parts += [f"{count['running']} running"] if count["running"] else []
    yield f"{prepared.total} runs: {', '.join(parts)}, {to_do - count['running']} to do"
    owner = lock.owner(prepared.directory.path)
    if owner is None:
        if to_do:
            yield f"Nobody works on it; go on with: ablate run {shlex.quote(str(prepared.directory.path))}"
        return
    speed = throughput(states.values(), to_do=to_do, since=owner.since, now=time.time())
    rate = f", {speed.an_hour:.3g} runs an hour" if speed.an_hour is not None else ""
    left = f", about {duration(speed.left)} left" if speed.left is not None else ""
    yield f"Process {owner.pid} on {owner.host} works on it{rate}{left}"


def _ended(prepared: Prepared) -> bool:
    """Whether nothing will change any more: all runs have ended, or nobody works on them."""
    return lock.owner(prepared.directory.path) is None or all(
        state.status in ("complete", "failed", "pruned") for state in prepared.states().values()
    )


def _live(console: Console, prepared: Prepared) -> Prepared:
    """Keep the table up to date on a terminal until the study has ended."""
    with Live(overview(prepared), console=console, auto_refresh=False, transient=True) as live:
        while not _ended(prepared):
            time.sleep(_EVERY_SECONDS)
            prepared = workflow.refreshed(prepared)
            live.update(overview(prepared), refresh=True)
    return workflow.refreshed(prepared)


def _lines(console: Console, prepared: Prepared) -> Prepared:
    """A line for each run that starts or ends, until the study has ended."""
    while not _ended(prepared):
        time.sleep(_EVERY_SECONDS)
        before, prepared = prepared.states(), workflow.refreshed(prepared)
        after = prepared.states()
        ended = sum(state.status in ("complete", "failed", "pruned") for state in after.values())
        for run_id, state in after.items():
            if run_id not in before or before[run_id].status != state.status:
                reason = f": {state.reason}" if state.reason else ""
                line = f"[{ended}/{prepared.total}] {state.cell} seed={state.seed}: {state.status}{reason}"
                console.print(Text(line), soft_wrap=True)
    prepared = workflow.refreshed(prepared)
    for text in _standing(prepared):
        console.print(Text(text), soft_wrap=True)
    return prepared


def _failures(prepared: Prepared) -> Iterator[Text]:
    """Every failed run with the last lines of its log."""
    for state in prepared.states().values():
        if state.status == "failed":
            attempts = f"{state.attempts} attempt{'s' if state.attempts > 1 else ''}"
            log = prepared.directory.run(state.run_id) / LOG
            yield Text(f"\n{state.cell} seed {state.seed} ({state.kind}, {attempts}): {state.reason}")
            yield Text("\n".join([f"  {log}:", *(f"    {line}" for line in log_tail(log, _LOG_LINES).splitlines())]))


def table(prepared: Prepared) -> Table:
    """Cells x seeds: a mark for each run, mean and standard deviation of test accuracy, and what went wrong."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("cell", overflow="fold")
    shown.add_column("seeds " + " ".join(map(str, prepared.plan.seeds)), justify="right", no_wrap=True)
    shown.add_column("test accuracy %", justify="right")
    shown.add_column("note", overflow="fold")
    states = prepared.states()
    for cell in prepared.plan.cells:
        row = [states.get(f"{cell.cell_id}-{seed}") for seed in prepared.plan.seeds]
        shown.add_row(Text(cell.label), _marks(prepared.plan.seeds, row), _accuracy(row), Text(_note(prepared, row)))
    return shown


def _marks(seeds: Sequence[int], row: Sequence[RunState | None]) -> str:
    marks = [MARKS[state.status if state else "missing"] for state in row]
    return " ".join(mark.rjust(len(str(seed))) for mark, seed in zip(marks, seeds, strict=True))


def _accuracy(row: Sequence[RunState | None]) -> str:
    values = [
        100 * float(value)
        for state in row
        if state and state.summary and (value := state.summary.metrics.get("test_accuracy")) is not None
    ]
    if not values:
        return ""
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    count = f" ({len(values)})" if len(values) < len(row) else ""
    return f"{mean(values):.1f}{spread}{count}"


def _note(prepared: Prepared, row: Sequence[RunState | None]) -> str:
    """Why runs failed or were stopped, and how far those are that run."""
    notes = []
    for state in row:
        if state and state.reason:
            notes.append(f"seed {state.seed} {state.reason}")
        elif state and state.status == "running" and (epoch := _epoch(prepared, state.run_id)):
            notes.append(f"seed {state.seed} {epoch}")
    return "; ".join(notes)


def _epoch(prepared: Prepared, run_id: str) -> str:
    try:
        progress = json.loads((prepared.directory.run(run_id) / PROGRESS).read_text())
        return f"epoch {progress['epoch']}/{progress['epochs']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
