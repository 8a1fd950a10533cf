"""A neuron as kernels see it: its form, which is code, and its numbers, which are data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lightning_modules.kernels.eager import Dynamics, Reset, Variation


@dataclass(frozen=True, slots=True)
class Form:
    """What needs a kernel of its own: a neuron without its numbers.

    Attributes:
        reset, detach_reset, fire, scale: see `Dynamics`.
        gains: whether the input is multiplied by a gain.
        learns: whether gradients of leak and gain are wanted.
        rectifies: whether the membrane is replaced by ReLU(k v).
        adapts: whether the threshold follows the spikes.
    """

    reset: Reset
    detach_reset: bool
    fire: Literal["gt", "ge"]
    scale: Literal["theta", "none"]
    gains: bool
    learns: bool
    rectifies: bool
    adapts: bool

    @classmethod
    def of(cls, dynamics: Dynamics, vary: Variation) -> Form:
        """The form of a neuron whose variation is numeric."""
        return cls(
            dynamics.reset,
            dynamics.detach_reset,
            dynamics.fire,
            dynamics.scale,
            gains=dynamics.gain != 1 or vary.gain is not None,
            learns=vary.leak is not None or vary.gain is not None,
            rectifies=vary.rectified is not None,
            adapts=vary.adaptation is not None,
        )


class Constants(NamedTuple):
    """Numbers of a neuron as scalars on the device, so that another value needs no other kernel; see `Variation`.

    Only the same object is equal: comparing would have to read the device.
    """

    leak: Tensor
    gain: Tensor
    threshold: Tensor
    rectified: Tensor
    beta: Tensor
    rho: Tensor

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @classmethod
    def of(cls, dynamics: Dynamics, vary: Variation, dtype: torch.dtype, device: torch.device) -> Constants:
        """The numbers of a neuron, of this type and on this device; gradients do not flow through them."""
        fixed = _fixed(dynamics, vary.adaptation or (0.0, 0.0), dtype, device)
        learnt = {"leak": vary.leak, "gain": vary.gain, "rectified": vary.rectified}
        found = {name: each.detach().to(device, dtype) for name, each in learnt.items() if each is not None}
        return fixed._replace(**found) if found else fixed


@lru_cache(maxsize=256)
def _fixed(dynamics: Dynamics, adaptation: tuple[float, float], dtype: torch.dtype, device: torch.device) -> Constants:
    # Made once: on a GPU every copy of a number waits for the device.
    numbers = (dynamics.leak, dynamics.gain, dynamics.threshold, 1.0, *adaptation)
    with torch.inference_mode(False):
        return Constants(*(torch.tensor(each, dtype=dtype, device=device) for each in numbers))
