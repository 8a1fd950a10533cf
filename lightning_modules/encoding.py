"""Encoders of static images: `[N, C, H, W]` becomes `[T, N, C, H, W]`.

Each says in `input_range` what it expects (`normalized` by mean and deviation, or `unit` for [0, 1]), whether it is
`stochastic` (takes uniform noise), `binary` (spikes in {0, 1} only) and `static` (every step alike, so that the first
convolution needs computing once).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """What all encoders share.

    Args:
        timesteps: T.
    """

    input_range: Literal["normalized", "unit"] = "unit"
    stochastic = False
    binary = True
    static = False

    def __init__(self, *, timesteps: int) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"timesteps: {timesteps} is not a number of steps; at least 1 is needed")
        self.timesteps = timesteps

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The input of every step `[T, N, C, H, W]`.

        Args:
            x: images in the encoder's input range.
            noise: uniform in [0, 1), `[T, N, C, H, W]`, for stochastic encoders; drawn from torch's generator if None.
        """
        raise NotImplementedError

    def uniform(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """The noise given, or fresh noise.

        Raises:
            ValueError: if the noise given does not have one value a step and pixel.
        """
        shape = (self.timesteps, *x.shape)
        if noise is None:
            return torch.rand(shape, dtype=x.dtype, device=x.device)
        if noise.shape != shape:
            raise ValueError(f"noise: shape {tuple(noise.shape)} is not {shape}")
        return noise


class Direct(Encoder):
    """x_t = x: the first convolution and neuron learn the code. A view of x, not a copy."""

    input_range = "normalized"
    binary = False
    static = True

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        return x.expand(self.timesteps, *x.shape)


class Poisson(Encoder):
    """x_t = 1[U_t <= x]: a spike with probability x at every step."""

    stochastic = True

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        return (self.uniform(x, noise) <= x).to(x.dtype)


class PoissonSigned(Encoder):
    """x_t = sign(x) 1[2 U_t <= |x|], on normalised images. Source: released code of S-ResNet."""

    input_range = "normalized"
    stochastic = True
    binary = False

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        return (2 * self.uniform(x, noise) <= x.abs()).to(x.dtype) * x.sign()


class Latency(Encoder):
    """One spike a pixel, the earlier the brighter, at round((T-1)(1-x)) or round((T-1) - ln(a x + 1)), a = e^(T-1) - 1.

    Ties round to even. Source: SpikingJelly (Fang et al. 2023).

    Args:
        timesteps: T.
        form: `linear` or `log`.
        drop_zero: whether a value of 0 stays silent; otherwise it fires at the last step.
    """

    def __init__(self, *, timesteps: int, form: str, drop_zero: bool) -> None:
        super().__init__(timesteps=timesteps)
        self.form, self.drop_zero = form, drop_zero

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        last = self.timesteps - 1
        x = x.clamp(0, 1)
        time = self._logarithmic(x, last) if self.form == "log" else last * (1 - x)
        steps = torch.arange(self.timesteps, dtype=x.dtype, device=x.device).view(-1, *[1] * x.ndim)
        spikes = steps == time.round()
        return (spikes & (x > 0) if self.drop_zero else spikes).to(x.dtype)

    @staticmethod
    def _logarithmic(x: Tensor, last: int) -> Tensor:
        """(T-1) - ln(a x + 1) = -ln(x + (1 - x) e^-(T-1)): the second form does not overflow for large T."""
        return (x + (1 - x) * math.exp(-last)).log().neg().clamp(max=last)


class Phase(Encoder):
    """Bit (t mod K) + 1 of the binary expansion of min(x, 1 - 2^-K), most significant first.

    Source: Kim et al. 2018 (weighted spikes); SpikingJelly (Fang et al. 2023).

    Args:
        timesteps: T.
        period: K; T if None.
        weighted: whether a bit is worth 2^-((t mod K) + 1) instead of 1.

    Raises:
        ValueError: for a period above 24 bits, which float32 cannot tell apart.
    """

    def __init__(self, *, timesteps: int, period: int | None, weighted: bool) -> None:
        super().__init__(timesteps=timesteps)
        self.period = timesteps if period is None else period
        self.binary = not weighted
        self.weighted = weighted
        if self.period > 24:
            raise ValueError(f"phase.period: {self.period} bits are more than a float holds; at most 24")

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        code = (x.clamp(0, 1) * 2**self.period).floor().clamp(max=2**self.period - 1).to(torch.int64)
        place = torch.arange(self.timesteps, device=x.device).remainder(self.period).view(-1, *[1] * x.ndim)
        bits = (code >> (self.period - 1 - place) & 1).to(x.dtype)
        return bits * torch.exp2(-(place + 1.0)).to(x.dtype) if self.weighted else bits
