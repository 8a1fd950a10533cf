"""What a training tells while it runs: a progress file for the coordinator, and the curves of the record."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from ablate.files import write_atomically


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


class Curves(pl.Callback):
    """Collects `[epoch, split, metric, value]` of every logged metric; survives in the checkpoint of a resumed run."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for name, value in sorted(trainer.callback_metrics.items()):
            split, _, metric = name.partition("_")
            if split not in ("train", "val"):
                split, metric = "val" if name.startswith("firing_rate") else "train", name
            self.rows.append([trainer.current_epoch, split, metric, float(value)])

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]
