"""Normalisations of each sample and step by itself: controls without batch statistics."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor

from lightning_modules.normalization.base import Common, Normalization


class GroupNorm(Normalization):
    """Each sample and step by itself, over a group of channels, H, W. Source: Wu & He 2018; batch-free control.

    Args:
        channels, timesteps: C and T.
        groups: number of groups.
        eps: added to the variance.
        **common: see `Normalization`.

    Raises:
        ValueError: if the groups do not divide the channels.
    """

    def __init__(self, channels: int, timesteps: int, *, groups: int, eps: float, **common: Unpack[Common]) -> None:
        super().__init__(channels, timesteps, **common)
        if channels % groups:
            raise ValueError(f"group.groups: {groups} groups do not divide {channels} channels")
        self.groups, self.eps = groups, eps
        self.affine(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x.flatten(0, 1), self.groups, self.weight, self.bias, self.eps).view_as(x)


class LayerNorm(GroupNorm):
    """Each sample and step by itself, over C, H, W, with one gamma and beta a channel. Source: Ba et al. 2016."""

    def __init__(self, channels: int, timesteps: int, *, eps: float, **common: Unpack[Common]) -> None:
        super().__init__(channels, timesteps, groups=1, eps=eps, **common)
