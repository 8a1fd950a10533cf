"""`ablate run`: do what is missing of a study, then print and write its report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablate import confirmation, study_directory, synchronise, workflow
from ablate.commands.plan import describe
from ablate.commands.preflight import examine
from ablate.commands.profile import show
from ablate.commands.report import print_report
from ablate.coordinator import Interrupted
from ablate.display import Tally, display, duration
from ablate.errors import RequestError, StudyError
from ablate.ledger import Ledger
from ablate.profile import Profile
from ablate.progress import epochs_kept
from ablate.study_directory import MAIN
from ablate.wandb_server import connection, online_problem
from ablate.workflow import Confirm, Prepared

_FRESH_SEEDS = 5


def main(
    argument: str,
    overrides: Sequence[str],
    directory: str | None,
    branch: str,
    *,
    retry_failed: bool = False,
    confirm: str | None = None,
    seeds: int | None = None,
    storage: str | None = None,
    accept_code: bool = False,
    preflight: bool | None = None,
    profile: bool = False,
) -> int:
    """Exit code: 0 if every planned run is complete, 1 if some failed, 130 after Ctrl-C."""
    if seeds is not None and confirm is None:
        raise RequestError(f"--seeds {seeds}: goes with --confirm; for seed blocks of the study write seeds={seeds}")
    prepared = workflow.prepare(argument, overrides, directory=directory, branch=branch, storage=storage)
    if confirm is not None:
        confirmation.require(prepared.study, prepared.plan, confirm)
    study_directory.require_writable(prepared.directory.path)
    workflow.require_data(prepared)
    if not accept_code:
        workflow.require_code(prepared)
    console = Console(highlight=False)
    for line in describe(prepared):
        console.print(Text(line), soft_wrap=True)
    offline = _say_offline(console, prepared)
    console.print()
    examine(console, prepared, wanted=preflight)
    before = prepared.progress()
    tally = Tally(
        total=prepared.total,
        complete=before.complete,
        failed=0 if retry_failed else before.failed,
        metric=prepared.study.objective.metric,
        higher_is_better=prepared.study.objective.direction == "maximize",
        by_cell=prepared.values(prepared.study.objective.metric),
    )
    profiled = Profile() if profile else None
    try:
        with display(console, tally, study=prepared.study.name) as shown:
            wanted = Confirm(confirm, seeds or _FRESH_SEEDS) if confirm is not None else None
            summary = workflow.execute(
                prepared,
                shown,
                retry_failed=retry_failed,
                confirm=wanted,
                opened=partial(_say_found, console, tally),
                profile=profiled,
            )
    except Interrupted as stopped:
        again = _again(prepared, argument, given=bool(overrides or directory))
        _say_stopped(console, stopped, workflow.refreshed(prepared), again)
        return 130
    if summary.attempts:
        console.print(f"{summary.attempts} runs in {duration(summary.seconds)}")
    else:
        console.print("Nothing to run: every planned run has ended.")
    if profiled is not None:
        show(console, prepared.directory.path, profiled)
    prepared = workflow.refreshed(prepared)
    print_report(console, prepared)
    if prepared.study.fields.tracking.mode == "online" and not offline:
        _log_guide(console, prepared)
    _say_next(console, prepared, _again(prepared, argument, given=bool(overrides or directory)))
    return 0 if prepared.finished else 1


def _say_offline(console: Console, prepared: Prepared) -> bool:
    """Whether an online study has to stay offline; said once for all of it: what workers warn of ends in their logs."""
    problem = online_problem() if prepared.study.fields.tracking.mode == "online" else None
    if problem:
        console.print(Text(f"Weights & Biases: {problem}; runs are kept offline"), soft_wrap=True)
    return problem is not None


def _log_guide(console: Console, prepared: Prepared) -> None:
    """The guide of an online study, and what a server that went away meanwhile has missed."""
    try:
        synchronise.synchronise(prepared, lambda line: None)
    except StudyError as error:
        if not connection().told:  # by a run in this process
            name = _shell_name(prepared.directory.path)
            console.print(Text(f"{error}; the study is kept, upload it with: ablate sync {name}"), soft_wrap=True)


def _say_stopped(console: Console, stopped: Interrupted, prepared: Prepared, again: str) -> None:
    count = len(stopped.stopped)
    interrupted = ""
    if count:
        epochs = [epochs_kept(spec) for spec in stopped.stopped]
        where = f"from epoch {' and '.join(map(str, epochs))}" if any(epochs) else "from the start"
        interrupted = f"; {count} {'was' if count == 1 else 'were'} interrupted and will continue {where}"
    console.print(
        f"Stopped. {prepared.progress().complete} of {prepared.total} runs are complete and kept{interrupted}. "
        f"Go on with: ablate run {again}",
        soft_wrap=True,
    )


def _say_found(console: Console, tally: Tally, ledger: Ledger) -> None:
    """What a coordinator before left, or a storage that was lost."""
    found = ledger.adopted + ledger.restored
    tally.complete += found
    if ledger.adopted:
        console.print(f"{ledger.adopted} runs had ended when the last coordinator did; their records are booked")
    if ledger.restored:
        console.print(
            f"{ledger.restored} runs that the storage no longer knew are booked again from their record.json",
            soft_wrap=True,
        )


def _say_next(console: Console, prepared: Prepared, again: str) -> None:
    name = _shell_name(prepared.directory.path)
    if failed := prepared.progress().failed:
        console.print(f"{failed} failed; the reasons: ablate status {name}")
        console.print(f"Repeat them with: ablate run {again} --retry-failed")
    console.print(f"Look at the runs: ablate dashboard {name}")
    if synchronise.waiting(prepared):
        console.print(f"Upload them to Weights & Biases: ablate sync {name}")


def _again(prepared: Prepared, argument: str, *, given: bool) -> str:
    """The argument that goes on with a study: its directory where overrides or options made it another than the file's.

    The directory holds the study as it was run; the file without its overrides would be refused as changed.
    """
    changed = given or prepared.directory.branch != MAIN
    return shlex.quote(str(prepared.directory.path) if changed else argument)


def _shell_name(path: Path) -> str:
    """The shortest argument that finds the study again."""
    return shlex.quote(path.name if path.parent == Path("studies") else str(path))
