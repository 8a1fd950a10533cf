"""Bring a study's W&B project up to its ledger: upload what is offline, mend what differs, log the guide."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from ablate import wandb_guide, wandb_local, wandb_place, wandb_upload, workflow
from ablate.attempts import Attempt
from ablate.errors import StudyError
from ablate.specs import Specs
from ablate.wandb_identity import identity_of
from ablate.wandb_local import RunDirectory
from ablate.wandb_remote import Remote, Tracked, expectation
from ablate.wandb_server import unreachable
from ablate.workflow import Prepared

Told = Callable[[str], None]


@dataclass(frozen=True)
class Synchronised:
    """What a synchronisation changed on the server.

    Attributes:
        uploaded: offline directories uploaded.
        mended: runs that were not there or not as the ledger says, and are now.
        guide: whether the guide was new or had changed.
        place: `entity/project`.
    """

    uploaded: int
    mended: int
    guide: bool
    place: str


def tracked_runs(prepared: Prepared) -> list[Tracked]:
    """Every run of the plan that was begun and is not running now, with what W&B has to say of it."""
    ledger = workflow.read_ledger(prepared.directory)
    specs, states = Specs(prepared.directory, ledger), ledger.states()
    found = []
    for run in (*prepared.plan.runs, *prepared.plan.confirmation):
        state = states.get(run.run_id)
        if state is None or not state.attempts or state.status == "running":
            continue
        spec = specs(run, Attempt(run.run_id, 0, state.attempts - 1, "", 0))
        record = ledger.record(run.run_id)
        found.append(Tracked(spec, record, expectation(record, state.status, state.reason, state.attempts)))
    return found


def waiting(prepared: Prepared) -> list[RunDirectory]:
    """The offline directories to upload; those of runs that are under way, tunings' too, are left for later."""
    directory = prepared.directory
    # Directories first: that of a run which begins between the two looks would else pass for one that has ended.
    found = wandb_local.waiting(directory.path)
    states = workflow.read_ledger(directory).states()
    running = (run_id for run_id, state in states.items() if state.status == "running")
    under_way = {identity_of(directory.uid, directory.branch, run_id) for run_id in running}
    return [each for each in found if each.wandb_id not in under_way]


def synchronise(prepared: Prepared, told: Told) -> Synchronised:
    """Upload, mend and log the guide; what is there already is left alone. The ledger is only read.

    Args:
        prepared: the study, as it was run.
        told: is told in a line how far it is.

    Raises:
        StudyError: without a key or a server, or with one that goes away: says what is left. The next call goes on.
            Also if the server refuses some runs, when all else is done.
    """
    left = waiting(prepared)
    try:
        remote = remote_of(prepared)
    except StudyError as error:
        raise StudyError(f"{error}; {_count(len(left))} left to upload" if left else str(error)) from None
    _upload(prepared, remote, left, told)
    mended, refused = mend(prepared, remote, told)
    wandb_place.keep(prepared.directory.path, url=remote.address, entity=remote.entity, project=remote.project)
    done = Synchronised(len(left), mended, wandb_guide.log(prepared, remote), f"{remote.entity}/{remote.project}")
    if refused:
        raise StudyError(f"{refused[0]}; {len(refused)} of the study's runs cannot be mended, all else is synchronised")
    return done


def remote_of(prepared: Prepared) -> Remote:
    """The study's project on the server."""
    tracking = prepared.study.fields.tracking
    directory = prepared.directory
    return Remote(
        directory.path,
        project=tracking.project,
        entity=tracking.entity,
        uid=directory.uid,
        branch=directory.branch,
    )


def mend(prepared: Prepared, remote: Remote, told: Told) -> tuple[int, list[str]]:
    """Make the server's runs what the ledger says.

    Returns:
        the number of those that were not, and why some still are not: of a run that was deleted W&B takes no other.

    Raises:
        StudyError: if the server goes away.
    """
    present = remote.runs()
    wrong = [each for each in tracked_runs(prepared) if remote.problem(each, present)]
    refused = []
    for number, each in enumerate(wrong, 1):
        try:
            remote.mend(each, present)
        except StudyError as error:
            if unreachable():
                raise
            refused.append(f"{each.label}: {error}")
        told(f"mended {number - len(refused)} of {len(wrong)} runs")
    return len(wrong) - len(refused), refused


def _upload(prepared: Prepared, remote: Remote, left: list[RunDirectory], told: Told) -> None:
    if not left:
        return
    study = prepared.directory.path

    def tell(done: int) -> None:
        told(f"uploaded {done} of {_count(len(left))}")

    problem = wandb_upload.upload(study, left, tell, project=remote.project, entity=remote.entity)
    if problem:
        undone = sum(not each.uploaded for each in left)
        raise StudyError(
            f"Weights & Biases: {problem}; {len(left) - undone} of {_count(len(left))} uploaded, {undone} left; "
            f"go on with: ablate sync {shlex.quote(str(study))}"
        )


def _count(number: int) -> str:
    return f"{number} W&B director{'y' if number == 1 else 'ies'}"
