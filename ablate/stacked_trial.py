"""One attempt at each run of a stack, start to finish: trained at once, or where that does not go, one by one."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from ablate import plugins, stacks, trial
from ablate.backend import computing
from ablate.engines.base import LOG, RECORD, execute
from ablate.files import write_atomically
from ablate.memory import PeakMemory
from ablate.phases import Clock
from ablate.records import RunRecord, RunSpec, last_checkpoint
from ablate.stacked_training import Member, train
from ablate.tracking import summarise, tracked
from ablate.training import Kept, Trained, resumable
from lightning_modules.classifier import Diverged
from lightning_modules.precision import cuda_arithmetic
from lightning_modules.stacking import StackedClassifier, Unstackable


def run(spec: RunSpec) -> RunRecord:
    """The record of a stack's first run; the others' records are left in their folders.

    A stack that fails, whatever the reason, leaves nothing but a line in the log: its runs are then trained one by one.
    """
    specs = stacks.members(spec)
    for each in specs[1:]:
        with (Path(each.directory) / LOG).open("a", encoding="utf-8") as log:
            log.write(f"--- attempt {each.attempt}, in a stack whose log is that of run {spec.run_id}\n")
    try:
        first, *others = _attempts(specs)
    except Exception as error:
        if not isinstance(error, Unstackable):
            traceback.print_exc()
        print(f"not stacked: {error}; {len(specs)} runs are trained one by one")
    else:
        for record, each in zip(others, specs[1:], strict=True):
            write_atomically(Path(each.directory) / RECORD, record.to_json())
        return first
    gc.collect()  # what failed for want of memory is to leave none of it
    torch.cuda.empty_cache()
    for each in specs[1:]:
        execute(f"{trial.__name__}:run", each)
    return trial.run(specs[0])


def _attempts(specs: Sequence[RunSpec]) -> list[RunRecord]:
    clock = Clock("imports and plug-ins")
    execution = specs[0].execution
    plugins.load_installed()
    plugins.load(execution.get("plugins", []), execution.get("plugin_folders", []))
    runs = [trial.built(each, clock)[:2] for each in specs]
    # What cannot be stacked is to be known before W&B is told of any run.
    StackedClassifier([classifier for classifier, _ in runs])
    clock.enter("W&B")
    with ExitStack() as opened:
        members = []
        for spec, (classifier, module) in zip(specs, runs, strict=True):
            logger = opened.enter_context(tracked(spec, resumed=last_checkpoint(spec).exists()))
            kept = Kept(spec, clock)
            members.append(Member(spec, classifier, module, logger, kept, resumable(kept, classifier)))
        records = dict(_records(members, clock))
        clock.enter("W&B")
        for member in members:
            summarise(member.logger, records[member.spec.run_id])
    share = {phase: seconds / len(specs) for phase, seconds in clock.stop().items()}
    profile: dict[str, Any] = {"profile": share} if execution.get("profile") else {}
    return [replace(records[each.run_id], **profile) for each in specs]


def _records(members: Sequence[Member], clock: Clock) -> Iterator[tuple[str, RunRecord]]:
    """Run id and record of each; what was killed between two runs' checkpoints of an epoch goes on as two stacks."""
    execution, precision = members[0].spec.execution, members[0].classifier.training_choices.precision
    device = trial.chosen_device(members[0].spec)
    backend = computing(execution.get("backend", "eager"), device)
    for member in members:
        member.classifier.network.use_backend(backend)

    def record(member: Member, outcome: Trained | Diverged) -> RunRecord:
        if isinstance(outcome, Diverged):
            return trial.diverged(member.spec, outcome)
        return trial.completed(
            member.spec, member.classifier, member.data, outcome, backend=backend, device=device, clock=clock
        )

    for _, group in groupby(sorted(members, key=_epoch), key=_epoch):
        alike = list(group)
        with PeakMemory(device) as memory, cuda_arithmetic(precision, torch.device(device)):
            found = [record(*each) for each in zip(alike, train(alike, clock), strict=True)]
        for each in found:
            peak = {"peak_memory_mb": memory.megabytes} if each.status == "complete" else {}
            yield each.run_id, replace(each, metrics=each.metrics | peak)


def _epoch(member: Member) -> int:
    return -1 if member.stored is None else int(member.stored["epoch"])
