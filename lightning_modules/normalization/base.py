"""What all normalisations share, and the absence of one."""

from __future__ import annotations

from typing import Literal, TypedDict

import torch
from torch import Tensor, nn

from lightning_modules.kernels.compiler import Backend
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise

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
        backend: what computes it where no neuron follows, see `lightning_modules.layers.normalise`.
    """

    backend: Backend = "auto"

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

    def __call__(self, x: Tensor) -> Tensor:
        """x normalised, in its type; statistics are float32 at least."""
        normalised: Tensor = super().__call__(x.to(precise(x.dtype)))
        return normalised.to(x.dtype)

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

    def check_steps(self, steps: int) -> None:
        """Refuse a number of steps that this normalisation was not built for.

        Raises:
            ValueError: naming both.
        """

    def folded(self) -> Folded | None:
        """This normalisation as numbers for a kernel; None for those that are none of that form."""
        return None

    def membrane_norm(self) -> nn.Module | None:
        """A new normalisation for a neuron's membrane, for the caller to own; None for levels without."""
        return None


class NoNorm(Normalization):
    """x as it is."""

    def forward(self, x: Tensor) -> Tensor:
        return x
