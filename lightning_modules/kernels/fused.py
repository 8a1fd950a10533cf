"""Normalise and fire in as few passes over memory as possible, forward and backward.

Forward: one pass for the statistics, one for spikes. Backward: one that repeats the membranes and goes back through
time, with all sums on the way, and one for the input's gradient. Kept in between: the input and the statistics.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lightning_modules.kernels.eager import Variation
from lightning_modules.kernels.form import Constants, Form
from lightning_modules.kernels.layer import Kernels, Layer, Neuron
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise


def normalise_and_fire(
    x: Tensor,
    steps: int,
    folded: Folded | None,
    neuron: Neuron | None,
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
        neuron: with a numeric variation; None for the normalised input itself.
        kernels: the back end.
        added: joins the normalised input, `[T, N, C, H, W]`.
        onto: joins the spikes, `[T, N, C, H, W]`.
    """
    weights = (None, None) if folded is None else (folded.gain, folded.bias)
    vary = Variation() if neuron is None else neuron.vary
    learnt = vary.leak, vary.gain, vary.rectified
    layer = Layer(steps, folded, None, None, None)
    if neuron is not None:
        numbers = Constants.of(neuron.dynamics, vary, precise(x.dtype), x.device)
        layer = Layer(steps, folded, Form.of(neuron.dynamics, vary), numbers, neuron.surrogate)
    joining = (each if each is None else each.to(x.dtype) for each in (added, onto))
    spikes: Tensor = _NormaliseAndFire.apply(x, *weights, *joining, *learnt, layer, kernels)
    return spikes


def rows(x: Tensor) -> Tensor:
    """`[T, N, C, H, W]` as `[T, N, H, W, C]`, without a copy where channels lie last in memory."""
    return x.permute(0, 1, 3, 4, 2).contiguous()


def images(x: Tensor) -> Tensor:
    """`[T, N, H, W, C]` as `[T, N, C, H, W]` with channels last."""
    return x.permute(0, 1, 4, 2, 3)


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
        layer: Layer,
        kernels: Kernels,
    ) -> Tensor:
        y = rows(x)
        terms, base = (None if each is None else rows(each) for each in (added, onto))
        spikes, kept = kernels.fire(layer, y, terms, base)
        ctx.save_for_backward(y, terms, *kept)
        ctx.layer, ctx.kernels = layer, kernels
        learnt = (gain, bias, leak, drive, rectified)
        ctx.learnt = [None if each is None else (each.shape, each.dtype) for each in learnt]
        return images(spikes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        y, terms, *kept = ctx.saved_tensors
        joins, on_top = ctx.needs_input_grad[3:5]
        found = ctx.kernels.differentiate(ctx.layer, y, terms, kept, rows(grad), joins=joins)
        small = (found.gain, found.bias, found.leak, found.drive, found.rectified)
        gain, bias, *numbers = (
            None if each is None or like is None else each.view(like[0]).to(like[1])
            for each, like in zip(small, ctx.learnt, strict=True)
        )
        joined = None if found.joined is None else images(found.joined)
        return images(found.x), gain, bias, joined, grad if on_top else None, *numbers, None, None
