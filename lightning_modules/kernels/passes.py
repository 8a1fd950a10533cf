"""A back end made of separate passes over memory, with the small sums between them left to the library.

Passes take activations as `[T, N, P, C]`: steps, samples, pixels, channels. The loop over time may be unrolled, so that
membranes stay in registers; what the backward pass needs of them is computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from lightning_modules.kernels.form import Constants, Form
from lightning_modules.kernels.layer import Gradients, Layer
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise
from lightning_modules.surrogate import Surrogate


class State(NamedTuple):
    """What one step leaves to the next, `[N, P, C]` each: the membrane, and the adaptation of a neuron that has one."""

    membrane: Tensor
    adaptation: Tensor | None = None


class Found(NamedTuple):
    """What a backward pass through time finds beside the gradient of the normalised input.

    Attributes:
        plain, away: that gradient's sums over some rows each, as it is and with y - mean, `[T, any, C]`.
        leak, gain, rectified: gradients of what is learnt, to be summed, `[any, C]`.
        state: gradient of the state at the start; None without one.
    """

    plain: Tensor
    away: Tensor
    leak: Tensor | None
    gain: Tensor | None
    rectified: Tensor | None
    state: State | None


class Loops(Protocol):
    """The two passes over time of one form of neuron."""

    def fire(
        self,
        y: Tensor,
        scale: Tensor,
        shift: Tensor,
        added: Tensor | None,
        onto: Tensor | None,
        state: State | None,
        numbers: Constants,
        out: Tensor,
    ) -> State | None:
        """The state at the end from that at the start; `out` `[T, N, P, C]` receives the spikes, on top of `onto`.

        Scale and shift are `[T, C]`. Without a state all steps are here: they start at rest, and no state comes out.
        """

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
        out: Tensor,
    ) -> Found:
        """The steps once more, and back through them.

        Args:
            y, scale, shift, added, state, numbers: as in `fire`.
            mean: `[T, C]`.
            grad: gradient of the spikes.
            back: gradient of the state at the end; None without a state.
            out: receives the gradient of the normalised input `[T, N, P, C]`; for a shared input the sum over time of
                scale times it, `[1, N, P, C]`.
        """


class Passes(Protocol):
    """The passes in the hands of one compiler.

    Attributes:
        LONGEST: steps that one loop takes at most; more are done in segments that hand a state on.
    """

    LONGEST: int

    def moments(self, y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over some rows each of y - centre and of its square, `[T, any, C]`; centre `[C]` keeps the second from
        cancelling."""

    def loops(self, steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> Loops:
        """Those of one form of neuron; its numbers may be any."""

    def finish(
        self, grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor, *, overwrite: bool
    ) -> Tensor:
        """Gradient of the input, scale grad + level + slope (y - mean) with `[T, C]` each; it may overwrite `grad`."""


@dataclass(frozen=True, slots=True)
class InPasses:
    """A back end, see `layer.Kernels`, of such passes."""

    passes: Passes

    def fire(self, layer: Layer, y: Tensor, added: Tensor | None, onto: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """See `layer.Kernels`; kept are mean, 1/deviation, scale and shift, and the state between segments."""
        form, numbers, surrogate = _neuron(layer)
        whole, y = y.shape, y.flatten(2, 3)
        added, onto = (None if each is None else each.flatten(2, 3) for each in (added, onto))
        steps, like = layer.steps, numbers.leak
        shape = (steps, y.shape[-1])
        if layer.folded is None:
            mean, rate, scale, shift = (like.new_zeros(shape) for _ in range(4))
        else:
            mean, rate = self._statistics(y, layer.folded, steps)
            scale = layer.folded.gain.detach().to(like) * rate
            shift = -mean * scale if layer.folded.bias is None else layer.folded.bias.detach().to(like) - mean * scale
            mean, rate, scale, shift = (each.expand(shape).contiguous() for each in (mean, rate, scale, shift))
        kind = {"affine": layer.folded is not None, "shared": len(y) < steps}
        parts = segments(steps, self.passes.LONGEST)
        states = [_at_rest(parts, y, form, like)]
        spikes = y.new_empty(steps, *y.shape[1:])
        for part in parts:
            last = self.passes.loops(part.stop - part.start, form, surrogate, **kind).fire(
                y if kind["shared"] else y[part],
                scale[part],
                shift[part],
                None if added is None else added[part],
                None if onto is None else onto[part],
                states[-1],
                numbers,
                spikes[part],
            )
            states.append(last)
        later = [each for state in states[1:-1] if state is not None for each in state if each is not None]
        return spikes.view(steps, *whole[1:]), [mean, rate, scale, shift, *later]

    def differentiate(
        self, layer: Layer, y: Tensor, added: Tensor | None, kept: Sequence[Tensor], grad: Tensor, *, joins: bool
    ) -> Gradients:
        """See `layer.Kernels`."""
        form, numbers, surrogate = _neuron(layer)
        whole = y.shape
        y, grad = y.flatten(2, 3), grad.flatten(2, 3)
        added = None if added is None else added.flatten(2, 3)
        mean, rate, scale, shift, *later = kept
        kind = {"affine": layer.folded is not None, "shared": len(y) < layer.steps}
        parts = segments(layer.steps, self.passes.LONGEST)
        back = _at_rest(parts, y, form, mean)
        held = 2 if form.adapts else 1
        states = [_at_rest(parts, y, form, mean)]
        states += [State(*later[start : start + held]) for start in range(0, len(later), held)]
        found: list[Found] = []
        current = y.new_empty(len(parts) if kind["shared"] else layer.steps, *y.shape[1:])
        for number in reversed(range(len(parts))):
            part = parts[number]
            gradients = self.passes.loops(part.stop - part.start, form, surrogate, **kind).differentiate(
                y if kind["shared"] else y[part],
                scale[part],
                shift[part],
                mean[part],
                None if added is None else added[part],
                grad[part],
                states[number],
                back,
                numbers,
                current[number : number + 1] if kind["shared"] else current[part],
            )
            back = gradients.state
            found.insert(0, gradients)
        if kind["shared"] and len(parts) > 1:
            current = current.sum(0, keepdim=True)
        learnt = [
            None if getattr(found[0], name) is None else _total([getattr(each, name) for each in found])
            for name in ("leak", "gain", "rectified")
        ]
        joined = current.view(whole) if joins else None
        if layer.folded is None:
            return Gradients(current.view(whole), joined, None, None, *learnt)
        plain, away = torch.cat([each.plain for each in found]), torch.cat([each.away for each in found])
        sums = plain.sum(1, dtype=torch.float64), away.sum(1, dtype=torch.float64)
        count = whole[1:-1].numel() * (1 if layer.folded.per_step else layer.steps)
        d_gain, d_bias, level, slope = _small_gradients(*sums, layer.folded, rate, count)
        if kind["shared"]:
            mean, scale = mean[:1], torch.ones_like(scale[:1])
            level, slope = level.sum(0, keepdim=True), slope.sum(0, keepdim=True)
        level, slope = level.to(mean.dtype), slope.to(mean.dtype)
        dx = self.passes.finish(current, y, mean, scale, level, slope, overwrite=not joins)
        gain, bias = layer.folded.gain, layer.folded.bias
        of_bias = None if bias is None else d_bias.sum_to_size(bias.shape)
        return Gradients(dx.view(whole), joined, d_gain.sum_to_size(gain.shape), of_bias, *learnt)

    def _statistics(self, y: Tensor, folded: Folded, steps: int) -> tuple[Tensor, Tensor]:
        """Mean and 1/deviation, `[T or 1, C]`."""
        dtype = precise(y.dtype)
        if folded.mean is not None and folded.var is not None:
            return folded.mean.to(dtype), torch.rsqrt(folded.var + folded.eps).to(dtype)
        centre = y[0, 0, 0].to(dtype) if folded.centred else torch.zeros_like(y[0, 0, 0], dtype=dtype)
        first, second = (each.sum(1, dtype=torch.float64) for each in self.passes.moments(y, centre))
        each = y.shape[1] * y.shape[2]
        if not folded.per_step:
            first, second = first.mean(0, keepdim=True), second.mean(0, keepdim=True)
        mean, var = first / each, second / each
        if folded.centred:
            var = (var - mean * mean).clamp_min(0)
            mean = mean + centre
        rows = steps if folded.per_step else 1
        folded.seen(mean.expand(rows, -1), var.expand(rows, -1), each if folded.per_step else each * steps)
        return (mean if folded.centred else mean * 0).to(dtype), torch.rsqrt(var + folded.eps).to(dtype)


def segments(timesteps: int, longest: int) -> list[slice]:
    """Cuts T steps into as few lengths as possible, each at most `longest`: equal ones where T allows it."""
    fitting = [length for length in range(longest // 2, longest + 1) if timesteps % length == 0]
    length = timesteps if timesteps <= longest else max(fitting, default=longest * 4 // 5)
    return [slice(start, min(start + length, timesteps)) for start in range(0, timesteps, length)]


def _neuron(layer: Layer) -> tuple[Form, Constants, Surrogate]:
    if layer.form is None or layer.numbers is None or layer.surrogate is None:
        raise ValueError("layer: these passes are of a neuron, and there is none")
    return layer.form, layer.numbers, layer.surrogate


def _at_rest(parts: list[slice], y: Tensor, form: Form, like: Tensor) -> State | None:
    """The state at rest; None where one part has all steps, which saves the passes over it."""
    if len(parts) == 1:
        return None
    return State(like.new_zeros(y.shape[1:]), like.new_zeros(y.shape[1:]) if form.adapts else None)


def _total(sums: list[Tensor]) -> Tensor:
    return torch.stack([each.sum(dtype=torch.float64) for each in sums]).sum()


def _small_gradients(
    plain: Tensor, away: Tensor, folded: Folded, rate: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What does not depend on the pixel, `[T, C]` each and float64.

    With h = gain dz, x^ = rate (y - mean), the input's gradient is rate (h - mean(h) - x^ mean(h x^)); of these, the
    second and third term are `level + slope (y - mean)`.

    Args:
        plain, away: sums over samples and pixels of dz, and of dz (y - mean).
        folded: the normalisation.
        rate: 1/deviation.
        count: values behind each statistic.

    Returns:
        Gradients of gain and bias at every step, level and slope.
    """
    rate = rate.double()
    d_gain = away * rate
    if folded.mean is not None:
        return d_gain, plain, torch.zeros_like(plain), torch.zeros_like(plain)
    gain = folded.gain.detach().double()
    h, hx = gain * plain, gain * d_gain
    if not folded.per_step:
        h, hx = h.sum(0, keepdim=True), hx.sum(0, keepdim=True)
    level = -rate * h / count if folded.centred else torch.zeros_like(plain)
    return d_gain, plain, level, -rate * rate * hx / count
