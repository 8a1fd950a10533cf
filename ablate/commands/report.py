"""`ablate report`: the tables and the guide of a study, written again from its runs."""

from __future__ import annotations

import os

from rich.console import Console
from rich.text import Text

from ablate import workflow
from ablate.workflow import Prepared
from reports import guide
from reports.results import StudyResults


def main(argument: str, directory: str | None) -> int:
    """Write `report/` of a study that was run, finished or not, and print its tables."""
    print_report(Console(highlight=False), workflow.prepare_existing(argument, directory=directory))
    return 0


def print_report(console: Console, prepared: Prepared) -> None:
    """Print the comparison tables and name the files written."""
    results, written = workflow.report(prepared)
    console.print(Text(guide.text_tables(results)), soft_wrap=True)
    if bare := _without_details(results):
        console.print(
            f"Warning: {bare} complete runs have lost their record.json; their metrics are kept, their curves, layers "
            "and per-sample correctness are not in the report",
            soft_wrap=True,
        )
    folder = prepared.directory.report
    names = sorted(path.relative_to(folder).as_posix() for path in written)
    console.print(Text(f"Written to {os.path.relpath(folder)}/: {', '.join(names)}"), soft_wrap=True)


def _without_details(results: StudyResults) -> int:
    """Complete runs of which the ledger's metrics are all that is left."""
    complete = results.runs.loc[results.runs["status"] == "complete", "run_id"]
    return int((~complete.isin(results.curves["run_id"])).sum())
