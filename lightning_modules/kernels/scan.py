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
        ctx.save_for_backward(membrane, spikes)
        ctx.dynamics, ctx.surrogate = dynamics, surrogate
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        membrane, spikes = ctx.saved_tensors
        return input_gradient(grad, membrane, spikes, ctx.dynamics, ctx.surrogate), None, None


def input_gradient(grad: Tensor, membrane: Tensor, spikes: Tensor, dynamics: Dynamics, surrogate: Surrogate) -> Tensor:
    """Gradient of the input `[T, ...]`, from that of the spikes, the membrane before each reset, and the spikes.

    With c the gradient of the membrane carried out of a step, and g' = ds/dv from the surrogate,
    dL/dv = (grad + c dcarried/ds) g' + c dcarried/dv, where a detached reset drops dcarried/ds.
    """
    theta, reset = dynamics.threshold, dynamics.reset
    inputs = torch.empty_like(grad)
    carried = torch.zeros_like(grad[0])
    for t in range(len(grad) - 1, -1, -1):
        v, s = membrane[t], spikes[t]
        slope = surrogate.derivative((v - theta).div_(theta) if dynamics.scale == "theta" else v - theta)
        if dynamics.scale == "theta":
            slope.div_(theta)
        direct = grad[t]
        if not dynamics.detach_reset and reset == "subtract":
            direct = torch.sub(direct, carried, alpha=theta)
        elif not dynamics.detach_reset and reset == "zero":
            direct = torch.addcmul(direct, carried, v, value=-1)
        if reset == "zero":
            carried.addcmul_(carried, s, value=-1)
        carried.addcmul_(slope, direct)
        torch.mul(carried, dynamics.gain, out=inputs[t])
        carried.mul_(dynamics.leak)
    return inputs
