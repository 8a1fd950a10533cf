"""SpikingClassifier: a network of the S-ResNet family with its training, as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from lightning_modules import streams
from lightning_modules.building import create
from lightning_modules.calibration import recalibrate
from lightning_modules.choices import ModelChoices, TrainingChoices
from lightning_modules.data.batches import Batch
from lightning_modules.early_steps import RightByStep, early_steps
from lightning_modules.matching import match_parameters
from lightning_modules.measurements import FiringRates, MeanActivity, spikes_seen
from lightning_modules.network import SpikingResNet
from lightning_modules.precision import computed_in
from lightning_modules.scores import Scores

HOW_IT_IS_CARRIED_OUT = ("checkpoint_activations", "stack_seeds")
"""Fields of the training that change none of its values."""


class Diverged(RuntimeError):  # noqa: N818 (an outcome of a cell, not a mistake)
    """Training lost its numbers.

    Attributes:
        epoch, step: where, counted from 0, the step within the epoch.
        loss: the loss there, not finite unless it was the weights that ceased to be.
    """

    def __init__(self, epoch: int, step: int, loss: float) -> None:
        super().__init__(f"in epoch {epoch}, step {step}: loss {loss:g}")
        self.epoch, self.step, self.loss = epoch, step, loss


class SpikingClassifier(LightningModule):
    """Trains a `SpikingResNet`; the batches are `(x, y, sample_index)`.

    Logged once an epoch: `train_loss`, `train_accuracy`, `val_loss`, `val_accuracy`, `lr`, `firing_rate` and
    `firing_rate/<layer>` (on validation). Testing gives `test_loss`, `test_accuracy`, `test_accuracy_at_<t>` with the
    readout cut after t steps (see `early_steps`) and `correct`. Encoder noise is keyed by (seed, epoch, sample, step)
    in training; evaluation has one fixed draw a seed.

    Args:
        model, training: the choices, or the plain mappings that a checkpoint holds of them.
        in_channels: channels of the input.
        classes: number of classes.
        events: whether the input is frames made from events.
        seed: the seed block; it decides initial weights and encoder noise.

    Attributes:
        correct: for each test sample, in the order of the data set, whether the class was right; empty before testing.

    Raises:
        Diverged: in training, when the loss or a weight is no longer finite.
    """

    def __init__(
        self,
        model: ModelChoices | Mapping[str, Any],
        training: TrainingChoices | Mapping[str, Any],
        *,
        in_channels: int,
        classes: int,
        events: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.choices = ModelChoices.model_validate(model)
        self.training_choices = TrainingChoices.model_validate(training)
        self.save_hyperparameters(
            {
                "model": self.choices.model_dump(mode="json"),
                # What the training is, however it was carried out.
                "training": self.training_choices.model_dump(mode="json", exclude=set(HOW_IT_IS_CARRIED_OUT)),
                "in_channels": in_channels,
                "classes": classes,
                "events": events,
                "seed": seed,
            },
            logger=False,
        )
        self.seed = seed
        shapes: dict[str, Any] = {"in_channels": in_channels, "classes": classes, "events": events}
        target = self.choices.match_parameters
        sized = self.choices if target is None else match_parameters(self.choices, target, **shapes)
        with torch.random.fork_rng(devices=[]):
            # Levels of plug-ins may draw parameters that `initialise` knows nothing of.
            torch.manual_seed(streams.stream_seed(seed, "construction"))
            self.network = SpikingResNet(sized, **shapes)
        streams.initialise(self.network, seed)
        self.network.checkpoint_activations = self.training_choices.checkpoint_activations
        self.loss = create("loss", self.training_choices.loss, label_smoothing=self.training_choices.label_smoothing)
        self.correct: list[bool] = []
        self._scores = Scores()
        self._rates = FiringRates()

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Logits `[N, classes]`."""
        logits: Tensor = self.network.readout(self.outputs(x, noise))
        return logits

    def outputs(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """What the network's head gives over time, `[T, N, outputs]`, in the precision it is trained in."""
        with computed_in(self.training_choices.precision, self.device):
            return self.network.outputs(x, noise)

    def on_train_epoch_start(self) -> None:
        # Taken now: the schedule moves on before the last batch of the epoch ends.
        self._rate = torch.tensor(self.trainer.optimizers[0].param_groups[0]["lr"], dtype=torch.float64)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        x, target, sample_index = batch
        noise = self.noise(x, sample_index, training=True)
        activity = MeanActivity()
        if self.training_choices.rate_weight > 0:
            with spikes_seen(self.network, activity.add):
                outputs = self.outputs(x, noise)
            loss = self.loss(outputs, target, self.network.readout)
            loss = loss + self.training_choices.rate_weight * activity.value()
        else:
            outputs = self.outputs(x, noise)
            loss = self.loss(outputs, target, self.network.readout)
        self._scores.add(loss, self.network.readout(outputs), target, sample_index)
        if loss.device.type == "cpu" and not loss.isfinite():
            raise Diverged(self.current_epoch, batch_index, loss.item())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_index: int) -> None:
        if not self.trainer.is_last_batch:
            return
        self._check_finite(batch_index)
        values = {"train_loss": self._scores.loss(), "train_accuracy": self._scores.accuracy(), "lr": self._rate}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=1)
        self._scores = Scores()

    def on_validation_epoch_start(self) -> None:
        if self.training_choices.recalibrate and self.trainer.state.fn == "fit":
            self.recalibrate(self.trainer.train_dataloader)
        self._scores, self._rates = Scores(), FiringRates()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        with spikes_seen(self.network, self._rates.add):
            self._evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        values = {"val_loss": self._scores.loss(), "val_accuracy": self._scores.accuracy()}
        values["firing_rate"] = self._rates.overall()
        values |= {f"firing_rate/{layer}": rate for layer, rate in self._rates.by_layer().items()}
        self.log_dict(values, batch_size=1)
        self._scores = Scores()

    def on_test_epoch_start(self) -> None:
        self._scores = Scores()
        self._early = RightByStep(self.network, early_steps(self.network))

    def test_step(self, batch: Batch, batch_index: int) -> None:
        self._early.add(self._evaluate(batch), batch[1])

    def on_test_epoch_end(self) -> None:
        values = {"test_loss": self._scores.loss(), "test_accuracy": self._scores.accuracy()}
        values |= {f"test_accuracy_at_{t}": accuracy for t, accuracy in self._early.accuracies().items()}
        self.log_dict(values, batch_size=1)
        self.correct = self._scores.correct()
        self._scores = Scores()

    def configure_optimizers(self) -> Any:
        chosen = self.training_choices
        optimizer = create(
            "optimizer",
            chosen.optimizer,
            parameters=list(self.network.parameters()),
            lr=chosen.lr,
            weight_decay=chosen.weight_decay,
        )
        factor = create("schedule", chosen.schedule, epochs=chosen.epochs)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, factor)}

    def noise(self, x: Tensor, sample_index: Tensor, *, training: bool, epoch: int | None = None) -> Tensor | None:
        """Uniform noise `[T, N, C, H, W]` for a stochastic encoder, None for the others.

        Training draws anew each epoch, its own trainer's where none is given; evaluation has one draw a seed, whatever
        the epoch, batch and part.
        """
        if not self.network.encoder.stochastic:
            return None
        epoch = self.current_epoch if epoch is None else epoch
        purpose, epoch = ("encoder", epoch) if training else ("encoder_evaluation", 0)
        return streams.uniform(self.seed, purpose, epoch, sample_index, self.network.timesteps, tuple(x.shape[1:]))

    def recalibrate(self, batches: Any) -> None:
        """Take the normalisations' statistics from one pass through training batches."""

        def run(batch: Batch) -> None:
            x, _, sample_index = (part.to(self.device) for part in batch)
            self.outputs(x, self.noise(x, sample_index, training=True))

        recalibrate(self.network, batches, run)

    def _evaluate(self, batch: Batch) -> Tensor:
        """Score a batch; gives the outputs over time `[T, N, outputs]`."""
        x, target, sample_index = batch
        outputs = self.outputs(x, self.noise(x, sample_index, training=False))
        loss = self.loss(outputs, target, self.network.readout)
        self._scores.add(loss, self.network.readout(outputs), target, sample_index)
        return outputs

    def _check_finite(self, step: int) -> None:
        """Once an epoch: the losses on an accelerator, and the weights, whose NaN a threshold turns into silence."""
        broken = self._scores.first_not_finite()
        if broken is not None:
            raise Diverged(self.current_epoch, *broken)
        if not torch.stack([each.isfinite().all() for each in self.network.parameters()]).all():
            raise Diverged(self.current_epoch, step, float("nan"))
