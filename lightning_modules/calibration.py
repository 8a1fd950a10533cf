"""Recalibration of normalisation statistics: the mean over a pass through the training data in place of a running one.

With small batches a running average follows the last few of them; see Wu and Johnson 2021, Rethinking "Batch" in
BatchNorm (precise statistics).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn


def recalibrate(network: nn.Module, batches: Iterable[Any], forward: Callable[[Any], Any]) -> int:
    """Replace running statistics by their plain mean over `batches`.

    Every normalisation that keeps running statistics has a `momentum`, the weight of the newest batch; at the k-th
    batch it is 1/k, which makes the running average a plain one. Levels that update once a step (`bn_step`, `mpbn`) get
    an average in which later batches and steps weigh more.

    Args:
        network: its normalisations are changed, its mode is kept.
        batches: training batches.
        forward: runs one of them through the network.

    Returns:
        How many normalisation layers have statistics; with 0 no batch is run.
    """
    layers: list[Any] = [layer for layer in network.modules() if isinstance(getattr(layer, "momentum", None), float)]
    kept, was_training = [layer.momentum for layer in layers], network.training
    if not layers:
        return 0
    network.train()
    try:
        with torch.no_grad():
            for number, batch in enumerate(batches, start=1):
                for layer in layers:
                    layer.momentum = 1 / number
                forward(batch)
    finally:
        for layer, momentum in zip(layers, kept, strict=True):
            layer.momentum = momentum
        network.train(was_training)
    return len(layers)
