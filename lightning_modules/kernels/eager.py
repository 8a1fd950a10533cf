"""The reference of every neuron with a membrane: a plain loop over time that autograd differentiates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lightning_modules.surrogate import Surrogate

Reset = Literal["subtract", "zero", "none"]


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Constants of a linear membrane: v <- leak v + gain x, a spike where v passes the threshold, then the reset.

    Attributes:
        reset: `subtract` takes the threshold off, `zero` sets to 0, `none` leaves the membrane as it is.
        detach_reset: whether the gradient ignores that the reset depends on the spike.
        fire: `gt` fires above the threshold, `ge` also on it.
        scale: the surrogate's argument is v / theta - 1 (`theta`) or v - theta (`none`).
    """

    leak: float = 1.0
    gain: float = 1.0
    threshold: float = 1.0
    reset: Reset = "subtract"
    detach_reset: bool = True
    fire: Literal["gt", "ge"] = "gt"
    scale: Literal["theta", "none"] = "theta"


@dataclass(frozen=True, slots=True)
class Variation:
    """Where a neuron departs from the linear membrane with a constant threshold.

    Attributes:
        leak, gain: learnt values (scalars) in place of the constants.
        rectified: a learnt k (scalar); the membrane is replaced by ReLU(k v) before it is compared and carried.
        membrane: replaces the membrane, after that, before it is compared and carried.
        compared: changes what is compared with the threshold, and only that.
        adaptation: (beta, rho); the threshold is theta + beta a, a <- rho a + (1 - rho) s, both resets use it.
    """

    leak: Tensor | None = None
    gain: Tensor | None = None
    rectified: Tensor | None = None
    membrane: Callable[[Tensor], Tensor] | None = None
    compared: Callable[[Tensor], Tensor] | None = None
    adaptation: tuple[float, float] | None = None

    @property
    def numeric(self) -> bool:
        """Whether numbers say it all, so that kernels can compute it."""
        return self.membrane is None and self.compared is None


def spikes_by_loop(x: Tensor, dynamics: Dynamics, surrogate: Surrogate, vary: Variation | None = None) -> Tensor:
    """Spikes `[T, ...]` in answer to the input current x `[T, ...]`, from a membrane at rest."""
    vary = vary or Variation()
    leak = dynamics.leak if vary.leak is None else vary.leak
    gain = dynamics.gain if vary.gain is None else vary.gain
    beta, rho = vary.adaptation or (0.0, 0.0)
    threshold: Tensor | float = dynamics.threshold
    carried = adapted = torch.zeros_like(x[0])
    spikes = []
    for current in x:
        v = leak * carried + gain * current
        if vary.rectified is not None:
            v = torch.relu(vary.rectified * v)
        if vary.membrane is not None:
            v = vary.membrane(v)
        if vary.adaptation is not None:
            threshold = dynamics.threshold + beta * adapted
        compared = v if vary.compared is None else vary.compared(v)
        u = compared / threshold - 1 if dynamics.scale == "theta" else compared - threshold
        s = surrogate.spike(u, dynamics.fire)
        spikes.append(s)
        adapted = rho * adapted + (1 - rho) * s
        carried = _after_reset(v, s.detach() if dynamics.detach_reset else s, threshold, dynamics.reset)
    return torch.stack(spikes)


def _after_reset(v: Tensor, s: Tensor, threshold: Tensor | float, reset: Reset) -> Tensor:
    if reset == "subtract":
        return v - threshold * s
    return v * (1 - s) if reset == "zero" else v
