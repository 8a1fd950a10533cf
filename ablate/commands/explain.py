"""`ablate explain`: the runs, values and formula behind a number of the guide."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablate import study_directory
from ablate.errors import RequestError, StudyError
from ablate.wandb_environment import QUIET, variables
from lightning_modules.catalogue import near
from reports.explanation import explanation
from reports.matching import axis_of, levels_of
from reports.render import text
from reports.results import RESULTS, StudyResults

LEDGER = "ledger"
"""The source of a study that is here; any other is in Weights & Biases."""


def main(arguments: Sequence[str], directory: str | None, source: str = LEDGER) -> int:
    """Print what a row of the guide is made of, from the report of the study."""
    if len(arguments) > 2:
        raise RequestError(f"{' '.join(arguments)}: too many arguments; ablate explain STUDY axis=level")
    *named, contrast = arguments
    if source != LEDGER:
        if named or directory is not None:
            raise RequestError(f"--source {source}: names the study already; leave the other one out")
        results = from_source(source)
    elif not named and directory is None:
        raise RequestError(f"{contrast}: of which study? ablate explain STUDY axis=level")
    else:
        results = read(named[0] if named else "", directory)
    axis, level = _asked(results, contrast)
    Console(highlight=False).print(Text(text.render([explanation(results, axis, level)]).rstrip()), soft_wrap=True)
    return 0


def read(argument: str, directory: str | None) -> StudyResults:
    """The report of a study directory, or a folder that holds a report's files itself."""
    folder = Path(argument)
    if directory is not None or not (folder / RESULTS).is_file():
        folder = study_directory.locate(argument, directory) / "report"
        if not (folder / RESULTS).is_file():
            again = shlex.quote(str(folder.parent))
            raise RequestError(f"{folder.parent}: has no report yet; write it with: ablate report {again}")
    try:
        return StudyResults.read(folder)
    except ValueError as error:
        raise StudyError(str(error)) from error


def from_source(source: str) -> StudyResults:
    """A study that is not here, from Weights & Biases alone.

    Raises:
        RequestError: if that is no source.
        StudyError: if it holds no such study or cannot be reached.
    """
    from reports.sources import wandb

    try:
        wandb.parts(source)
    except ValueError as error:
        raise RequestError(str(error)) from error
    try:
        with variables(QUIET):
            return wandb.read(source)
    except ValueError as error:
        raise StudyError(str(error)) from error


def _asked(results: StudyResults, contrast: str) -> tuple[str, str]:
    axis, equals, level = contrast.partition("=")
    if not equals:
        raise RequestError(f"{contrast!r}: not axis=level; write for instance {results.axes[0]}=LEVEL")
    if axis not in results.axes:
        raise RequestError(f"{axis!r} is not an axis of the study{near(axis, results.axes)} {', '.join(results.axes)}")
    if results.study["design"] == "search":
        raise RequestError(f"{contrast}: a search has no contrasts; its cells are no pairs")
    described = axis_of(results, axis)
    if level == described["reference"]:
        raise RequestError(f"{contrast}: is the baseline's level, what the others are compared with")
    if level not in (known := levels_of(described)):
        raise RequestError(f"{level!r} is not a level of {axis} here{near(level, known)} {', '.join(known)}")
    return axis, level
