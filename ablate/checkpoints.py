"""The checkpoints of a run: its state after the last epoch, for an attempt that goes on, and after the chosen one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from ablate.phases import Clock
from lightning_modules.checkpoints import DATA


class Checkpoints(Checkpoint):
    """Writes one file an epoch, `last.ckpt`; where the epoch is the best so far, the same file is `best.ckpt` too.

    Lightning's own callback would write a better epoch twice and leave `last.ckpt` behind where an epoch is not better.
    Of equal epochs the first is the best; one without a number never is, unless it is the first.

    Args:
        last: path of `last.ckpt`.
        metric: what the epoch is chosen by.
        direction: `maximize` or `minimize`.
        data: the `data` section of the run, for whoever evaluates the checkpoint later.
        clock: counts the writing.

    Attributes:
        best: path of `best.ckpt`.
        stacked: with how many seeds the run was trained at once, itself among them; None where it never was.
    """

    def __init__(self, last: Path, *, metric: str, direction: str, data: Mapping[str, Any], clock: Clock) -> None:
        self.best = last.with_name("best.ckpt")
        self.stacked: int | None = None
        self._last = last
        self._metric = metric
        self._sign = 1 if direction == "maximize" else -1
        self._data = dict(data)
        self._clock = clock
        self._score: float | None = None
        self._best_is_last = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        with self._clock.phase("checkpoints"):
            score = self._sign * float(trainer.callback_metrics[self._metric])
            better = self._score is None or score > self._score or (self._score != self._score and score == score)
            if better:
                self._score = score
            self._last.parent.mkdir(parents=True, exist_ok=True)
            self._best_is_last = better
            written = self._last.with_name(".writing.ckpt")
            trainer.save_checkpoint(written)
            written.replace(self._last)
            if better:
                _also_at(self._last, self.best)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[DATA] = self._data

    def state_dict(self) -> dict[str, Any]:
        return {"score": self._score, "best_is_last": self._best_is_last, "stacked": self.stacked}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._score = state_dict["score"]
        self.stacked = state_dict.get("stacked")
        if state_dict["best_is_last"]:
            # Whoever was killed between the two names had no time to give it the second.
            _also_at(self._last, self.best)


def _also_at(file: Path, other: Path) -> None:
    """Give a file a second name, in one step; a copy where the disk has no links."""
    beside = other.with_name(f".{other.name}")
    beside.unlink(missing_ok=True)
    try:
        os.link(file, beside)
    except OSError:
        shutil.copyfile(file, beside)
    beside.replace(other)
