"""The linear neuron with a hand-written gradient: one scan forward, one backward, few temporaries.

The values are those of `kernels.eager.spikes_by_loop`, which is its reference.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lightning_modules.kernels.eager import Dynamics, Reset
from lightning_modules.surrogate import Surrogate


def spikes_by_scan(x: Tensor, dynamics: Dynamics, surrogate: Surrogate) -> Tensor:
    """Spikes `[T, ...]` in answer to the input current x `[T, ...]`, from a membrane at rest."""
    if torch.is_grad_enabled() and x.requires_grad:
        spikes: Tensor = _Scan.apply(x, dynamics, surrogate)
        return spikes
    return _forward(x, dynamics, torch.empty_like(x[:1]).expand_as(x))


def _forward(x: Tensor, dynamics: Dynamics, membrane: Tensor) -> Tensor:
    """Spikes; `membrane` receives v before the reset at every step (expanded from one step, only the last stays)."""
    compare = torch.ge if dynamics.fire == "ge" else torch.gt
    spikes = torch.empty_like(x)
    carried = torch.zeros_like(x[0])
    for current, v, s in zip(x, membrane, spikes, strict=True):
        if dynamics.gain == 1:
            torch.add(current, carried, alpha=dynamics.leak, out=v)
        else:
            torch.mul(current, dynamics.gain, out=v).add_(carried, alpha=dynamics.leak)
        compare(v, dynamics.threshold, out=s)
        _reset(v, s, dynamics.threshold, dynamics.reset, carried)
    return spikes


def _reset(v: Tensor, s: Tensor, threshold: float, reset: Reset, carried: Tensor) -> None:
    if reset == "subtract":
        torch.sub(v, s, alpha=threshold, out=carried)
    elif reset == "zero":
        torch.addcmul(v, v, s, value=-1, out=carried)
    else:
        carried.copy_(v)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dynamics: Dynamics, surrogate: Surrogate) -> Tensor:
        membrane = torch.empty_like(x)
        spikes = _forward(x, dynamics, membrane)
        # Spikes matter to a gradient where they set the membrane to zero alone.
        ctx.save_for_backward(membrane, spikes if dynamics.reset == "zero" else None)
        ctx.dynamics, ctx.surrogate = dynamics, surrogate
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        membrane, spikes = ctx.saved_tensors
        return input_gradient(grad, membrane, spikes, ctx.dynamics, ctx.surrogate), None, None


def input_gradient(
    grad: Tensor, membrane: Tensor, spikes: Tensor | None, dynamics: Dynamics, surrogate: Surrogate
) -> Tensor:
    """Gradient of the input `[T, ...]`, from that of the spikes, the membrane before each reset, and the spikes.

    The spikes are needed where the reset is `zero`.

    With g the gradient of the spikes, g' = ds/dv from the surrogate and d_t = dv_{t+1}/dv_t, the gradient of the
    membrane is c_t = g'_t g_t + d_t c_{t+1}; all but this recursion is done for every step at once.
    """
    theta, scaled = dynamics.threshold, dynamics.scale == "theta"
    slope = surrogate.derivative((membrane - theta).div_(theta) if scaled else membrane - theta)
    if scaled:
        slope.div_(theta)
    decay = _decay(membrane, spikes, slope, dynamics)
    inputs = torch.mul(slope, grad, out=torch.empty_like(membrane))
    steps = inputs.unbind()
    decays = None if decay is None else decay.unbind()
    for t in range(len(steps) - 2, -1, -1):
        if decays is None:
            steps[t].add_(steps[t + 1], alpha=dynamics.leak)
        else:
            steps[t].addcmul_(steps[t + 1], decays[t])
    return inputs if dynamics.gain == 1 else inputs.mul_(dynamics.gain)


def _decay(membrane: Tensor, spikes: Tensor | None, slope: Tensor, dynamics: Dynamics) -> Tensor | None:
    """dv_{t+1}/dv_t of every step; None where it is the leak alone, that is without a reset the gradient knows of."""
    if dynamics.reset == "none" or (dynamics.reset == "subtract" and dynamics.detach_reset):
        return None
    if dynamics.reset == "subtract":
        return (1 - slope * dynamics.threshold).mul_(dynamics.leak)
    assert spikes is not None
    kept = 1 - spikes
    return (kept if dynamics.detach_reset else kept.addcmul_(slope, membrane, value=-1)).mul_(dynamics.leak)
