"""Normalise and fire in as few passes over memory as possible, forward and backward.

Forward: one pass for the statistics, one for spikes. Backward: one that repeats the membranes and goes back through
time, with all sums on the way, and one for the input's gradient. Kept in between: the input and the statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lightning_modules.kernels.eager import Dynamics, Variation
from lightning_modules.kernels.form import Constants, Form
from lightning_modules.kernels.passes import Gradients, State, segments
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise
from lightning_modules.surrogate import Surrogate


class Loops(Protocol):
    """The two passes over time of one form of neuron, see `passes.Passes`."""

    def fire(
        self,
        y: Tensor,
        scale: Tensor,
        shift: Tensor,
        added: Tensor | None,
        onto: Tensor | None,
        state: State | None,
        numbers: Constants,
    ) -> tuple[Tensor, State | None]: ...

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
    ) -> Gradients: ...


class Kernels(Protocol):
    """A back end: the passes of `kernels.passes` in the hands of one compiler."""

    def moments(self, y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """`passes.moments`; the sums may be over fewer values each, `[T, any, C]`."""

    def loops(self, steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> Loops:
        """Those of one form of neuron; its numbers may be any."""

    def finish(
        self, grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor, *, overwrite: bool
    ) -> Tensor:
        """`passes.finish`."""


@dataclass(frozen=True, slots=True)
class Neuron:
    """A neuron as kernels are told of it: a membrane, its numeric variation and its surrogate."""

    dynamics: Dynamics
    vary: Variation
    surrogate: Surrogate


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Mean and 1/deviation, `[T or 1, C]`, and how many values each was taken from; 0 if they are constants."""

    mean: Tensor
    rate: Tensor
    count: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done, beside the tensors that have gradients."""

    kernels: Kernels
    steps: int
    normalised: tuple[Folded, _Statistics] | None
    neuron: Neuron


def normalise_and_fire(
    x: Tensor,
    steps: int,
    folded: Folded | None,
    neuron: Neuron,
    *,
    kernels: Kernels,
    added: Tensor | None = None,
    onto: Tensor | None = None,
) -> Tensor:
    """Spikes `[T, N, C, H, W]` of a neuron whose input is normalised first.

    Args:
        x: `[T, N, C, H, W]`, or `[1, N, C, H, W]` where every step is alike.
        steps: T.
        folded: the normalisation; None for none.
        neuron: with a numeric variation.
        kernels: the back end.
        added: joins the normalised input, `[T, N, C, H, W]`.
        onto: joins the spikes, `[T, N, C, H, W]`.
    """
    normalised = None
    if folded is not None:
        with torch.no_grad():
            normalised = folded, _statistics(rows(x), steps, folded, kernels)
    weights = (None, None) if folded is None else (folded.gain, folded.bias)
    learnt = neuron.vary.leak, neuron.vary.gain, neuron.vary.rectified
    plan = _Plan(kernels, steps, normalised, neuron)
    spikes: Tensor = _NormaliseAndFire.apply(x, *weights, added, onto, *learnt, plan)
    return spikes


def rows(x: Tensor) -> Tensor:
    """`[T, N, C, H, W]` as `[T, N, H W, C]`, without a copy where channels lie last in memory."""
    return x.permute(0, 1, 3, 4, 2).contiguous().flatten(2, 3)


def images(x: Tensor, height: int) -> Tensor:
    """`[T, N, H W, C]` as `[T, N, C, H, W]` with channels last."""
    return x.unflatten(2, (height, -1)).permute(0, 1, 4, 2, 3)


def _statistics(y: Tensor, steps: int, folded: Folded, kernels: Kernels) -> _Statistics:
    dtype = precise(y.dtype)
    if folded.mean is not None and folded.var is not None:
        return _Statistics(folded.mean.to(dtype), torch.rsqrt(folded.var + folded.eps).to(dtype), 0)
    centre = y[0, 0, 0].to(dtype) if folded.centred else torch.zeros_like(y[0, 0, 0], dtype=dtype)
    first, second = (each.sum(1, dtype=torch.float64) for each in kernels.moments(y, centre))
    each = y.shape[1] * y.shape[2]
    if not folded.per_step:
        first, second = first.mean(0, keepdim=True), second.mean(0, keepdim=True)
    mean, var = first / each, second / each
    if folded.centred:
        var = (var - mean * mean).clamp_min(0)
        mean = mean + centre
    count = each if folded.per_step else each * steps
    folded.seen(
        mean.expand(steps, -1) if folded.per_step else mean, var.expand(steps, -1) if folded.per_step else var, count
    )
    return _Statistics((mean if folded.centred else mean * 0).to(dtype), torch.rsqrt(var + folded.eps).to(dtype), count)


class _NormaliseAndFire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        gain: Tensor | None,
        bias: Tensor | None,
        added: Tensor | None,
        onto: Tensor | None,
        leak: Tensor | None,
        drive: Tensor | None,
        rectified: Tensor | None,
        plan: _Plan,
    ) -> Tensor:
        y = rows(x)
        like = torch.zeros((), dtype=precise(x.dtype), device=x.device)
        shape = (plan.steps, y.shape[-1])
        if plan.normalised is None or gain is None:
            mean, scale, shift = (like.new_zeros(shape) for _ in range(3))
        else:
            statistics = plan.normalised[1]
            scale = gain.to(like) * statistics.rate
            shift = -statistics.mean * scale if bias is None else bias.to(like) - statistics.mean * scale
            mean, scale, shift = (each.expand(shape).contiguous() for each in (statistics.mean, scale, shift))
        form = Form.of(plan.neuron.dynamics, plan.neuron.vary)
        ctx.plan, ctx.form = plan, form
        ctx.kind = {"affine": plan.normalised is not None, "shared": len(y) < plan.steps}
        ctx.numbers = Constants.of(plan.neuron.dynamics, plan.neuron.vary, like)
        ctx.height, ctx.bias = x.shape[3], None if bias is None else bias.shape
        ctx.learnt = [each if each is None else (each.shape, each.dtype) for each in (leak, drive, rectified)]
        terms, base = (None if each is None else rows(each) for each in (added, onto))
        parts = segments(plan.steps)
        states = [_at_rest(parts, y, form, like)]
        spikes = []
        for part in parts:
            loops = plan.kernels.loops(part.stop - part.start, form, plan.neuron.surrogate, **ctx.kind)
            fired, last = loops.fire(
                y if ctx.kind["shared"] else y[part],
                scale[part],
                shift[part],
                None if terms is None else terms[part],
                None if base is None else base[part],
                states[-1],
                ctx.numbers,
            )
            spikes.append(fired)
            states.append(last)
        later = [each for state in states[1:-1] if state is not None for each in state if each is not None]
        ctx.save_for_backward(y, gain, terms, mean, scale, shift, *later)
        return images(spikes[0] if len(spikes) == 1 else torch.cat(spikes), ctx.height)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        y, gain, terms, mean, scale, shift, *later = ctx.saved_tensors
        plan, shared = ctx.plan, ctx.kind["shared"]
        g = rows(grad)
        parts = segments(plan.steps)
        back = _at_rest(parts, y, ctx.form, mean)
        held = 2 if ctx.form.adapts else 1
        states = [_at_rest(parts, y, ctx.form, mean)]
        states += [State(*later[start : start + held]) for start in range(0, len(later), held)]
        found: list[Gradients] = []
        for part, entering in zip(reversed(parts), reversed(states), strict=True):
            loops = plan.kernels.loops(part.stop - part.start, ctx.form, plan.neuron.surrogate, **ctx.kind)
            gradients = loops.differentiate(
                y if shared else y[part],
                scale[part],
                shift[part],
                mean[part],
                None if terms is None else terms[part],
                g[part],
                entering,
                back,
                ctx.numbers,
            )
            back = gradients.state
            found.insert(0, gradients)
        pieces = [each.current for each in found]
        current = pieces[0]
        if len(pieces) > 1:
            current = torch.stack(pieces).sum(0) if shared else torch.cat(pieces)
        joined = images(current, ctx.height) if ctx.needs_input_grad[3] else None
        learnt = [
            None if like is None else _total([getattr(each, name) for each in found]).reshape(like[0]).to(like[1])
            for name, like in zip(("leak", "gain", "rectified"), ctx.learnt, strict=True)
        ]
        others = joined, grad if ctx.needs_input_grad[4] else None, *learnt, None
        if plan.normalised is None:
            return images(current, ctx.height), None, None, *others
        plain, away = torch.cat([each.plain for each in found]), torch.cat([each.away for each in found])
        sums = plain.sum(1, dtype=torch.float64), away.sum(1, dtype=torch.float64)
        d_gain, d_bias, level, slope = _small_gradients(*sums, gain, *plan.normalised)
        if shared:
            mean, scale = mean[:1], torch.ones_like(scale[:1])
            level, slope = level.sum(0, keepdim=True), slope.sum(0, keepdim=True)
        level, slope = level.to(mean.dtype), slope.to(mean.dtype)
        dx = plan.kernels.finish(current, y, mean, scale, level, slope, overwrite=joined is None)
        of_bias = None if ctx.bias is None else d_bias.sum_to_size(ctx.bias).to(gain.dtype)
        return images(dx, ctx.height), d_gain.sum_to_size(gain.shape).to(gain.dtype), of_bias, *others


def _at_rest(parts: list[slice], y: Tensor, form: Form, like: Tensor) -> State | None:
    """The state at rest; None where one part has all steps, which saves the passes over it."""
    if len(parts) == 1:
        return None
    return State(like.new_zeros(y.shape[1:]), like.new_zeros(y.shape[1:]) if form.adapts else None)


def _total(sums: list[Tensor]) -> Tensor:
    return torch.stack([each.sum(dtype=torch.float64) for each in sums]).sum()


def _small_gradients(
    plain: Tensor, away: Tensor, gain: Tensor, folded: Folded, statistics: _Statistics
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What does not depend on the pixel, `[T, C]` each and float64.

    With h = gain dz, x^ = rate (y - mean), the input's gradient is rate (h - mean(h) - x^ mean(h x^)); of these, the
    second and third term are `level + slope (y - mean)`.

    Args:
        plain, away: sums over samples and pixels of dz, and of dz (y - mean).
        gain: of the normalisation.
        folded, statistics: the normalisation.

    Returns:
        Gradients of gain and bias at every step, level and slope.
    """
    rate = statistics.rate.double()
    d_gain = away * rate
    if not statistics.count:
        return d_gain, plain, torch.zeros_like(plain), torch.zeros_like(plain)
    h, hx = gain.double() * plain, gain.double() * d_gain
    if not folded.per_step:
        h, hx = h.sum(0, keepdim=True), hx.sum(0, keepdim=True)
    level = -rate * h / statistics.count if folded.centred else torch.zeros_like(h)
    slope = -rate * rate * hx / statistics.count
    return d_gain, plain, level.expand_as(plain), slope.expand_as(plain)
