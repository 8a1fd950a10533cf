"""The trial function of the preflight: a few batches of a run, measured."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytorch_lightning as pl
import torch

from ablate import plugins
from ablate.memory import PeakMemory
from ablate.records import RunRecord, RunSpec
from ablate.training import alone, without_advice
from ablate.trial import built, chosen_device
from lightning_modules import data
from lightning_modules.classifier import Diverged
from lightning_modules.precision import cuda_arithmetic

_TRAIN_BATCHES = 2  # the first one warms up: allocations, compiled kernels
_AROUND_SECONDS = 1.0  # what a run takes besides its batches


def run(spec: RunSpec) -> RunRecord:
    """Build a cell and train and validate a few batches.

    Returns:
        a complete record with `seconds`, the estimate for a whole run, and `peak_memory_mb`.
    """
    plugins.load_installed()
    plugins.load(spec.execution.get("plugins", []), spec.execution.get("plugin_folders", []))
    times = _Times()
    with PeakMemory(chosen_device(spec)) as memory:
        classifier, module, facts = built(spec)
        trainer = alone(
            spec,
            max_epochs=1,
            limit_train_batches=_TRAIN_BATCHES,
            limit_val_batches=1,
            logger=False,
            callbacks=[times],
            enable_checkpointing=False,
        )
        # A cell that diverges can run: that is an outcome of it, for its table.
        precise = cuda_arithmetic(classifier.training_choices.precision, torch.device(chosen_device(spec)))
        with precise, without_advice(), suppress(Diverged):
            trainer.fit(classifier, datamodule=module)
    seconds = _whole_run(spec, facts, times)
    metrics = {"seconds": seconds, "peak_memory_mb": memory.megabytes}
    return RunRecord(spec.run_id, spec.attempt, spec.token, "complete", metrics=metrics)


def _whole_run(spec: RunSpec, facts: data.DatasetFacts, times: _Times) -> float:
    """Seconds of all epochs, the two further passes over validation and the one over test."""
    size, epochs = spec.config["data"]["batch_size"], spec.config["training"]["epochs"]
    train, validation, test = (max(1, -(-(each or 0) // size)) for each in (facts.train, facts.validation, facts.test))
    evaluated = epochs * validation + 2 * validation + test
    return _AROUND_SECONDS + epochs * train * times.train + evaluated * times.validation


class _Times(pl.Callback):
    """Seconds of the last batch of each kind."""

    def __init__(self) -> None:
        self.train = 0.0
        self.validation = 0.0
        self._began = 0.0

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self._began = _now(pl_module.device)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self.train = _now(pl_module.device) - self._began

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self._began = _now(pl_module.device)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self.validation = _now(pl_module.device) - self._began


def _now(device: torch.device) -> float:
    """Seconds of the clock once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
