"""`ablate report`: the tables and the guide of a study, written again from its runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablate import workflow
from ablate.commands.explain import LEDGER, from_source, read
from ablate.engines.devices import cores
from ablate.errors import RequestError
from ablate.study_file import STUDY_YAML
from ablate.workflow import Prepared
from reports import guide
from reports.render import text
from reports.results import RESULTS, StudyResults
from reports.side_by_side import require_comparable

_LONGEST = 120
"""Characters of a folder's name; beyond, not every study is in it."""


def main(
    arguments: Sequence[str],
    directory: str | None,
    source: str = LEDGER,
    out: str | None = None,
    storage: str | None = None,
) -> int:
    """Write the report of a study that was run, finished or not, or of several side by side, and print its tables."""
    console = Console(highlight=False)
    if source != LEDGER:
        if arguments or directory is not None:
            raise RequestError(f"--source {source}: names the study already; leave the other one out")
        _report_from(console, source, out)
        return 0
    if len(arguments) > 1:
        if directory is not None or storage is not None:
            raise RequestError("--dir and --storage go with one study; name several by their directories")
        _report_several(console, arguments, out)
        return 0
    if not arguments and directory is None:
        raise RequestError("which study? A name, a study directory, or --source wandb:entity/project/study")
    if out is not None:
        raise RequestError(
            f"--out {out}: goes with --source or several studies; a study's report is written to its own directory"
        )
    argument = arguments[0] if arguments else ""
    print_report(console, workflow.prepare_existing(argument, directory=directory, storage=storage))
    return 0


def _report_several(console: Console, arguments: Sequence[str], out: str | None) -> None:
    """The reports of the studies that were run here, then what they agree on."""
    reports = {each: read(each, None) for each in arguments if (Path(each) / RESULTS).is_file()}
    prepared = {each: workflow.prepare_existing(each) for each in arguments if each not in reports}
    unwritten = {each: workflow.results(prepared[each]) for each in prepared}
    found = reports | unwritten
    folder = Path(out or _side_by_side_name([found[each] for each in arguments]))
    _require_free(folder, prepared.values())
    try:
        require_comparable([found[each] for each in arguments])
    except ValueError as error:
        raise RequestError(str(error)) from None
    # Only now, when nothing is left to refuse: a report is a look, and a look cannot be taken back.
    own = {each: workflow.write_report(prepared[each], unwritten[each])[0] for each in prepared}
    studies = [(reports | own)[each] for each in arguments]
    cards, written = guide.write_side_by_side(studies, folder)
    console.print(Text(text.render(cards).rstrip()), soft_wrap=True)
    for each in prepared.values():
        console.print(Text(f"Written to {os.path.relpath(each.directory.report)}/: its own report"), soft_wrap=True)
    _say_written(console, folder, written)


def _require_free(folder: Path, studies: Iterable[Prepared]) -> None:
    """See that a folder is neither a study nor the place of a report, of those that are about to be written too."""
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"--out {folder}: is a file; name a folder")
    own = {each.directory.report.resolve() for each in studies}
    if folder.resolve() in own or any((folder / name).exists() for name in (RESULTS, STUDY_YAML)):
        raise RequestError(f"--out {folder}: holds a study; name another folder")


def _side_by_side_name(studies: Sequence[StudyResults]) -> str:
    """`nmnist-cifar10_small-report`; of many studies the first, and how many more."""
    names = [str(each.study["name"]) for each in studies]
    name = "-".join(names)
    return f"{name if len(name) <= _LONGEST else f'{names[0]}-and-{len(names) - 1}-more'}-report"


def _say_written(console: Console, folder: Path, written: Iterable[Path]) -> None:
    """The files by name, those of a folder below by their number."""
    paths = sorted(path.relative_to(folder) for path in written)
    below = Counter(path.parent.as_posix() for path in paths if path.parent != Path())
    names = [path.name for path in paths if path.parent == Path()]
    names += [f"{name}/ ({count} files)" for name, count in below.items()]
    console.print(Text(f"Written to {os.path.relpath(folder)}/: {', '.join(names)}"), soft_wrap=True)


def _report_from(console: Console, source: str, out: str | None) -> None:
    """The report of a study that is not here, from Weights & Biases alone."""
    results = from_source(source)
    folder = Path(out or f"{results.study['name']}-report")
    written = results.write(folder)
    results = StudyResults.read(folder)
    written += guide.write_guide(results, folder, processes=cores())
    console.print(Text(guide.text_tables(results)), soft_wrap=True)
    _say_written(console, folder, written)


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
    _say_written(console, prepared.directory.report, written)


def _without_details(results: StudyResults) -> int:
    """Complete runs of which the ledger's metrics are all that is left."""
    complete = results.runs.loc[results.runs["status"] == "complete", "run_id"]
    return int((~complete.isin(results.curves["run_id"])).sum())
