"""StackedClassifier: the trainings of several classifiers of one cell, that differ in their seed alone, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from lightning_modules.building import create
from lightning_modules.calibration import recalibrate
from lightning_modules.classifier import Diverged, SpikingClassifier
from lightning_modules.data.batches import Batch, TensorBatches
from lightning_modules.measurements import FiringRates, MeanActivity
from lightning_modules.precision import computed_in
from lightning_modules.scores import Scores
from lightning_modules.stacking.folding import Folded, Unstackable

VALUE_BY_VALUE = frozenset({"sgd", "adam", "adamw"})
"""Optimisers that treat every value of a parameter by itself, so that one of them serves all members."""


class StackedClassifier(LightningModule):
    """Trains the networks of `members` side by side; a batch is one batch of each member.

    What a member is trained on and how its epochs are scored is what `SpikingClassifier` does. Its numbers differ from
    a single training's by rounding alone: sums are added in another order. The members' own weights do not change.

    Args:
        members: of one cell.

    Attributes:
        folded: their networks.
        metrics: for each member what Lightning would have logged of the present epoch.
        diverged: for each member where its training lost its numbers; None while it has not. It is trained on, since
            it disturbs nobody, but its numbers mean nothing from there on.

    Raises:
        Unstackable: if a level cannot be stacked.
    """

    def __init__(self, members: Sequence[SpikingClassifier]) -> None:
        super().__init__()
        self.training_choices = members[0].training_choices
        if self.training_choices.optimizer.name not in VALUE_BY_VALUE:
            raise Unstackable(f"optimizer {self.training_choices.optimizer} may not treat every value by itself")
        self.members = tuple(members)
        self.folded = Folded([each.network for each in members])
        self.metrics: list[dict[str, float]] = [{} for _ in members]
        self.diverged: list[Diverged | None] = [None for _ in members]
        self._fresh()

    def on_train_epoch_start(self) -> None:
        self._rate = float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def training_step(self, batches: Sequence[Batch], batch_index: int) -> Tensor:
        activities = [MeanActivity() for _ in self.members]
        if self.training_choices.rate_weight > 0:
            with self.folded.spikes_seen(lambda member, layer, spikes: activities[member].add(layer, spikes)):
                outputs = self._outputs(batches, training=True)
        else:
            outputs = self._outputs(batches, training=True)
        losses = []
        for member, out, scores, activity, (_, target, index) in self._each(outputs, self._scores, activities, batches):
            loss = member.loss(out, target, member.network.readout)
            if self.training_choices.rate_weight > 0:
                loss = loss + self.training_choices.rate_weight * activity.value()
            scores.add(loss, member.network.readout(out), target, index)
            losses.append(loss)
        # Of a sum, every member's gradient is that of its own loss, also beside one that is not finite.
        return torch.stack(losses).sum()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        if not self.trainer.is_last_batch:
            return
        self._note_divergence(batch_index)
        for values, scores in zip(self.metrics, self._scores, strict=True):
            values |= {"train_loss": float(scores.loss()), "train_accuracy": float(scores.accuracy()), "lr": self._rate}
        self._fresh()

    def on_validation_epoch_start(self) -> None:
        if self.training_choices.recalibrate:
            batches: Any = self.trainer.train_dataloader
            recalibrate(self.folded.network, batches, self._show)
        self._fresh()

    def validation_step(self, batches: Sequence[Batch], batch_index: int) -> None:
        with self.folded.spikes_seen(lambda member, layer, spikes: self._rates[member].add(layer, spikes)):
            outputs = self._outputs(batches, training=False)
        for member, out, scores, (_, target, index) in self._each(outputs, self._scores, batches):
            loss = member.loss(out, target, member.network.readout)
            scores.add(loss, member.network.readout(out), target, index)

    def on_validation_epoch_end(self) -> None:
        for values, scores, rates in zip(self.metrics, self._scores, self._rates, strict=True):
            values |= {"val_loss": float(scores.loss()), "val_accuracy": float(scores.accuracy())}
            values["firing_rate"] = float(rates.overall())
            values |= {f"firing_rate/{layer}": float(rate) for layer, rate in rates.by_layer().items()}
        self._fresh()

    def configure_optimizers(self) -> Any:
        chosen = self.training_choices
        parameters, lr, decay = list(self.folded.network.parameters()), chosen.lr, chosen.weight_decay
        optimizer = create("optimizer", chosen.optimizer, parameters=parameters, lr=lr, weight_decay=decay)
        factor = create("schedule", chosen.schedule, epochs=chosen.epochs)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, factor)}

    def checkpoint_of(self, member: int, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """The checkpoint that a single training of a member would have written, from that of the stack."""
        classifier = self.members[member]
        weights = {f"network.{name}": value for name, value in self.folded.state_of(member).items()}
        states = [self.folded.optimizer_state_of(member, each) for each in checkpoint["optimizer_states"]]
        own = classifier.state_dict() | weights
        written: dict[str, Any] = {**checkpoint, "state_dict": own, "optimizer_states": states}
        written[classifier.CHECKPOINT_HYPER_PARAMS_NAME] = classifier._hparams_name
        written[classifier.CHECKPOINT_HYPER_PARAMS_KEY] = dict(classifier.hparams)
        return written

    def joined(self, checkpoints: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The checkpoint of the stack from those of its members after the same epoch, whose weights they have."""
        optimizer = self.folded.joined_optimizer_state([each["optimizer_states"][0] for each in checkpoints])
        return {**checkpoints[0], "state_dict": self.state_dict(), "optimizer_states": [optimizer], "callbacks": {}}

    def _fresh(self) -> None:
        self._scores = [Scores() for _ in self.members]
        self._rates = [FiringRates() for _ in self.members]

    def _outputs(self, batches: Sequence[Batch], *, training: bool) -> tuple[Tensor, ...]:
        noise = [self._noise(*each, training) for each in zip(self.members, batches, strict=True)]
        with computed_in(self.training_choices.precision, self.device):
            return self.folded.outputs([x for x, _, _ in batches], noise)

    def _noise(self, member: SpikingClassifier, batch: Batch, training: bool) -> Tensor | None:
        x, _, sample_index = batch
        return member.noise(x, sample_index, training=training, epoch=self.current_epoch)

    def _show(self, batches: Sequence[Batch]) -> None:
        moved = [tuple(part.to(self.device) for part in batch) for batch in batches]
        self._outputs(moved, training=True)  # type: ignore[arg-type]

    def _each(self, *columns: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        return zip(self.members, *columns, strict=True)

    def _note_divergence(self, step: int) -> None:
        """Once an epoch, as on an accelerator: the first loss that is not finite, then the weights."""
        broken = self.folded.broken()
        for member, scores in enumerate(self._scores):
            if self.diverged[member] is None and (where := scores.first_not_finite()) is not None:
                self.diverged[member] = Diverged(self.current_epoch, *where)
            elif self.diverged[member] is None and member in broken:
                self.diverged[member] = Diverged(self.current_epoch, step, float("nan"))


class StackedBatches:
    """One batch of each loader at a time; they have equally many, of equal sizes."""

    def __init__(self, loaders: Sequence[TensorBatches]) -> None:
        self._loaders = tuple(loaders)
        orders = [each.sampler for each in loaders if hasattr(each, "sampler")]
        if orders:
            self.sampler = _Orders(orders)

    def __len__(self) -> int:
        return len(self._loaders[0])

    def __iter__(self) -> Iterator[tuple[Batch, ...]]:
        return zip(*self._loaders, strict=True)


class _Orders:
    """Passes the epoch that Lightning tells on to every loader's order."""

    def __init__(self, orders: Sequence[Any]) -> None:
        self._orders = orders

    def set_epoch(self, epoch: int) -> None:
        for each in self._orders:
            each.set_epoch(epoch)
