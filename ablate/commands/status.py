"""`ablate status`: every cell and seed of a study, with accuracy and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate import workflow
from ablate.attempts import RunState
from ablate.commands.plan import excluded
from ablate.workflow import Prepared

MARKS = {"complete": "✓", "failed": "✗", "running": "▶", "missing": "·", "pruned": "-"}


def main(argument: str, directory: str | None) -> int:
    """Print one row per cell; exit code 0 whatever the runs did, since the question was answered."""
    prepared = workflow.prepare_existing(argument, directory=directory)
    console = Console(highlight=False)
    # Off a terminal a table must not be cut to 80 columns: somebody may search the log for a reason.
    width = None if console.is_terminal else 200
    console.print(table(prepared), width=width)
    for line in excluded(prepared.plan):
        console.print(Text(line.strip()), soft_wrap=True)
    progress = prepared.progress()
    total = len(prepared.plan.runs)
    missing = total - progress.complete - progress.failed
    console.print(f"{total} runs: {progress.complete} complete, {progress.failed} failed, {missing} to do")
    console.print(Text("  ".join(f"{mark} {status}" for status, mark in MARKS.items())))
    return 0


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
        shown.add_row(Text(cell.label), _marks(prepared.plan.seeds, row), _accuracy(row), Text(_note(row)))
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


def _note(row: Sequence[RunState | None]) -> str:
    return "; ".join(f"seed {state.seed} {state.reason}" for state in row if state and state.reason)
