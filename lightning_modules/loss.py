"""Losses on the outputs over time.

Every loss is called as `loss(outputs, target, readout)`: outputs `[T, N, outputs]` of the head, target int64 `[N]`, or
for mixed samples the shares of the classes, float `[N, classes]`, and the network's readout, which turns
`[T, N, outputs]` into logits `[N, classes]`. Label smoothing s replaces the target y by (1 - s) y + s / classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

Readout = Callable[[Tensor], Tensor]


def per_step(outputs: Tensor, readout: Readout) -> Tensor:
    """The readout of each step on its own, `[T, N, classes]`: averages boosted outputs, and nothing over time."""
    steps, batch = outputs.shape[:2]
    return readout(outputs.reshape(1, steps * batch, *outputs.shape[2:])).view(steps, batch, -1)


class CrossEntropy(nn.Module):
    """Cross entropy of the readout; the loss of S-ResNet (Vicente-Sola et al. 2022)."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Tensor, target: Tensor, readout: Readout) -> Tensor:
        return F.cross_entropy(readout(outputs), target, label_smoothing=self.label_smoothing)


class RateMSE(nn.Module):
    """Squared error of the outputs averaged over time against the one-hot target (Fang et al. 2021, SEW-ResNet)."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Tensor, target: Tensor, readout: Readout) -> Tensor:
        mean = per_step(outputs, readout).mean(0)
        return F.mse_loss(mean, smoothed(target, mean.shape[-1], self.label_smoothing).to(mean.dtype))


class TET(nn.Module):
    """(1 - l) mean_t CE(o_t, y) + l MSE(o_t, aim): every step is to be right on its own (Deng et al. 2022, TET).

    Args:
        weight: l, the share of the second term, which keeps outputs near `aim`.
        aim: the value that outputs are drawn to.
        label_smoothing: of the cross entropy.
    """

    def __init__(self, weight: float = 1e-3, aim: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.weight, self.aim, self.label_smoothing = weight, aim, label_smoothing

    def forward(self, outputs: Tensor, target: Tensor, readout: Readout) -> Tensor:
        steps = per_step(outputs, readout)
        every = target.repeat(len(steps), *[1] * (target.dim() - 1))
        entropy = F.cross_entropy(steps.flatten(0, 1), every, label_smoothing=self.label_smoothing)
        return (1 - self.weight) * entropy + self.weight * (steps - self.aim).square().mean()


def smoothed(target: Tensor, classes: int, label_smoothing: float) -> Tensor:
    """The target as probabilities `[N, classes]`."""
    shares = target if target.is_floating_point() else F.one_hot(target, classes)
    return shares * (1 - label_smoothing) + label_smoothing / classes
