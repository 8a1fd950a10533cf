"""The passes on CUDA GPUs, in Triton. Imports Triton; `compiler.without_triton` says whether that can be.

Triton launches on the current device, whatever device the tensors are on: hence `device_of` around every launch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
from torch import Tensor

from lightning_modules.kernels import triton_code
from lightning_modules.kernels.form import Constants, Form
from lightning_modules.kernels.passes import Found, State
from lightning_modules.surrogate import ATan, FastSigmoid, Rectangle, Sigmoid, Surrogate, Triangle

# Not measured on a GPU yet. A tile of 4 warps holds 4 values a thread, and of each some numbers a step.
SCAN_TILE = 512
"""Values of the tile that a program takes through time."""
FLAT_TILE = 1024
"""Values of a tile where time is not gone through: statistics, and the last pass backward."""
WIDEST = 64
"""Channels of a tile at most."""
TILES = 8
"""Tiles that a program sums for the statistics."""
LONGEST = 10
"""Steps that one loop unrolls."""

_RESETS = {"none": 0, "subtract": 1, "zero": 2}
# Not fused: a product and a sum are rounded twice in every kernel, so that the backward pass repeats the membranes of
# the forward pass to the bit. The passes wait for memory, not for arithmetic.
_OPTIONS = {"num_warps": 4, "enable_fp_fusion": False}


def moments(y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """See `passes.Passes`; the sums are `[T, programs, C]`."""
    steps, count, channels = _extent(y)
    height, width = _tile(channels, FLAT_TILE)
    programs = triton.cdiv(count, height * TILES)
    first, second = (centre.new_empty(steps, programs, channels) for _ in range(2))
    grid = (programs, triton.cdiv(channels, width), steps)
    with torch.cuda.device_of(y):
        triton_code.moments[grid](
            y, centre, first, second, count, channels, ROWS=height, COLS=width, TILES=TILES, **_OPTIONS
        )
    return first, second


def finish(
    grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor, *, overwrite: bool
) -> Tensor:
    """See `passes.Passes`."""
    steps, count, channels = _extent(y)
    height, width = _tile(channels, FLAT_TILE)
    out = grad if overwrite else torch.empty_like(grad)
    small = (each.contiguous() for each in (mean, scale, level, slope))
    grid = (triton.cdiv(count, height), triton.cdiv(channels, width), steps)
    with torch.cuda.device_of(y):
        triton_code.finish[grid](grad, y, *small, out, count, channels, ROWS=height, COLS=width, **_OPTIONS)
    return out


def loops(steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> Loops:
    """The kernels of one form of neuron; its numbers may be any."""
    return Loops(steps, form, surrogate, affine=affine, shared=shared)


class Loops:
    """See `passes.Loops`; sums over pixels are `[T, programs, C]`, each over some rows."""

    def __init__(self, steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> None:
        self._steps, self._form, self._surrogate = steps, form, surrogate
        self._what = {
            "STEPS": steps,
            "AFFINE": affine,
            "SHARED": shared,
            "RESET": _RESETS[form.reset],
            "ON_THRESHOLD": form.fire == "ge",
            "GAINS": form.gains,
            "RECTIFIES": form.rectifies,
            "ADAPTS": form.adapts,
        }

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
        """See `passes.Loops`."""
        _, count, channels = _extent(y)
        left = _empty(state)
        grid, tile = _grid(count, channels)
        with torch.cuda.device_of(y):
            triton_code.fire[grid](
                y, scale, shift, added, onto, out, *(state or (None, None)), *(left or (None, None)), *numbers,
                count, channels, ADDED=added is not None, ONTO=onto is not None, STATE=state is not None,
                **self._what, **tile, **_OPTIONS,
            )  # fmt: skip
        return left

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
        """See `passes.Loops`."""
        _, count, channels = _extent(y)
        left = _empty(back)
        grid, tile = _grid(count, channels)
        form = self._form
        plain, away = (mean.new_empty(self._steps, grid[0], channels) for _ in range(2))
        wanted = (form.learns, form.learns and form.gains, form.rectifies)
        leak, gain, rectified = (mean.new_empty(grid[0], channels) if each else None for each in wanted)
        kind, first, second = _numbers(self._surrogate)
        with torch.cuda.device_of(y):
            triton_code.differentiate[grid](
                y, scale, shift, mean, added, grad, out, plain, away, leak, gain, rectified,
                *(state or (None, None)), *(back or (None, None)), *(left or (None, None)), *numbers,
                count, channels, ADDED=added is not None, STATE=state is not None,
                LEARNS=form.learns, DETACHED=form.detach_reset, SCALED=form.scale == "theta",
                SURROGATE=kind, FIRST=first, SECOND=second, **self._what, **tile, **_OPTIONS,
            )  # fmt: skip
        return Found(plain, away, leak, gain, rectified, left)


def _empty(state: State | None) -> State | None:
    if state is None:
        return None
    adaptation = None if state.adaptation is None else torch.empty_like(state.adaptation)
    return State(torch.empty_like(state.membrane), adaptation)


def _extent(y: Tensor) -> tuple[int, int, int]:
    """T, samples times pixels, and C of `[T, N, P, C]`."""
    return y.shape[0], y.shape[1] * y.shape[2], y.shape[3]


def _tile(channels: int, values: int) -> tuple[int, int]:
    """Rows and channels of a tile: all channels up to `WIDEST`, since they are neighbours in memory."""
    width = min(triton.next_power_of_2(channels), WIDEST)
    return values // width, width


def _grid(count: int, channels: int) -> tuple[tuple[int, int], dict[str, Any]]:
    height, width = _tile(channels, SCAN_TILE)
    return (triton.cdiv(count, height), triton.cdiv(channels, width)), {"ROWS": height, "COLS": width}


def _numbers(surrogate: Surrogate) -> tuple[str, float, float]:
    """A surrogate's name in the kernel, and its numbers there."""
    if isinstance(surrogate, Triangle):
        return "triangle", surrogate.gamma, surrogate.width
    if isinstance(surrogate, Rectangle):
        return "rectangle", surrogate.a, 0.0
    if isinstance(surrogate, ATan):
        return "atan", surrogate.alpha, math.pi * surrogate.alpha / 2
    if isinstance(surrogate, Sigmoid):
        return "sigmoid", surrogate.alpha, 0.0
    if isinstance(surrogate, FastSigmoid):
        return "fast_sigmoid", surrogate.k, 0.0
    raise ValueError(f"surrogate: no kernel for {type(surrogate).__name__}")
