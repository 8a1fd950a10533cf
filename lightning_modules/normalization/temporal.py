"""Normalisations with weights of their own for every step: T cannot change once they are built."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lightning_modules.normalization.base import Branch, Common, Normalization
from lightning_modules.normalization.batch import BatchNorm
from lightning_modules.normalization.folded import Folded


class TemporalEffectiveBatchNorm(BatchNorm):
    """TEBN: k_t BN(x)_t, k_t learnt from 1, statistics over T, N, H, W. Source: Duan et al. 2022.

    `scale` `[T]` holds k.

    Raises:
        ValueError: for an input of other than T steps.
    """

    def __init__(self, channels: int, timesteps: int, *, eps: float, momentum: float, **common: Unpack[Common]) -> None:
        super().__init__(channels, timesteps, eps=eps, momentum=momentum, **common)
        self.scale = nn.Parameter(torch.ones(timesteps))

    def forward(self, x: Tensor) -> Tensor:
        self.check_steps(len(x))
        return super().forward(x) * self.scale.view(-1, *[1] * (x.ndim - 1))

    def check_steps(self, steps: int) -> None:
        _check_steps("tebn", steps, self.timesteps)

    def folded(self) -> Folded:
        return self._fold(self.scale[:, None] * self.weight, self.scale[:, None] * self.bias)


class BatchNormThroughTime(Normalization):
    """BNTT: one BatchNorm per step. Source: Kim & Panda 2020 (no bias); S-ResNet (bias, eps 1e-4).

    Parameters and running statistics are stacked, `[T, C]`: row t of `weight` is gamma of the BatchNorm of step t.

    Args:
        channels, timesteps: C and T.
        bias: whether beta_t is learnt; `main_only` leaves it out on shortcuts.
        eps, momentum: see `BatchNorm`.
        threshold, branch, main: see `Normalization`.

    Raises:
        ValueError: for an input of other than T steps.
    """

    weight: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        timesteps: int,
        *,
        bias: bool | Literal["main_only"],
        eps: float,
        momentum: float,
        threshold: float = 1.0,
        branch: Branch = "single",
        main: bool = True,
    ) -> None:
        super().__init__(channels, timesteps, threshold=threshold, branch=branch, main=main)
        self.eps, self.momentum = eps, momentum
        self.affine(timesteps, channels, bias=main if bias == "main_only" else bias)
        self.register_buffer("running_mean", torch.zeros(timesteps, channels))
        self.register_buffer("running_var", torch.ones(timesteps, channels))

    def forward(self, x: Tensor) -> Tensor:
        self.check_steps(len(x))
        biases = [None] * len(x) if self.bias is None else self.bias
        rows = zip(x, self.running_mean, self.running_var, self.weight, biases, strict=True)
        # Not stack, which would not keep channels last.
        steps = [F.batch_norm(*row, self.training, self.momentum, self.eps) for row in rows]
        return torch.cat(steps).view_as(x)

    def check_steps(self, steps: int) -> None:
        _check_steps("bntt", steps, self.timesteps)

    def folded(self) -> Folded:
        mean, var = (None, None) if self.training else (self.running_mean, self.running_var)
        return Folded(self.weight, self.bias, self.eps, True, mean, var, self._seen)

    def _seen(self, mean: Tensor, var: Tensor, count: int) -> None:
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        spread = var * (count / max(count - 1, 1))
        self.running_var.lerp_(spread.to(self.running_var.dtype), self.momentum)


def _check_steps(level: str, steps: int, timesteps: int) -> None:
    if steps != timesteps:
        raise ValueError(f"timesteps: this {level} was built for {timesteps} steps and got {steps}")
