"""Normalisations with weights of their own for every step: T cannot change once they are built."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lightning_modules.normalization.base import Branch, Common, Normalization
from lightning_modules.normalization.batch import BatchNorm


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
        _check_steps("tebn", x, self.timesteps)
        return super().forward(x) * self.scale.view(-1, *[1] * (x.ndim - 1))


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
        _check_steps("bntt", x, self.timesteps)
        biases = [None] * len(x) if self.bias is None else self.bias
        rows = zip(x, self.running_mean, self.running_var, self.weight, biases, strict=True)
        # Not stack, which would not keep channels last.
        steps = [F.batch_norm(*row, self.training, self.momentum, self.eps) for row in rows]
        return torch.cat(steps).view_as(x)


def _check_steps(level: str, x: Tensor, timesteps: int) -> None:
    if len(x) != timesteps:
        raise ValueError(f"timesteps: this {level} was built for {timesteps} steps and got {len(x)}")
