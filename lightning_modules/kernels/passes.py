"""Normalise and fire as passes over memory, each written so that a compiler can make one loop of it.

Activations are `[T, N, P, C]`: steps, samples, pixels, channels, as they lie in memory with channels last. The loop
over time is unrolled, so that membranes stay in registers; what the backward pass needs of them it computes again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_modules.kernels.eager import Dynamics
from lightning_modules.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class Constants:
    """Numbers of the membrane as scalars on the device, so that another value needs no other loop."""

    leak: Tensor
    gain: Tensor
    threshold: Tensor


def moments(y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over pixels `[T, N, C]` of y - centre and of its square; centre `[C]` keeps the second from cancelling."""
    away = y.to(centre.dtype) - centre
    return away.sum(2), (away * away).sum(2)


class Passes:
    """The passes of one kind of neuron over a number of steps.

    Args:
        steps: steps unrolled.
        dynamics: of the membrane; its numbers come as `Constants`.
        surrogate: its derivative.
        affine: whether the input is scaled and shifted first.
        shared: whether the input is the same at every step, `[1, N, P, C]`.
    """

    def __init__(self, steps: int, dynamics: Dynamics, surrogate: Surrogate, *, affine: bool, shared: bool) -> None:
        self.steps = steps
        self.dynamics = dynamics
        self.surrogate = surrogate
        self.affine = affine
        self.shared = shared

    def fire(
        self, y: Tensor, scale: Tensor, shift: Tensor, added: Tensor | None, carried: Tensor, numbers: Constants
    ) -> tuple[Tensor, Tensor]:
        """Spikes `[T, N, P, C]` and the membrane carried out, from that carried in; scale and shift are `[T, C]`."""
        spikes = []
        for t in range(self.steps):
            v = self._membrane(t, y, scale, shift, added, carried, numbers)
            s = self._fires(v, numbers)
            spikes.append(s.to(y.dtype))
            carried = self._after_reset(v, s, numbers)
        return torch.stack(spikes), carried

    def differentiate(
        self,
        y: Tensor,
        scale: Tensor,
        shift: Tensor,
        mean: Tensor,
        added: Tensor | None,
        grad: Tensor,
        carried: Tensor,
        back: Tensor,
        numbers: Constants,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradient of the normalised input, its sums over pixels, plain and with y - mean, and what goes further back.

        Args:
            y, scale, shift, added, carried, numbers: as in `fire`.
            mean: `[T, C]`.
            grad: gradient of the spikes.
            back: gradient of the membrane carried out.

        Returns:
            The gradient `[T, N, P, C]`, or for a shared input the sum over time of scale times it, `[1, N, P, C]`; the
            sums `[T, N, C]`; the gradient of the membrane carried in.
        """
        membranes, spikes = [], []
        for t in range(self.steps):
            v = self._membrane(t, y, scale, shift, added, carried, numbers)
            s = self._fires(v, numbers)
            carried = self._after_reset(v, s, numbers)
            membranes.append(v)
            spikes.append(s)
        grads = []
        for t in range(self.steps - 1, -1, -1):
            dv = self._membrane_gradient(grad[t].to(back.dtype), membranes[t], spikes[t], back, numbers)
            grads.append(dv if self.dynamics.gain == 1 else dv * numbers.gain)
            back = dv * numbers.leak
        grads.reverse()
        plain = torch.stack([each.sum(1) for each in grads])
        away = torch.stack([(each * (self._step(y, t, mean) - mean[t])).sum(1) for t, each in enumerate(grads)])
        if self.shared:
            total = grads[0] * scale[0]
            for t in range(1, self.steps):
                total = total + grads[t] * scale[t]
            return total[None], plain, away, back
        return torch.stack([each.to(y.dtype) for each in grads]), plain, away, back

    def _step(self, y: Tensor, t: int, like: Tensor) -> Tensor:
        return y[0 if self.shared else t].to(like.dtype)

    def _membrane(
        self, t: int, y: Tensor, scale: Tensor, shift: Tensor, added: Tensor | None, carried: Tensor, numbers: Constants
    ) -> Tensor:
        current = self._step(y, t, carried)
        if self.affine:
            current = current * scale[t] + shift[t]
        if added is not None:
            current = current + added[t].to(carried.dtype)
        if self.dynamics.gain != 1:
            current = current * numbers.gain
        return numbers.leak * carried + current

    def _fires(self, v: Tensor, numbers: Constants) -> Tensor:
        fires = v >= numbers.threshold if self.dynamics.fire == "ge" else v > numbers.threshold
        return fires.to(v.dtype)

    def _after_reset(self, v: Tensor, s: Tensor, numbers: Constants) -> Tensor:
        if self.dynamics.reset == "subtract":
            return v - numbers.threshold * s
        return v * (1 - s) if self.dynamics.reset == "zero" else v

    def _membrane_gradient(self, grad: Tensor, v: Tensor, s: Tensor, back: Tensor, numbers: Constants) -> Tensor:
        """dL/dv before the reset, from dL/ds and dL/dv after it; see `kernels.scan.input_gradient`."""
        reset, scaled = self.dynamics.reset, self.dynamics.scale == "theta"
        u = (v - numbers.threshold) / numbers.threshold if scaled else v - numbers.threshold
        slope = self.surrogate.derivative(u)
        if scaled:
            slope = slope / numbers.threshold
        if not self.dynamics.detach_reset and reset != "none":
            grad = grad - back * (numbers.threshold if reset == "subtract" else v)
        return slope * grad + (back * (1 - s) if reset == "zero" else back)


def finish(grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor) -> Tensor:
    """Gradient of the input: scale grad + level + slope (y - mean), with `[T, C]` each; `grad` is overwritten."""
    mean, scale, level, slope = (each[:, None, None] for each in (mean, scale, level, slope))
    return grad.copy_(grad.to(mean.dtype) * scale + level + (y.to(mean.dtype) - mean) * slope)
