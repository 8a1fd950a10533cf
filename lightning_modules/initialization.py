"""Initial weights of convolutions and linear layers: callables `(weight, generator) -> None` that fill in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Xavier:
    """Uniform in +-gain sqrt(6 / (fan_in + fan_out)). Source: Glorot & Bengio 2010; S-ResNet with gain 2.

    Attributes:
        gain: factor on the deviation.
    """

    gain: float

    def __call__(self, weight: Tensor, generator: torch.Generator | None = None) -> None:
        """Draw `weight` anew; from torch's global generator if none is given."""
        nn.init.xavier_uniform_(weight, self.gain, generator=generator)


@dataclass(frozen=True)
class Kaiming:
    """Normal with deviation sqrt(2 / fan). Source: He et al. 2015.

    Attributes:
        fan: count the connections `in`to or `out` of a unit.
    """

    fan: Literal["in", "out"]

    def __call__(self, weight: Tensor, generator: torch.Generator | None = None) -> None:
        """Draw `weight` anew; from torch's global generator if none is given."""
        mode: Literal["fan_in", "fan_out"] = "fan_in" if self.fan == "in" else "fan_out"
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu", generator=generator)
