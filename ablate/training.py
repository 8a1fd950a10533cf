"""Training of one run with Lightning: the epoch chosen on validation, resumed where a killed attempt stopped."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment

from ablate.callbacks import Curves, ProgressFile, Pruning, TrainingPhases
from ablate.checkpoints import Checkpoints
from ablate.phases import Clock
from ablate.pruning import Judge, Pruned
from ablate.records import RunSpec, last_checkpoint
from lightning_modules.classifier import SpikingClassifier
from reports.schema import STACKED


@dataclass(frozen=True)
class Trained:
    """Metrics of the chosen epoch, on validation and, once, on test; curves; seconds spent training."""

    metrics: dict[str, float | int | None]
    curves: list[list[Any]]


class Kept:
    """What is kept of a run while it trains.

    Attributes:
        last: path of the checkpoint after the last epoch.
        curves, checkpoints: what the record is made of.
        callbacks: all that keep something, in the order in which they are asked.
    """

    def __init__(self, spec: RunSpec, clock: Clock) -> None:
        objective = spec.execution["objective"]
        self.last = last_checkpoint(spec)
        self.curves = Curves()
        self.checkpoints = Checkpoints(
            self.last,
            metric=objective["metric"],
            direction=objective["direction"],
            data=spec.config["data"],
            clock=clock,
        )
        progress = ProgressFile(Path(spec.directory) / "progress.json", token=spec.token, metric=objective["metric"])
        self.callbacks: list[pl.Callback] = [self.curves, progress, *_pruning(spec), self.checkpoints]


def train(
    spec: RunSpec, classifier: SpikingClassifier, data: pl.LightningDataModule, logger: Any, clock: Clock
) -> Trained:
    """Train `classifier`, leave it with the weights of the chosen epoch, and evaluate test with them once."""
    kept = Kept(spec, clock)
    trainer = lightning(spec, [TrainingPhases(clock), *kept.callbacks], logger, clock)
    with without_advice():
        started = time.perf_counter()
        path = None if resumable(kept, classifier) is None else kept.last
        try:
            trainer.fit(classifier, datamodule=data, ckpt_path=path, weights_only=True)
        except Pruned as pruned:
            pruned.curves = kept.curves.rows
            kept.last.unlink(missing_ok=True)
            raise
        seconds = time.perf_counter() - started
        clock.enter("test")
        return evaluated(spec, classifier, data, trainer, kept, seconds)


def lightning(spec: RunSpec, callbacks: list[pl.Callback], logger: Any, clock: Clock) -> pl.Trainer:
    """Lightning's trainer as every run has it."""
    clock.enter("Lightning")
    return alone(
        spec,
        max_epochs=spec.config["training"]["epochs"],
        logger=logger or False,
        callbacks=callbacks,
        log_every_n_steps=1_000_000,
    )


def alone(spec: RunSpec, **options: Any) -> pl.Trainer:
    """A quiet trainer for this one process on one device, whatever it was started by."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        accelerator=spec.execution.get("accelerator", "auto"),
        devices=1,
        # Left to itself, Lightning reads how many processes share a run from the variables of SLURM and others, and
        # refuses a job whose tasks are for several runs.
        plugins=LightningEnvironment(),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )


@contextmanager
def without_advice() -> Iterator[None]:
    """Lightning warns of loaders without workers, which is how whole-batch loading is meant, and of an unused `srun`.

    A log is for a person.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        yield


def evaluated(
    spec: RunSpec,
    classifier: SpikingClassifier,
    data: pl.LightningDataModule,
    trainer: pl.Trainer,
    kept: Kept,
    seconds: float,
) -> Trained:
    """Give a trained run the weights of its chosen epoch and evaluate test with them once."""
    chosen = torch.load(kept.checkpoints.best, map_location="cpu", weights_only=True)
    classifier.load_state_dict(chosen["state_dict"])
    # A tuning chooses on validation; what it tries never sees test.
    tuning = spec.execution.get("purpose") == "tuning"
    tested = {} if tuning else trainer.test(classifier, datamodule=data, verbose=False)[0]
    epoch = int(chosen["epoch"])
    at_best = {metric: value for number, split, metric, value in kept.curves.rows if (number, split) == (epoch, "val")}
    kept.last.unlink(missing_ok=True)
    return Trained(
        metrics={
            "val_accuracy": at_best["accuracy"],
            "val_loss": at_best["loss"],
            "test_accuracy": None,
            **{name: value for name, value in tested.items() if name.startswith("test_accuracy")},
            "best_epoch": epoch,
            "epochs": trainer.current_epoch,
            "train_seconds": seconds,
            **({STACKED: kept.checkpoints.stacked} if kept.checkpoints.stacked else {}),
        },
        curves=kept.curves.rows,
    )


def resumable(kept: Kept, classifier: SpikingClassifier) -> dict[str, Any] | None:
    """The checkpoint of an interrupted attempt, if it is whole and belongs to exactly this experiment."""
    path = kept.last
    if not path.is_file() or (stored := _readable(path)) is None:
        return None
    if stored.get("hyper_parameters") != dict(classifier.hparams):
        print(f"starting anew: {path.name} is of another experiment")
        return None
    state = stored.get("callbacks", {}).get(kept.checkpoints.state_key)
    if state is None:
        print(f"starting anew: {path.name} was written by another version")
        return None
    if not state["best_is_last"] and _readable(kept.checkpoints.best) is None:
        return None
    print(f"going on behind epoch {stored['epoch']} of an interrupted attempt")
    return stored


def _readable(path: Path) -> dict[str, Any] | None:
    """A checkpoint; None for one torn by a full disk or a dying machine: it costs the epochs so far, never the run."""
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        print(f"starting anew: {path.name} is unreadable ({type(error).__name__})")
        return None


def _pruning(spec: RunSpec) -> list[pl.Callback]:
    block = spec.execution.get("pruning")
    return [Pruning(Judge(block), metric=block["metric"])] if block else []
