"""What a training tells while it runs: a progress file for the coordinator, the curves of the record, its phases."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from ablate.files import write_atomically
from ablate.phases import Clock
from ablate.pruning import Judge, Pruned
from reports.schema import curve


class ProgressFile(pl.Callback):
    """Writes `progress.json` after every epoch; the coordinator reads it, so nothing else has to cross the engine."""

    def __init__(self, path: Path, *, token: str, metric: str) -> None:
        self._path = path
        self._token = token
        self._metric = metric
        self._started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = trainer.callback_metrics.get(self._metric)
        content = {
            "token": self._token,
            "epoch": trainer.current_epoch + 1,
            "epochs": trainer.max_epochs,
            "metric": self._metric,
            "value": None if value is None else float(value),
            "seconds_per_epoch": round(time.perf_counter() - self._started, 3),
        }
        write_atomically(self._path, json.dumps(content), durable=False)


class Pruning(pl.Callback):
    """Ends the training when the judge says so, by raising `Pruned`; what was reported survives in the checkpoint."""

    def __init__(self, judge: Judge, *, metric: str) -> None:
        self._judge = judge
        self._metric = metric
        self._reported: list[float] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = float(trainer.callback_metrics[self._metric])
        self._reported.append(value)
        if (reason := self._judge.report(trainer.current_epoch, value)) is not None:
            raise Pruned(reason, trainer.current_epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        return {"reported": self._reported}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._reported = list(state_dict["reported"])
        for epoch, value in enumerate(self._reported):
            self._judge.report(epoch, value)


class Curves(pl.Callback):
    """Collects `[epoch, split, metric, value]` of every logged metric; survives in the checkpoint of a resumed run."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for name, value in sorted(trainer.callback_metrics.items()):
            self.rows.append([trainer.current_epoch, *curve(name), float(value)])

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]


class TrainingPhases(pl.Callback):
    """Tells training steps from validation and from what Lightning does around them.

    The very first step is a phase of its own: buffers are made in it, and kernels compiled.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._around = ""
        self._warm = False

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._around = self._clock.enter("training steps" if self._warm else "first step")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if not self._warm:
            self._warm = True
            self._clock.enter("training steps")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._clock.enter("validation")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._clock.enter(self._around)
