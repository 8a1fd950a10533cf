"""Where a study's ledger, its files and its W&B runs differ, and how each difference is mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from ablate import lock, synchronise, wandb_local, workflow
from ablate.errors import StudyError
from ablate.wandb_environment import beside_the_runs
from ablate.wandb_identity import guide_identity, identity_of, run_identity
from ablate.wandb_local import RunDirectory
from ablate.wandb_remote import Remote, Tracked, begin, log
from ablate.wandb_summary import difference
from ablate.workflow import Prepared

ORPHANS = "orphans"
"""Folder of the study directory that takes what belongs to no run; nothing is deleted."""


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        what: one line.
        mend: mends it; None where nothing here can.
    """

    what: str
    mend: Callable[[], Any] | None = None


def examine(prepared: Prepared) -> Iterator[Finding]:
    """All findings of a study, in the order in which they are best mended. Nothing is written.

    Raises:
        StudyError: if a live coordinator works on the study, whose files change under one's eyes.
    """
    path = prepared.directory.path
    if owner := lock.owner(path):
        raise StudyError(
            f"{path}: process {owner.pid} on {owner.host} is working on this study; wait for it or stop it"
        )
    yield from _interrupted(prepared)
    ours, others = _unbooked(prepared)
    yield from _run_folders(prepared, ours, others)
    yield from _records(prepared)
    if prepared.study.fields.tracking.mode != "disabled":
        tracked = synchronise.tracked_runs(prepared)
        yield from _foreign(prepared, tracked, ours)
        on_server = _server_used(prepared)
        yield from _local(prepared, tracked, on_server=on_server)
        if on_server:
            yield from _server(prepared, tracked)


def _interrupted(prepared: Prepared) -> Iterator[Finding]:
    """What a dead coordinator left: its lock, and the runs it had begun."""
    path = prepared.directory.path

    def take_over() -> None:
        workflow.open_ledger(prepared).close()

    if any(file.name[5:].isdecimal() and file.stat().st_size for file in path.glob("lock.*")):
        yield Finding("the lock of a process that is gone", take_over)
    for file in sorted(path.glob(".lock-*")):
        yield Finding(f"{file.name}: left by a process that died while it took the lock", file.unlink)


def _run_folders(prepared: Prepared, ours: list[Path], others: list[Path]) -> Iterator[Finding]:
    """The folders of runs that the ledger does not know, see `_unbooked`."""
    for folder in ours:
        yield Finding(f"runs/{folder.name}: unknown to the ledger; the next ablate run books it or goes on with it")
    for folder in others:
        yield Finding(f"runs/{folder.name}: of no run of this study", _set_aside(prepared.directory.path, folder))


def _unbooked(prepared: Prepared) -> tuple[list[Path], list[Path]]:
    """The folders of runs that the ledger does not know: of the study's own, and of others.

    Its own are there if its storage was lost or is an old copy. All may be those of a search that is not at its end:
    which cells it will come to is not known before it has drawn them.
    """
    known = set(workflow.read_ledger(prepared.directory).run_ids())
    cells = {cell.cell_id for cell in prepared.plan.cells}
    drawing = prepared.study.fields.search is not None and not prepared.finished
    ours: list[Path] = []
    others: list[Path] = []
    for folder in sorted((prepared.directory.path / "runs").glob("*")):
        if folder.is_dir() and folder.name not in known:
            (ours if drawing or folder.name.rpartition("-")[0] in cells else others).append(folder)
    return ours, others


def _records(prepared: Prepared) -> Iterator[Finding]:
    ledger = workflow.read_ledger(prepared.directory)
    for run_id, state in ledger.states().items():
        if state.status != "complete" or not (prepared.directory.run(run_id) / "record.json").exists():
            if state.status == "complete":
                yield Finding(f"runs/{run_id}/record.json is gone: metrics are kept, curves and layers are lost")
            continue
        record = ledger.record(run_id)
        if record is not None and record == state.summary and not record.curves:
            yield Finding(f"runs/{run_id}/record.json is not the one that was booked; its curves are not used")


def _foreign(prepared: Prepared, tracked: list[Tracked], unbooked: list[Path]) -> Iterator[Finding]:
    """W&B directories of no run of the plan, nor of one whose folder the ledger may yet book."""
    if prepared.study.fields.tracking.tuning:
        return  # the trials of a tuning are logged too, and are not runs of the plan
    path, directory = prepared.directory.path, prepared.directory
    known = {run_identity(each.spec) for each in tracked} | {guide_identity(directory.uid, directory.branch)}
    known |= {identity_of(directory.uid, directory.branch, folder.name) for folder in unbooked}
    for each in wandb_local.directories(path):
        if each.wandb_id not in known:
            yield Finding(f"wandb/{each.path.name}: of no run of this study", _set_aside(path, each.path))


def _local(prepared: Prepared, tracked: list[Tracked], *, on_server: bool) -> Iterator[Finding]:
    """Runs whose last directory does not say what the ledger says. What was uploaded is the server's matter."""
    last: dict[str, RunDirectory] = {}
    for each in wandb_local.directories(prepared.directory.path):
        last[each.wandb_id] = each
    for run in tracked:
        found = last.get(run_identity(run.spec))
        if found is None and not on_server:
            yield Finding(f"{run.label}: has no W&B directory", _logged_again(prepared, run, None))
        elif found is not None and found.offline and not found.uploaded:
            problem = difference(run.expected, wandb_local.summary(found))
            if problem:
                yield Finding(f"{run.label}: {problem} (wandb/{found.path.name})", _logged_again(prepared, run, found))


def _server_used(prepared: Prepared) -> bool:
    directories = wandb_local.directories(prepared.directory.path)
    online = prepared.study.fields.tracking.mode == "online"
    return online or any(each.uploaded or not each.offline for each in directories)


def _server(prepared: Prepared, tracked: list[Tracked]) -> Iterator[Finding]:
    if left := len(synchronise.waiting(prepared)):
        yield Finding(f"{left} W&B directories are not uploaded", lambda: synchronise.synchronise(prepared, _quiet))
    try:
        remote = synchronise.remote_of(prepared)
        present = remote.runs()
    except StudyError as error:
        yield Finding(f"{error}; the server was not compared")
        return
    waiting = {each.wandb_id for each in synchronise.waiting(prepared)}
    for each in tracked:
        problem = remote.problem(each, present)
        if problem and run_identity(each.spec) not in waiting:
            yield Finding(f"{each.label}: {problem}", _mended(remote, each, present))
    expected = {run_identity(each.spec) for each in tracked} | waiting
    for wandb_id in sorted(set(present) - expected):
        if present[wandb_id].job_type == "train":
            yield Finding(f"run {wandb_id} on the server: of no run of this study; delete it there if it is not wanted")


def _mended(remote: Remote, run: Tracked, present: dict[str, Any]) -> Callable[[], None]:
    return lambda: remote.mend(run, present)


def _logged_again(prepared: Prepared, run: Tracked, old: RunDirectory | None) -> Callable[[], None]:
    """A W&B directory made from the ledger's record, in the place of one that says something else."""

    def again() -> None:
        path, tracking = prepared.directory.path.resolve(), prepared.study.fields.tracking
        with beside_the_runs(path):
            fresh = begin(run.spec, "offline", path, project=tracking.project, entity=tracking.entity)
            log(fresh, run)
            fresh.finish(exit_code=0 if run.expected["status"] in ("complete", "pruned") else 1)
        if old is not None and run.whole:
            shutil.rmtree(old.path)

    return again


def _set_aside(study: Path, folder: Path) -> Callable[[], None]:
    def move() -> None:
        (study / ORPHANS).mkdir(exist_ok=True)
        names = chain([folder.name], (f"{folder.name} ({number})" for number in count(2)))
        folder.rename(next(free for name in names if not (free := study / ORPHANS / name).exists()))

    return move


def _quiet(_: str) -> None:
    """Findings are lines enough."""
