"""Training of a stack with Lightning; each run keeps its own curves, progress and checkpoints, as when it is alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from ablate.callbacks import TrainingPhases
from ablate.phases import Clock
from ablate.records import RunSpec
from ablate.training import Kept, Trained, evaluated, lightning, without_advice
from lightning_modules.classifier import Diverged, SpikingClassifier
from lightning_modules.data.module import TensorData
from lightning_modules.stacking import StackedBatches, StackedClassifier


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a stack.

    Attributes:
        spec, classifier, data, logger: the run.
        kept: what it keeps.
        stored: its checkpoint, if it goes on from one.
    """

    spec: RunSpec
    classifier: SpikingClassifier
    data: TensorData
    logger: Any
    kept: Kept
    stored: dict[str, Any] | None


def train(members: Sequence[Member], clock: Clock) -> list[Trained | Diverged]:
    """Train runs of one cell at once, which are equally far; evaluate test of each once, with its own chosen epoch.

    Each classifier is left with the weights of its chosen epoch. `train_seconds` is the stack's time over its runs.

    Raises:
        Unstackable: if a level cannot be stacked.
    """
    for each in members:
        if each.stored is not None:
            each.classifier.load_state_dict(each.stored["state_dict"])
            for callback in each.kept.callbacks:
                if callback.state_key in each.stored["callbacks"]:
                    callback.load_state_dict(each.stored["callbacks"][callback.state_key])
        each.kept.checkpoints.stacked = len(members)
    stack = StackedClassifier([each.classifier for each in members])
    trainer = lightning(members[0].spec, [TrainingPhases(clock), _Each(members, stack)], None, clock)
    for each in members:
        each.data.trainer = trainer  # it says on which device the samples lie
    with without_advice():
        started = time.perf_counter()
        with _joined(members, stack) as path:
            trainer.fit(
                stack,
                StackedBatches([each.data.train_dataloader() for each in members]),
                StackedBatches([each.data.val_dataloader() for each in members]),
                ckpt_path=path,
                weights_only=True,
            )
        seconds = (time.perf_counter() - started) / len(members)
        clock.enter("test")
        return [_ended(each, trainer, stack.diverged[number], seconds) for number, each in enumerate(members)]


def _ended(member: Member, trainer: pl.Trainer, diverged: Diverged | None, seconds: float) -> Trained | Diverged:
    if diverged is not None:
        return diverged
    trainer.logger = member.logger
    return evaluated(member.spec, member.classifier, member.data, trainer, member.kept, seconds)


@contextmanager
def _joined(members: Sequence[Member], stack: StackedClassifier) -> Iterator[Path | None]:
    """The checkpoint that the stack goes on from, as long as the context is open; None where it begins."""
    stored = [each.stored for each in members if each.stored is not None]
    if not stored:
        yield None
        return
    path = members[0].kept.last.with_name(".stack.ckpt")
    torch.save(stack.joined(stored), path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


class _Each(Checkpoint):
    """Has the callbacks of every run do at each epoch what they do when it trains alone."""

    def __init__(self, members: Sequence[Member], stack: StackedClassifier) -> None:
        self._members = members
        self._stack = stack
        self._saved = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for number, member in enumerate(self._members):
            for callback in member.kept.callbacks:
                callback.on_train_epoch_start(self._seen_by(number, trainer), member.classifier)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for number, member in enumerate(self._members):
            if self._stack.diverged[number] is not None:
                continue
            if member.logger is not None:
                row = self._stack.metrics[number] | {"epoch": trainer.current_epoch}
                member.logger.log_metrics(row, step=trainer.global_step)
            self._saved = number
            for callback in member.kept.callbacks:
                callback.on_train_epoch_end(self._seen_by(number, trainer), member.classifier)
        trainer.should_stop = all(self._stack.diverged)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint.update(self._stack.checkpoint_of(self._saved, checkpoint))
        kept = self._members[self._saved].kept
        kept.checkpoints.on_save_checkpoint(trainer, pl_module, checkpoint)
        states = {callback.state_key: callback.state_dict() for callback in kept.callbacks}
        checkpoint["callbacks"] = {key: state for key, state in states.items() if state}

    def _seen_by(self, number: int, trainer: pl.Trainer) -> Any:
        return _MemberTrainer(trainer, self._stack.metrics[number])


@dataclass(frozen=True, slots=True)
class _MemberTrainer:
    """Of Lightning's trainer what the callbacks of a run ask of it, for one run of the stack."""

    trainer: pl.Trainer
    callback_metrics: dict[str, float]

    @property
    def current_epoch(self) -> int:
        return self.trainer.current_epoch

    @property
    def max_epochs(self) -> int | None:
        return self.trainer.max_epochs

    def save_checkpoint(self, path: Path) -> None:
        """Write the checkpoint of the run whose turn it is."""
        self.trainer.save_checkpoint(path)
