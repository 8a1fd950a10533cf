"""Mixing of whole training batches on the device that trains: mixup and CutMix, with the labels as shares of classes.

What is drawn follows from (seed, epoch, batch) alone, from a stream of its own: not from the order of the data, the
augmentation, the encoder noise or a global generator, so an interrupted run mixes what it would have mixed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_modules import streams


class Unmixed:
    """Batches as they are, with labels `[N]`."""

    def __call__(
        self, x: Tensor, labels: Tensor, *, classes: int, seed: int, epoch: int, batch: int
    ) -> tuple[Tensor, Tensor]:
        return x, labels


class MixUp:
    """x = l x_a + (1 - l) x_b with one l from Beta(alpha, alpha) a batch (Zhang et al. 2018, 1710.09412)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def __call__(
        self, x: Tensor, labels: Tensor, *, classes: int, seed: int, epoch: int, batch: int
    ) -> tuple[Tensor, Tensor]:
        """Mix a batch with itself.

        Args:
            x: network input `[N, ...]`.
            labels: int64 `[N]`.
            classes: number of classes.
            seed, epoch, batch: what the draws depend on.

        Returns:
            The mixed input and the shares of the classes, float32 `[N, classes]`.
        """
        draws = _draws(seed, epoch, batch)
        share, partner = _share(draws, self.alpha), _partners(draws, x)
        return torch.lerp(x[partner], x, share), mixed_labels(labels, labels[partner], share, classes)


class CutMix:
    """A box of each image is that of its partner (Yun et al. 2019, 1905.04899); one box a batch, all steps of frames.

    The box has sides sqrt(1 - l) of the image's, a centre uniform over the image, and ends at its borders; the labels
    get the shares of the pixels that are left.
    """

    def __init__(self, alpha: float = 1.0, probability: float = 1.0) -> None:
        self.alpha, self.probability = alpha, probability

    def __call__(
        self, x: Tensor, labels: Tensor, *, classes: int, seed: int, epoch: int, batch: int
    ) -> tuple[Tensor, Tensor]:
        """As `MixUp`, for `x` `[N, ..., H, W]`; a batch that is not mixed has one-hot shares."""
        draws = _draws(seed, epoch, batch)
        share, partner = _share(draws, self.alpha), _partners(draws, x)
        height, width = x.shape[-2:]
        rows, columns = (_stretch(draws, side, share) for side in (height, width))
        if draws.random() >= self.probability:
            return x, F.one_hot(labels, classes).float()
        pasted = x.clone()
        pasted[..., rows, columns] = x[partner][..., rows, columns]
        left = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        return pasted, mixed_labels(labels, labels[partner], left, classes)


def mixed_labels(first: Tensor, second: Tensor, share: float, classes: int) -> Tensor:
    """share onehot(first) + (1 - share) onehot(second), float32 `[N, classes]`."""
    return share * F.one_hot(first, classes).float() + (1 - share) * F.one_hot(second, classes).float()


def _draws(seed: int, epoch: int, batch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(streams.stream_seed(seed, "mix", epoch, batch)))


def _share(draws: np.random.Generator, alpha: float) -> float:
    return float(draws.beta(alpha, alpha))


def _partners(draws: np.random.Generator, x: Tensor) -> Tensor:
    return torch.from_numpy(draws.permutation(len(x))).to(x.device)


def _stretch(draws: np.random.Generator, side: int, share: float) -> slice:
    """Where the box lies along one side."""
    length, centre = int(side * math.sqrt(1 - share)), int(draws.random() * side)
    return slice(max(0, centre - length // 2), min(side, centre - length // 2 + length))
