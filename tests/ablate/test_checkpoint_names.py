"""The two names of a run's checkpoints: what a kill at any line leaves is what an attempt needs that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import pytorch_lightning as pl
import torch

from ablate.checkpoints import Checkpoints
from ablate.phases import Clock


class OneEpoch:
    """As much of a trainer as writes a file and knows a score."""

    def __init__(self, callback: Checkpoints, score: float, epoch: int) -> None:
        self.callback_metrics = {"val_accuracy": torch.tensor(score)}
        self._callback, self._epoch = callback, epoch

    def save_checkpoint(self, path: Path) -> None:
        torch.save({"epoch": self._epoch, "state": self._callback.state_dict()}, path)


def callback(folder: Path) -> Checkpoints:
    clock = Clock("training")
    return Checkpoints(folder / "last.ckpt", metric="val_accuracy", direction="maximize", data={}, clock=clock)


def train(checkpoints: Checkpoints, *scores: float, start: int = 0) -> None:
    for epoch, score in enumerate(scores, start):
        trainer = cast(pl.Trainer, OneEpoch(checkpoints, score, epoch))
        checkpoints.on_train_epoch_end(trainer, cast(pl.LightningModule, None))


def epoch_of(path: Path) -> int:
    found: dict[str, Any] = torch.load(path, weights_only=True)
    return int(found["epoch"])


@pytest.mark.parametrize(
    ("scores", "best"),
    [((0.1, 0.3, 0.2), 1), ((0.3, 0.3), 0), ((float("nan"), 0.1), 1), ((0.2, float("nan")), 0)],
    ids=["the highest", "the first of equals", "a number before none", "none after a number"],
)
def test_the_last_epoch_and_the_first_best_one_are_kept(tmp_path: Path, scores: tuple[float, ...], best: int) -> None:
    checkpoints = callback(tmp_path)
    train(checkpoints, *scores)
    assert epoch_of(tmp_path / "last.ckpt") == len(scores) - 1
    assert epoch_of(checkpoints.best) == best
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_killed_between_the_two_names_the_best_epoch_gets_its_second_name_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that goes on need not repeat the epoch, so nothing depends on its scoring the same again."""
    train(checkpoints := callback(tmp_path), 0.1)
    with monkeypatch.context() as patch:
        patch.setattr("ablate.checkpoints._also_at", lambda *names: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(checkpoints, 0.3, start=1)
    assert (epoch_of(tmp_path / "last.ckpt"), epoch_of(checkpoints.best)) == (1, 0)

    again = callback(tmp_path)
    again.load_state_dict(torch.load(tmp_path / "last.ckpt", weights_only=True)["state"])

    assert epoch_of(again.best) == 1
    train(again, 0.2, start=2)
    assert (epoch_of(tmp_path / "last.ckpt"), epoch_of(again.best)) == (2, 1)


def test_writing_the_next_epoch_in_place_does_not_touch_the_best_one(tmp_path: Path) -> None:
    """Where the temporary folder is on another disk, a checkpoint is copied over what has its name."""
    train(checkpoints := callback(tmp_path), 0.3)
    with (tmp_path / ".writing.ckpt").open("wb") as file:
        file.write(b"half a file of a killed attempt")
    train(checkpoints, 0.1, start=1)
    assert epoch_of(checkpoints.best) == 0
