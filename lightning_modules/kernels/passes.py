"""Normalise and fire as passes over memory, each written so that a compiler can make one loop of it.

Activations are `[T, N, P, C]`: steps, samples, pixels, channels, as they lie in memory with channels last. The loop
over time is unrolled, so that membranes stay in registers; what the backward pass needs of them it computes again.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_modules.kernels.form import Constants, Form
from lightning_modules.surrogate import Surrogate

LONGEST = 10
"""Steps that one loop unrolls at most; more are done in segments."""


def segments(timesteps: int) -> list[slice]:
    """Cuts T steps into as few lengths as possible, each at most `LONGEST`: equal ones where T allows it."""
    fitting = [length for length in range(5, LONGEST + 1) if timesteps % length == 0]
    length = timesteps if timesteps <= LONGEST else max(fitting, default=8)
    return [slice(start, min(start + length, timesteps)) for start in range(0, timesteps, length)]


def moments(y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over pixels `[T, N, C]` of y - centre and of its square; centre `[C]` keeps the second from cancelling."""
    away = y.to(centre.dtype) - centre
    return away.sum(2), (away * away).sum(2)


class State(NamedTuple):
    """What one step leaves to the next, `[N, P, C]` each: the membrane, and the adaptation of a neuron that has one."""

    membrane: Tensor
    adaptation: Tensor | None = None


class Gradients(NamedTuple):
    """What a backward pass through time finds.

    Attributes:
        current: gradient of the normalised input `[T, N, P, C]`; for a shared input the sum over time of scale times
            it, `[1, N, P, C]`.
        plain, away: its sums over pixels, as it is and with y - mean, `[T, N, C]`.
        leak, gain, rectified: gradients of what is learnt, to be summed, `[N, C]`.
        state: gradient of the state at the start; None without one.
    """

    current: Tensor
    plain: Tensor
    away: Tensor
    leak: Tensor | None
    gain: Tensor | None
    rectified: Tensor | None
    state: State | None


class _Step(NamedTuple):
    """One step, as it went: the state before (None at rest), the input, the membrane before and after ReLU..."""

    before: State | None
    current: Tensor
    raw: Tensor
    v: Tensor
    threshold: Tensor
    s: Tensor
    after: State


class Passes:
    """The passes of one kind of neuron over a number of steps.

    Args:
        steps: steps unrolled.
        form: of the neuron; its numbers come as `Constants`.
        surrogate: its derivative.
        affine: whether the input is scaled and shifted first.
        shared: whether the input is the same at every step, `[1, N, P, C]`.
    """

    def __init__(self, steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> None:
        self.steps = steps
        self.form = form
        self.surrogate = surrogate
        self.affine = affine
        self.shared = shared

    def fire(
        self,
        y: Tensor,
        scale: Tensor,
        shift: Tensor,
        added: Tensor | None,
        onto: Tensor | None,
        state: State | None,
        numbers: Constants,
    ) -> tuple[Tensor, State | None]:
        """Spikes `[T, N, P, C]`, on top of `onto` if given, and the state at the end, from that at the start.

        Scale and shift are `[T, C]`. Without a state all steps are here: they start at rest, and no state comes out.
        """
        alone = state is None
        found = []
        for t in range(self.steps):
            step = self._step(self._current(t, y, scale, shift, added), state, numbers)
            state = step.after
            found.append((step.s if onto is None else onto[t].to(step.s.dtype) + step.s).to(y.dtype))
        return torch.stack(found), None if alone else state

    def differentiate(
        self,
        y: Tensor,
        scale: Tensor,
        shift: Tensor,
        mean: Tensor,
        added: Tensor | None,
        grad: Tensor,
        state: State | None,
        back: State | None,
        numbers: Constants,
    ) -> Gradients:
        """The steps once more, and back through them.

        Args:
            y, scale, shift, added, state, numbers: as in `fire`.
            mean: `[T, C]`.
            grad: gradient of the spikes.
            back: gradient of the state at the end; None without a state.
        """
        alone = state is None
        steps = []
        for t in range(self.steps):
            steps.append(self._step(self._current(t, y, scale, shift, added), state, numbers))
            state = steps[-1].after
        grads, raws = [], []
        rectified = None
        for t in range(self.steps - 1, -1, -1):
            step = steps[t]
            dv, adaptation = self._through_spike(grad[t].to(step.v.dtype), step, back, numbers)
            if self.form.rectifies:
                dv = torch.where(step.v > 0, dv, 0.0)
                rectified = _plus(rectified, dv * step.raw)
                dv = dv * numbers.rectified
            raws.append(dv)
            grads.append(dv * numbers.gain if self.form.gains else dv)
            back = State(dv * numbers.leak, adaptation)
        grads.reverse()
        raws.reverse()
        leak = gain = None
        if self.form.learns:
            for dv, step in zip(raws, steps, strict=True):
                leak = _plus(leak, torch.zeros_like(dv) if step.before is None else dv * step.before.membrane)
                gain = _plus(gain, dv * step.current) if self.form.gains else None
        plain = torch.stack([each.sum(1) for each in grads])
        away = torch.stack([(each * (self._at(y, t, mean) - mean[t])).sum(1) for t, each in enumerate(grads)])
        if self.shared:
            current = grads[0] * scale[0]
            for t in range(1, self.steps):
                current = current + grads[t] * scale[t]
            current = current[None]
        else:
            current = torch.stack([each.to(y.dtype) for each in grads])
        leak, gain, rectified = (None if each is None else each.sum(1) for each in (leak, gain, rectified))
        return Gradients(current, plain, away, leak, gain, rectified, None if alone else back)

    def _at(self, y: Tensor, t: int, like: Tensor) -> Tensor:
        return y[0 if self.shared else t].to(like.dtype)

    def _current(self, t: int, y: Tensor, scale: Tensor, shift: Tensor, added: Tensor | None) -> Tensor:
        current = self._at(y, t, scale)
        if self.affine:
            current = current * scale[t] + shift[t]
        return current if added is None else current + added[t].to(current.dtype)

    def _step(self, current: Tensor, before: State | None, numbers: Constants) -> _Step:
        form = self.form
        driven = current * numbers.gain if form.gains else current
        raw = driven if before is None else numbers.leak * before.membrane + driven
        v = torch.relu(numbers.rectified * raw) if form.rectifies else raw
        adapted = None if before is None else before.adaptation
        threshold = numbers.threshold if adapted is None else numbers.threshold + numbers.beta * adapted
        s = (v >= threshold if form.fire == "ge" else v > threshold).to(v.dtype)
        membrane = v
        if form.reset == "subtract":
            membrane = v - threshold * s
        elif form.reset == "zero":
            membrane = v * (1 - s)
        if form.adapts:
            adapted = (1 - numbers.rho) * s if adapted is None else numbers.rho * adapted + (1 - numbers.rho) * s
        return _Step(before, current, raw, v, threshold, s, State(membrane, adapted))

    def _through_spike(
        self, grad: Tensor, step: _Step, back: State | None, numbers: Constants
    ) -> tuple[Tensor, Tensor | None]:
        """dL/dv before the reset and dL/da before the step, from dL/ds and that of the state after it.

        See `kernels.scan.input_gradient`. An adaptation moves the threshold, and with it the spike and the reset.
        """
        reset, scaled = self.form.reset, self.form.scale == "theta"
        v, s, threshold = step.v, step.s, step.threshold
        u = (v - threshold) / threshold if scaled else v - threshold
        slope = self.surrogate.derivative(u)
        if scaled:
            slope = slope / threshold
        if back is not None and not self.form.detach_reset and reset != "none":
            grad = grad - back.membrane * (threshold if reset == "subtract" else v)
        if back is not None and back.adaptation is not None:
            grad = grad + (1 - numbers.rho) * back.adaptation
        dv = fired = slope * grad
        if back is not None:
            dv = fired + (back.membrane * (1 - s) if reset == "zero" else back.membrane)
        if not self.form.adapts:
            return dv, None
        raised = -(fired * (v / threshold) if scaled else fired)
        if back is not None and reset == "subtract":
            raised = raised - back.membrane * s
        adaptation = numbers.beta * raised
        if back is not None and back.adaptation is not None:
            adaptation = adaptation + numbers.rho * back.adaptation
        return dv, adaptation


def finish(
    grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor, overwrite: bool
) -> Tensor:
    """Gradient of the input, scale grad + level + slope (y - mean) with `[T, C]` each; it may overwrite `grad`."""
    mean, scale, level, slope = (each[:, None, None] for each in (mean, scale, level, slope))
    found = grad.to(mean.dtype) * scale + level + (y.to(mean.dtype) - mean) * slope
    return grad.copy_(found) if overwrite else found.to(grad.dtype)


def _plus(sum_: Tensor | None, term: Tensor) -> Tensor:
    return term if sum_ is None else sum_ + term
