"""Normalisations of a convolution's output over time: `[T, N, C, ...]` to the same shape."""

from __future__ import annotations

import math
from typing import Literal, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Branch = Literal["single", "added"]


class Common(TypedDict, total=False):
    """The structural arguments that every normalisation takes, see `Normalization`."""

    threshold: float
    branch: Branch
    main: bool


class Normalization(nn.Module):
    """What all normalisations share.

    Args:
        channels: C.
        timesteps: T, for those whose weights depend on it.
        threshold: theta of the neuron that follows.
        branch: `added` if the output is added to another branch, `single` if not.
        main: whether this is on a block's main path (not on its shortcut).

    Attributes:
        weight, bias: the affine map after the normalisation, or None.
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self, channels: int, timesteps: int, *, threshold: float = 1.0, branch: Branch = "single", main: bool = True
    ) -> None:
        super().__init__()
        if branch not in ("single", "added"):
            raise ValueError(f"branch: {branch!r} is not accepted; one of single, added")
        self.channels, self.timesteps = channels, timesteps
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def affine(self, *shape: int, bias: bool = True) -> None:
        """Add the affine map, from 1 and 0."""
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    @torch.no_grad()
    def set_gain(self, value: float) -> None:
        """Let the output start with the deviation `value` (0 silences a branch: `zero_init_residual`).

        Raises:
            ValueError: if there is no weight.
        """
        if self.weight is None:
            raise ValueError(f"normalization: {type(self).__name__} has no weight that could start at {value:g}")
        self.weight.fill_(value)

    @torch.no_grad()
    def set_bias(self, value: float) -> None:
        """Let the bias start at `value`.

        Raises:
            ValueError: if there is no bias.
        """
        if self.bias is None:
            raise ValueError(f"normalization: {type(self).__name__} has no bias that could start at {value:g}")
        self.bias.fill_(value)

    def membrane_norm(self) -> nn.Module | None:
        """A new normalisation for the membrane of the neuron that follows, for the caller to own; None without."""
        return None


class NoNorm(Normalization):
    """x as it is."""

    def forward(self, x: Tensor) -> Tensor:
        return x


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
        return torch.stack([self._normalize(step, self.weight) for step in x])


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

    def set_gain(self, value: float) -> None:
        super().set_gain(value / self.constant)


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
        return torch.stack([F.batch_norm(*row, self.training, self.momentum, self.eps) for row in rows])


class SecondMomentNorm(BatchNorm):
    """PSP normalisation: gamma x / sqrt(E[x^2] + eps) + beta, the mean is not subtracted. Source: Ikegawa et al. 2022.

    E is taken over T, N, H, W, as in `BatchNorm`, and its running value is `running_var`; `running_mean` stays 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        moment = self.running_var
        if self.training:
            moment = x.square().mean([d for d in range(x.ndim) if d != 2])
            self.running_var.lerp_(moment.detach().to(self.running_var.dtype), self.momentum)
        shape = (-1, *[1] * (x.ndim - 3))
        return x * (self.weight * torch.rsqrt(moment + self.eps)).view(shape) + self.bias.view(shape)


class MembraneBatchNorm(BatchNorm):
    """MPBN: `BatchNorm`, and a further one on the membrane of the neuron that follows. Source: Guo et al. 2023.

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


def _check_steps(level: str, x: Tensor, timesteps: int) -> None:
    if len(x) != timesteps:
        raise ValueError(f"timesteps: this {level} was built for {timesteps} steps and got {len(x)}")
