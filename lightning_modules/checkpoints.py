"""Checkpoints of a SpikingClassifier: written like Lightning's, read as tensors and plain data only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from lightning_modules.choices import DataChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.network import SpikingResNet
from lightning_modules.safe_load import load_plain

DATA = "data"
"""Where a run's checkpoint holds the `data` section of its study."""


def save_network(network: SpikingResNet, path: str | Path) -> None:
    """Write a network that was not trained here as a checkpoint that `load` and Lightning's Trainer read.

    Raises:
        OSError: if it cannot be written.
    """
    classifier = SpikingClassifier(
        network.choices,
        TrainingChoices(),
        in_channels=network.stem.conv.in_channels,
        classes=network.readout.classes,
        events=network.events,
    )
    classifier.network.load_state_dict(network.state_dict())
    content = {
        "state_dict": classifier.state_dict(),
        "hyper_parameters": dict(classifier.hparams),
        "pytorch-lightning_version": pl.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    torch.save(content, path)


def load(path: str | Path) -> SpikingClassifier:
    """The classifier of a checkpoint that a run left (`best.ckpt`) or `save_network` wrote, in evaluation mode.

    Raises:
        ValueError: one line for a file that is missing, damaged, or not one of ours. Objects in it are never built.
    """
    return load_with_data(path)[0]


def load_with_data(path: str | Path) -> tuple[SpikingClassifier, DataChoices | None]:
    """As `load`, and the data that the checkpoint's run had, cut and fed as it was; None if it was not trained here."""
    content = _content(path)
    try:
        classifier = SpikingClassifier(**content["hyper_parameters"])
        classifier.load_state_dict(content["state_dict"])
        data = None if DATA not in content else DataChoices.model_validate(content[DATA])
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: does not fit this version's networks ({str(error).splitlines()[0]})") from None
    return classifier.eval(), data


def _content(path: str | Path) -> dict[str, Any]:
    content = load_plain(path)
    if not isinstance(content, dict) or not {"state_dict", "hyper_parameters"} <= content.keys():
        raise ValueError(f"{path}: not a checkpoint of ablate; the paper's are read by: ablate import-checkpoint")
    return content
