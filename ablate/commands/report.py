"""`ablate report`: the tables and the guide of a study, written again from its runs."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablate import workflow
from ablate.errors import RequestError, StudyError
from ablate.wandb_environment import QUIET, variables
from ablate.workflow import Prepared
from reports import guide
from reports.results import StudyResults


def main(
    argument: str | None,
    directory: str | None,
    source: str | None = None,
    out: str | None = None,
    storage: str | None = None,
) -> int:
    """Write the report of a study that was run, finished or not, and print its tables."""
    console = Console(highlight=False)
    if source is not None:
        if argument is not None or directory is not None:
            raise RequestError(f"--source {source}: names the study already; leave the other one out")
        _report_from(console, source, out)
        return 0
    if argument is None and directory is None:
        raise RequestError("which study? A name, a study directory, or --source wandb:entity/project/study")
    if out is not None:
        raise RequestError(f"--out {out}: goes with --source; a study's report is written to its own directory")
    print_report(console, workflow.prepare_existing(argument or "", directory=directory, storage=storage))
    return 0


def _report_from(console: Console, source: str, out: str | None) -> None:
    """The report of a study that is not here, from Weights & Biases alone."""
    from reports.sources import wandb

    try:
        with variables(QUIET):
            results = wandb.read(source)
    except ValueError as error:
        raise (StudyError if source.startswith(wandb.PREFIX) else RequestError)(str(error)) from error
    folder = Path(out or f"{results.study['name']}-report")
    written = results.write(folder)
    results = StudyResults.read(folder)
    written += guide.write_guide(results, folder)
    console.print(Text(guide.text_tables(results)), soft_wrap=True)
    names = sorted(path.relative_to(folder).as_posix() for path in written)
    console.print(Text(f"Written to {folder}/: {', '.join(names)}"), soft_wrap=True)


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
