"""Normalise and fire in as few passes over memory as possible, forward and backward.

Forward: one pass for the statistics, one for spikes. Backward: one that repeats the membranes and goes back through
time, with all sums on the way, and one for the input's gradient. Kept in between: the input and the statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lightning_modules.kernels import compiled
from lightning_modules.kernels.eager import Dynamics
from lightning_modules.kernels.passes import Constants
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise
from lightning_modules.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Mean and 1/deviation, `[T or 1, C]`, and how many values each was taken from; 0 if they are constants."""

    mean: Tensor
    rate: Tensor
    count: int


def normalise_and_fire(
    x: Tensor, steps: int, folded: Folded | None, dynamics: Dynamics, surrogate: Surrogate, added: Tensor | None = None
) -> Tensor:
    """Spikes `[T, N, C, H, W]` of a linear membrane whose input is normalised first.

    Args:
        x: `[T, N, C, H, W]`, or `[1, N, C, H, W]` where every step is alike.
        steps: T.
        folded: the normalisation; None for none.
        dynamics, surrogate: the neuron.
        added: joins the normalised input, `[T, N, C, H, W]`.
    """
    if folded is None:
        spikes: Tensor = _NormaliseAndFire.apply(x, None, None, added, steps, None, dynamics, surrogate)
        return spikes
    with torch.no_grad():
        statistics = _statistics(rows(x), steps, folded)
    normalised = folded, statistics
    spikes = _NormaliseAndFire.apply(x, folded.gain, folded.bias, added, steps, normalised, dynamics, surrogate)
    return spikes  # noqa: RET504 (typed above)


def rows(x: Tensor) -> Tensor:
    """`[T, N, C, H, W]` as `[T, N, H W, C]`, without a copy where channels lie last in memory."""
    return x.permute(0, 1, 3, 4, 2).contiguous().flatten(2, 3)


def images(x: Tensor, height: int) -> Tensor:
    """`[T, N, H W, C]` as `[T, N, C, H, W]` with channels last."""
    return x.unflatten(2, (height, -1)).permute(0, 1, 4, 2, 3)


def _statistics(y: Tensor, steps: int, folded: Folded) -> _Statistics:
    dtype = precise(y.dtype)
    if folded.mean is not None and folded.var is not None:
        return _Statistics(folded.mean.to(dtype), torch.rsqrt(folded.var + folded.eps).to(dtype), 0)
    centre = y[0, 0, 0].to(dtype) if folded.centred else torch.zeros_like(y[0, 0, 0], dtype=dtype)
    first, second = (each.double().sum(1) for each in compiled.moments()(y, centre))
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
        steps: int,
        normalised: tuple[Folded, _Statistics] | None,
        dynamics: Dynamics,
        surrogate: Surrogate,
    ) -> Tensor:
        y = rows(x)
        dtype = precise(x.dtype)
        shape = (steps, y.shape[-1])
        if normalised is None or gain is None:
            mean, scale, shift = (torch.zeros(shape, dtype=dtype) for _ in range(3))
        else:
            statistics = normalised[1]
            scale = gain.to(dtype) * statistics.rate
            shift = -statistics.mean * scale if bias is None else bias.to(dtype) - statistics.mean * scale
            mean, scale, shift = (each.expand(shape).contiguous() for each in (statistics.mean, scale, shift))
        values = (dynamics.leak, dynamics.gain, dynamics.threshold)
        numbers = Constants(*(torch.tensor(each, dtype=dtype) for each in values))
        ctx.kind = {"affine": normalised is not None, "shared": len(y) < steps}
        ctx.steps, ctx.normalised, ctx.dynamics, ctx.surrogate = steps, normalised, dynamics, surrogate
        ctx.numbers, ctx.height, ctx.bias = numbers, x.shape[3], None if bias is None else bias.shape
        terms = None if added is None else rows(added)
        carried = [torch.zeros(y.shape[1:], dtype=dtype)]
        spikes = []
        for part in compiled.segments(steps):
            loops = compiled.loops(part.stop - part.start, dynamics, surrogate, **ctx.kind)
            current = y if ctx.kind["shared"] else y[part]
            fired, last = loops.fire(
                current, scale[part], shift[part], None if terms is None else terms[part], carried[-1], numbers
            )
            spikes.append(fired)
            carried.append(last)
        ctx.save_for_backward(y, gain, terms, mean, scale, shift, *carried[1:-1])
        return images(spikes[0] if len(spikes) == 1 else torch.cat(spikes), ctx.height)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        y, gain, terms, mean, scale, shift, *later = ctx.saved_tensors
        g = rows(grad)
        back = torch.zeros(y.shape[1:], dtype=mean.dtype)
        carried = [torch.zeros_like(back), *later]
        shared = ctx.kind["shared"]
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        parts = compiled.segments(ctx.steps)
        for part, entering in zip(reversed(parts), reversed(carried), strict=True):
            loops = compiled.loops(part.stop - part.start, ctx.dynamics, ctx.surrogate, **ctx.kind)
            *gradients, back = loops.differentiate(
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
            found.insert(0, tuple(gradients))
        pieces, plain, away = zip(*found, strict=True)
        current = pieces[0] if len(pieces) == 1 else sum(pieces) if shared else torch.cat(pieces)
        joined = images(current, ctx.height) if ctx.needs_input_grad[3] else None
        if ctx.normalised is None:
            return images(current, ctx.height), None, None, joined, None, None, None, None
        if joined is not None:
            current = current.clone()
        sums = torch.cat(plain).double().sum(1), torch.cat(away).double().sum(1)
        folded, statistics = ctx.normalised
        d_gain, d_bias, level, slope = _small_gradients(*sums, gain, folded, statistics)
        if shared:
            mean, scale = mean[:1], torch.ones_like(scale[:1])
            level, slope = level.sum(0, keepdim=True), slope.sum(0, keepdim=True)
        level, slope = level.to(mean.dtype), slope.to(mean.dtype)
        dx = compiled.finish()(current, y, mean, scale, level, slope)
        of_bias = None if ctx.bias is None else d_bias.sum_to_size(ctx.bias).to(gain.dtype)
        return images(dx, ctx.height), d_gain.sum_to_size(gain.shape).to(gain.dtype), of_bias, joined, *[None] * 4


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
