"""Normalisations by statistics of the batch that all steps share."""

from __future__ import annotations

import math
from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_modules.normalization.base import Branch, Common, Normalization
from lightning_modules.normalization.folded import Folded


class BatchNorm(Normalization):
    """gamma (x - mu) / sigma + beta, statistics over T, N, H, W. Source: Ioffe & Szegedy 2015.

    Args:
        channels, timesteps: C and T.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
        **common: see `Normalization`.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, timesteps: int, *, eps: float, momentum: float, **common: Unpack[Common]) -> None:
        super().__init__(channels, timesteps, **common)
        self.eps, self.momentum = eps, momentum
        self.affine(channels)
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self._normalize(x.flatten(0, 1), self.weight).view_as(x)

    def folded(self) -> Folded:
        return self._fold(self.weight[None], self.bias[None])

    def _fold(self, gain: Tensor, bias: Tensor, per_step: bool = False) -> Folded:
        mean, var = (None, None) if self.training else (self.running_mean[None], self.running_var[None])
        return Folded(gain, bias, self.eps, per_step and self.training, mean, var, self._seen)

    def _seen(self, mean: Tensor, var: Tensor, count: int) -> None:
        for row, spread in zip(mean, var * (count / max(count - 1, 1)), strict=True):
            self.running_mean.lerp_(row.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(spread.to(self.running_var.dtype), self.momentum)

    def _normalize(self, images: Tensor, weight: Tensor) -> Tensor:
        """Normalise `[N, C, ...]` over everything but C."""
        return F.batch_norm(
            images, self.running_mean, self.running_var, weight, self.bias, self.training, self.momentum, self.eps
        )


class StepBatchNorm(BatchNorm):
    """BatchNorm at every step, with one running mean and variance for all; in evaluation the same as `BatchNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        return torch.cat([self._normalize(step, self.weight) for step in x]).view_as(x)

    def folded(self) -> Folded:
        return self._fold(self.weight[None], self.bias[None], per_step=True)


class ThresholdBatchNorm(BatchNorm):
    """tdBN: gamma alpha theta (x - mu) / sigma + beta, statistics over T, N, H, W. Source: Zheng et al. 2021.

    alpha is 1, or 1/sqrt(2) where the output is added to another branch.

    Args:
        channels, timesteps: C and T.
        factor: alpha theta as a `constant` beside gamma, which starts at 1 (its authors), or as the `initial_gamma`.
        eps, momentum: see `BatchNorm`.
        threshold, branch, main: see `Normalization`.
    """

    def __init__(
        self,
        channels: int,
        timesteps: int,
        *,
        factor: str,
        eps: float,
        momentum: float,
        threshold: float = 1.0,
        branch: Branch = "single",
        main: bool = True,
    ) -> None:
        super().__init__(channels, timesteps, eps=eps, momentum=momentum, threshold=threshold, branch=branch, main=main)
        scale = threshold / math.sqrt(2) if branch == "added" else threshold
        self.constant = scale if factor == "constant" else 1.0
        self.set_gain(scale)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.constant == 1 else self.weight * self.constant
        return self._normalize(x.flatten(0, 1), weight).view_as(x)

    def folded(self) -> Folded:
        return self._fold(self.weight[None] * self.constant, self.bias[None])

    def set_gain(self, value: float) -> None:
        super().set_gain(value / self.constant)


class SecondMomentNorm(Normalization):
    """PSP normalisation: gamma x / sqrt(E[x^2] + eps) + beta; the mean is not subtracted. Source: Ikegawa et al. 2022.

    E is taken over T, N, H, W, as in `BatchNorm`; gamma and beta are those of the standard normalisation.

    Args:
        channels, timesteps: C and T.
        eps: added to the second moment.
        momentum: weight of the newest batch in the running moment.
        **common: see `Normalization`.
    """

    weight: Tensor
    bias: Tensor
    running_moment: Tensor

    def __init__(self, channels: int, timesteps: int, *, eps: float, momentum: float, **common: Unpack[Common]) -> None:
        super().__init__(channels, timesteps, **common)
        self.eps, self.momentum = eps, momentum
        self.affine(channels)
        self.register_buffer("running_moment", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        moment = self.running_moment
        if self.training:
            moment = x.square().mean([dim for dim in range(x.ndim) if dim != 2])
            with torch.no_grad():
                self.running_moment.lerp_(moment.to(self.running_moment.dtype), self.momentum)
        shape = (-1, *[1] * (x.ndim - 3))
        return x * (self.weight * torch.rsqrt(moment + self.eps)).view(shape) + self.bias.view(shape)

    def folded(self) -> Folded:
        moment = None if self.training else self.running_moment[None]
        mean = None if moment is None else torch.zeros_like(moment)
        return Folded(self.weight[None], self.bias[None], self.eps, False, mean, moment, self._seen, centred=False)

    def _seen(self, mean: Tensor, moment: Tensor, count: int) -> None:
        self.running_moment.lerp_(moment[0].to(self.running_moment.dtype), self.momentum)


class MembraneBatchNorm(BatchNorm):
    """MPBN: `BatchNorm`, and a further one on the membrane of every hidden neuron. Source: Guo et al. 2023.

    Args:
        channels, timesteps: C and T.
        carry: whether the neuron carries the normalised membrane on; the authors' does not.
        eps, momentum: see `BatchNorm`.
        **common: see `Normalization`.
    """

    def __init__(
        self, channels: int, timesteps: int, *, carry: bool, eps: float, momentum: float, **common: Unpack[Common]
    ) -> None:
        super().__init__(channels, timesteps, eps=eps, momentum=momentum, **common)
        self.carry = carry

    def membrane_norm(self) -> MembraneNorm:
        return MembraneNorm(self.channels, self.timesteps, eps=self.eps, momentum=self.momentum, carry=self.carry)


class MembraneNorm(BatchNorm):
    """BatchNorm of the membrane of one step `[N, C, ...]`, with one running mean and variance for all steps."""

    def __init__(self, channels: int, timesteps: int, *, eps: float, momentum: float, carry: bool) -> None:
        super().__init__(channels, timesteps, eps=eps, momentum=momentum)
        self.carry = carry

    def forward(self, x: Tensor) -> Tensor:
        return self._normalize(x, self.weight)
