"""Normalise and fire on the CPU, in C (`layer.c`): one library for every form of neuron, made when first needed."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from lightning_modules.kernels import library
from lightning_modules.kernels.eager import Dynamics, Variation
from lightning_modules.kernels.form import Constants, Form
from lightning_modules.kernels.layer import Gradients, Layer
from lightning_modules.normalization.folded import Folded
from lightning_modules.precision import precise
from lightning_modules.surrogate import ATan, FastSigmoid, Rectangle, Sigmoid, Surrogate, Triangle

_TILE = 512
"""Values of a tile at most, and ..."""
_TILE_OF_ALL_STEPS = 4096
"""... values of all its steps, so that what belongs to them stays in the first two caches; one row at least."""
_TILES, _BLOCKS = 8, 256
"""Tiles of a block at least; blocks at most, whose tiles are then more."""
_RESETS = {"none": 0, "subtract": 1, "zero": 2}
_NO_NEURON = Form.of(Dynamics(), Variation())
_NAMES = {torch.float32: "float", torch.float64: "double"}


class _Extent(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("steps", "size", "channels", "tile", "tiles", "stride", "threads")]


class _Folding(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("gain", "bias", "mean", "var")),
        *((name, ctypes.c_int64) for name in ("gain_row", "bias_row", "constant_row", "per_step", "centred")),
        ("eps", ctypes.c_double),
    ]


class _Constants(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in Constants._fields),
        *((name, ctypes.c_double) for name in ("first", "second")),
    ]


def fire(layer: Layer, y: Tensor, added: Tensor | None, onto: Tensor | None) -> tuple[Tensor, list[Tensor]]:
    """See `layer.Kernels`; kept are mean, 1/deviation, scale, shift and variance `[5, T, C]`.

    Raises:
        MemoryError: if there is too little of it.
    """
    call = _Call(layer, y)
    spikes = y.new_empty(layer.steps, *y.shape[1:])
    statistics = torch.empty(5, layer.steps, y.shape[-1], dtype=precise(y.dtype))
    call("forward", y, added, onto, spikes, statistics)
    folded = layer.folded
    if folded is not None and folded.mean is None:
        mean, var, count = statistics[0], statistics[4], y[0].numel() // y.shape[-1]
        if not folded.per_step:
            mean, var, count = mean[:1], var[:1], count * layer.steps
        folded.seen(mean, var, count)
    return spikes, [statistics]


def differentiate(
    layer: Layer, y: Tensor, added: Tensor | None, kept: Sequence[Tensor], grad: Tensor, *, joins: bool
) -> Gradients:
    """See `layer.Kernels`.

    Raises:
        MemoryError: if there is too little of it.
    """
    call, (statistics,) = _Call(layer, y), kept
    current = torch.empty_like(y)
    x = torch.empty_like(y) if joins and layer.folded is not None else current
    gain, bias = (None if each is None else torch.empty_like(each) for each in (call.gain, call.bias))
    learns = layer.form is not None and (layer.form.learns or layer.form.rectifies)
    learnt = statistics.new_zeros(3) if learns else None
    call("backward", y, added, statistics, grad, current, x, gain, bias, learnt)
    numbers = (None, None, None) if learnt is None else learnt
    return Gradients(x, current if joins else None, gain, bias, *numbers)


class _Call:
    """What both passes are told of a layer; it keeps alive what their pointers point to.

    Attributes:
        gain, bias: of the normalisation, in the type of membranes.
    """

    def __init__(self, layer: Layer, y: Tensor) -> None:
        kind, first, second = _numbers(layer.surrogate)
        self._library = _library(layer.form, kind, y.dtype)
        self.gain: Tensor | None = None
        self.bias: Tensor | None = None
        folding = None if layer.folded is None else ctypes.byref(self._folding(layer.folded, precise(y.dtype)))
        constants = None if layer.numbers is None else _constants(layer.numbers, first, second)
        self._what = (_extent(y.shape, layer.steps, torch.get_num_threads()), folding, constants)
        self._shape = (layer.steps, *y.shape[1:])

    def __call__(self, which: str, *tensors: Tensor | None) -> None:
        """One of the passes `forward` and `backward`."""
        pointers = [None if each is None else each.data_ptr() for each in tensors]
        if not getattr(self._library, which)(*self._what, *pointers):
            raise MemoryError(f"a layer of {self._shape} (steps, samples, pixels, channels): not enough memory")

    def _folding(self, folded: Folded, dtype: torch.dtype) -> _Folding:
        given = (folded.gain, folded.bias, folded.mean, folded.var)
        found = [None if each is None else _plain(each, dtype) for each in given]
        self.gain, self.bias, *self._moments = found
        rows = [0 if each is None or each.shape[0] == 1 else each.shape[1] for each in found]
        flags = (int(folded.per_step), int(folded.centred))
        return _Folding(*(each if each is None else each.data_ptr() for each in found), *rows[:3], *flags, folded.eps)


def _plain(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Itself where C can read it, as it nearly always is."""
    return x if x.dtype is dtype and x.is_contiguous() else x.detach().to(dtype).contiguous()


@lru_cache(maxsize=256)
def _extent(shape: torch.Size, steps: int, threads: int) -> Any:
    """How `[T or 1, N, H, W, C]` is cut, by shape alone, and who works on it."""
    channels, size = shape[-1], shape[1:].numel()
    tile = channels * max(1, min(_TILE, _TILE_OF_ALL_STEPS // steps) // channels)
    tiles = max(_TILES, math.ceil(size / (tile * _BLOCKS)))
    stride = 0 if shape[0] < steps else size
    return ctypes.byref(_Extent(steps, size, channels, tile, tiles, stride, threads))


@lru_cache(maxsize=64)
def _constants(numbers: Constants, first: float, second: float) -> Any:
    # Held by the cache as long as what points to them.
    return ctypes.byref(_Constants(*(each.data_ptr() for each in numbers), first, second))


@cache
def _library(form: Form | None, surrogate: int, dtype: torch.dtype) -> ctypes.CDLL:
    fires, form = form is not None, form or _NO_NEURON
    made = library.compiled(
        library.source("team.c", "layer.c"),
        {
            "REAL": _NAMES[precise(dtype)],
            "BFLOAT16": int(dtype == torch.bfloat16),
            "FIRES": int(fires),
            "RESET": _RESETS[form.reset],
            "DETACHED": int(form.detach_reset),
            "ON_THRESHOLD": int(form.fire == "ge"),
            "SCALED": int(form.scale == "theta"),
            "GAINS": int(form.gains),
            "LEARNS": int(form.learns),
            "RECTIFIES": int(form.rectifies),
            "ADAPTS": int(form.adapts),
            "SURROGATE": surrogate,
        },
    )
    made.forward.argtypes, made.backward.argtypes = [ctypes.c_void_p] * 8, [ctypes.c_void_p] * 12
    return made


def _numbers(surrogate: Surrogate | None) -> tuple[int, float, float]:
    """A surrogate's number in the code, and its own numbers there."""
    if surrogate is None:
        return 0, 0.0, 0.0
    if isinstance(surrogate, Triangle):
        return 0, surrogate.gamma, surrogate.width
    if isinstance(surrogate, Rectangle):
        return 1, surrogate.a, 0.0
    if isinstance(surrogate, ATan):
        return 2, surrogate.alpha, math.pi * surrogate.alpha / 2
    if isinstance(surrogate, Sigmoid):
        return 3, surrogate.alpha, 0.0
    if isinstance(surrogate, FastSigmoid):
        return 4, surrogate.k, 0.0
    raise ValueError(f"surrogate: no kernel for {type(surrogate).__name__}")
