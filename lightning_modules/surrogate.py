"""Surrogate gradients: a spike is a step forward and a smooth bump backward.

The argument u is the membrane centred on the threshold. `smooth` is the function whose derivative the bump is; it
exists so that gradients can be compared with finite differences.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Surrogate(nn.Module):
    """A step function with a stand-in for its derivative."""

    def derivative(self, u: Tensor) -> Tensor:
        """g(u), elementwise; u itself is left alone."""
        raise NotImplementedError

    def smooth(self, u: Tensor) -> Tensor:
        """A function whose derivative is g(u), up to a constant."""
        raise NotImplementedError

    def spike(self, u: Tensor, fire: str = "gt") -> Tensor:
        """1 where u > 0 (`gt`) or u >= 0 (`ge`), else 0, with g(u) as its gradient."""
        spikes: Tensor = _Step.apply(u, self, fire)
        return spikes


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, surrogate: Surrogate, fire: str) -> Tensor:
        ctx.save_for_backward(u)
        ctx.surrogate = surrogate
        return (u >= 0 if fire == "ge" else u > 0).to(u.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (u,) = ctx.saved_tensors
        return ctx.surrogate.derivative(u).mul_(grad), None, None


class Triangle(Surrogate):
    """gamma max(0, 1 - |u| / width). Source: Bellec et al. 2018; S-ResNet with gamma 0.3 and width 1."""

    def __init__(self, *, gamma: float, width: float) -> None:
        super().__init__()
        self.gamma, self.width = gamma, width

    def derivative(self, u: Tensor) -> Tensor:
        return u.abs().mul_(-self.gamma / self.width).add_(self.gamma).clamp_min_(0)

    def smooth(self, u: Tensor) -> Tensor:
        inside = u.clamp(-self.width, self.width)
        return self.gamma * (inside - inside * inside.abs() / (2 * self.width))


class Rectangle(Surrogate):
    """1[|u| < a] / (2a). Source: Wu et al. 2018 (STBP); MS-ResNet with a 0.5."""

    def __init__(self, *, a: float) -> None:
        super().__init__()
        self.a = a

    def derivative(self, u: Tensor) -> Tensor:
        return (u.abs() < self.a).to(u.dtype).div_(2 * self.a)

    def smooth(self, u: Tensor) -> Tensor:
        return u.clamp(-self.a, self.a) / (2 * self.a)


class ATan(Surrogate):
    """alpha / (2 (1 + (pi alpha u / 2)^2)). Source: Fang et al. 2021 (PLIF)."""

    def __init__(self, *, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def derivative(self, u: Tensor) -> Tensor:
        return (u * (math.pi * self.alpha / 2)).square_().add_(1).reciprocal_().mul_(self.alpha / 2)

    def smooth(self, u: Tensor) -> Tensor:
        return torch.atan(math.pi * self.alpha / 2 * u) / math.pi


class Sigmoid(Surrogate):
    """alpha s (1 - s), s = sigmoid(alpha u). Source: Zenke & Ganguli 2018; SpikingJelly with alpha 4."""

    def __init__(self, *, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def derivative(self, u: Tensor) -> Tensor:
        s = (u * self.alpha).sigmoid_()
        return (1 - s).mul_(s).mul_(self.alpha)

    def smooth(self, u: Tensor) -> Tensor:
        return torch.sigmoid(self.alpha * u)


class FastSigmoid(Surrogate):
    """1 / (1 + k |u|)^2. Source: Zenke & Ganguli 2018 (SuperSpike)."""

    def __init__(self, *, k: float) -> None:
        super().__init__()
        self.k = k

    def derivative(self, u: Tensor) -> Tensor:
        return u.abs().mul_(self.k).add_(1).square_().reciprocal_()

    def smooth(self, u: Tensor) -> Tensor:
        return u / (1 + self.k * u.abs())
