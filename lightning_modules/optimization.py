"""Optimisers and learning-rate schedules as levels.

An optimiser is a function of `(parameters, lr, weight_decay)` and its options. A schedule is a function of the epoch,
counted from 0, that gives the factor on `lr`; it is constant within an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

Parameters = Iterable[nn.Parameter]


def sgd(parameters: Parameters, lr: float, weight_decay: float, momentum: float = 0.9) -> Optimizer:
    """Stochastic gradient descent with momentum, the optimiser of S-ResNet; weight decay acts on every parameter."""
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True)


def adam(parameters: Parameters, lr: float, weight_decay: float, beta1: float = 0.9, beta2: float = 0.999) -> Optimizer:
    """Adam (Kingma and Ba 2015); weight decay enters the gradient."""
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True)


def adamw(
    parameters: Parameters, lr: float, weight_decay: float, beta1: float = 0.9, beta2: float = 0.999
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True)


class Schedule:
    """The factor on the learning rate in each epoch.

    During the first `warmup` epochs it grows linearly, (epoch + 1) / (warmup + 1) of what `shape` says.

    Args:
        epochs: epochs of the whole training.
        warmup: epochs before the full rate; fewer than `epochs`.

    Raises:
        ValueError: if the warm-up leaves no epoch.
    """

    def __init__(self, epochs: int, warmup: int = 0) -> None:
        if warmup >= epochs:
            raise ValueError(
                f"training.schedule: warmup {warmup} leaves none of {epochs} epochs; use less than {epochs}"
            )
        self.epochs = epochs
        self.warmup = warmup

    def __call__(self, epoch: int) -> float:
        return self.shape(epoch) * min(1.0, (epoch + 1) / (self.warmup + 1))

    def shape(self, epoch: int) -> float:
        """The factor without the warm-up."""
        raise NotImplementedError


class Constant(Schedule):
    """The same rate in every epoch."""

    def shape(self, epoch: int) -> float:
        return 1.0


class Steps(Schedule):
    """The rate is multiplied by `factor` at the first epoch that begins after 70, 80 and 90 % of the epochs.

    Of 70 epochs these are the epochs 50, 57 and 64 (counted from 0), as in S-ResNet (Vicente-Sola et al. 2022), whose
    code drops the rate one epoch after 49, 56 and 63; there, no drop happens where 70, 80 or 90 % is not a whole epoch.
    A training of ten epochs or fewer ends before its last drop.
    """

    def __init__(self, epochs: int, factor: float = 0.1, warmup: int = 0) -> None:
        super().__init__(epochs, warmup)
        self.factor = factor
        self.milestones = tuple(epochs * tenths // 10 + 1 for tenths in (7, 8, 9))

    def shape(self, epoch: int) -> float:
        return float(self.factor ** sum(epoch >= milestone for milestone in self.milestones))


class Cosine(Schedule):
    """Half a cosine from the full rate to `minimum` times it (Loshchilov and Hutter 2017), begun after the warm-up."""

    def __init__(self, epochs: int, minimum: float = 0.0, warmup: int = 0) -> None:
        super().__init__(epochs, warmup)
        self.minimum = minimum

    def shape(self, epoch: int) -> float:
        progress = max(0, epoch - self.warmup) / (self.epochs - self.warmup)
        return self.minimum + (1 - self.minimum) * 0.5 * (1 + math.cos(math.pi * progress))
