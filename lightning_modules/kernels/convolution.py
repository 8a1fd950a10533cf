"""Convolutions on the CPU, in C: `winograd.c` for 3 x 3 pixels with stride 1, `unfolded.c` for all others.

A library is made for every shape of weights and stride, when first needed: with the numbers of channels known to the
compiler, small layers take two thirds of the time.
"""

from __future__ import annotations

import ctypes
import math
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lightning_modules.kernels import library

_NAMES = {torch.float32: "float", torch.float64: "double"}
_NARROWEST, _WIDEST = 8, 32
"""What has to divide the channels of an output, and the most that the code makes use of."""
_ROWS, _SUMS, _BLOCKS = 384, 2**21, 64
"""Of the weights' gradient: rows of a block at least; values of the sums of all blocks, and blocks, at most."""

_WORTH_NARROWING = 2**18
"""Values of an input, from which on it is kept for the backward pass in a quarter of its memory if that is exact."""


class _Extent(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("images", "height", "width", "blocks", "threads")]


def fits(images: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether `convolve` computes this convolution; the others are left to the library.

    Args:
        images: `[N, C, H, W]`.
        weight: `[C', C, k, k]`.
        groups: of the convolution.
    """
    return (
        groups == 1
        and len(weight) % _NARROWEST == 0
        and images.dtype == weight.dtype
        and images.dtype in _NAMES
        and images.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and images.numel() > 0
    )


def convolve(images: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """The convolution `[N, C', H', W']` of images padded by half the kernel, channels last in memory.

    Args:
        images: `[N, C, H, W]`, of which `fits` says yes.
        weight: `[C', C, k, k]` with odd k.
        stride: pixels from one to the next, both ways.

    Raises:
        MemoryError: if there is too little of it.
    """
    # Asked here: inside, gradients are off, and needed by whatever could have one. Evaluation keeps nothing.
    learns = torch.is_grad_enabled() and weight.requires_grad
    out: Tensor = _Convolve.apply(images, weight, stride, learns)
    return out


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: int, learns: bool) -> Tensor:
        x, w = images.contiguous(memory_format=torch.channels_last), weight.contiguous()
        call = _Call(x, w, stride)
        y = _empty(len(x), len(w), *(math.ceil(side / stride) for side in x.shape[2:]), like=x)
        call("output", x, w, y)
        ctx.save_for_backward(call.narrowed(x) if learns else x, w)
        ctx.call = call
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, w), call = ctx.saved_tensors, ctx.call
        grad = grad.contiguous(memory_format=torch.channels_last)
        dx = _empty(*x.shape, like=w) if ctx.needs_input_grad[0] else None
        dw = torch.empty_like(w) if ctx.needs_input_grad[1] else None
        if dx is not None:
            call("inputs", grad, w, dx)
        if dw is not None:
            call("weights_of_bytes" if x.dtype == torch.int8 else "weights", x, grad, dw)
        return dx, dw, None, None


def _empty(*shape: int, like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last)


class _Call:
    """How one convolution is computed, by its shapes alone."""

    def __init__(self, x: Tensor, w: Tensor, stride: int) -> None:
        tiled = stride == 1 and w.shape[-1] == 3 and w.shape[1] % _NARROWEST == 0
        self._method = "winograd" if tiled else "unfolded"
        self._shape = tuple(x.shape)
        self._library = _library(self._method, w.shape, stride, x.dtype)
        self._extent = _extent(x.shape, w.shape, stride, tiled, torch.get_num_threads())

    def __call__(self, which: str, *tensors: Tensor) -> None:
        """One of the passes `output`, `inputs`, `weights` and `weights_of_bytes`; what it writes is the last tensor."""
        compute = getattr(self._library, f"{self._method}_{which}")
        if not compute(self._extent, *[each.data_ptr() for each in tensors]):
            raise MemoryError(f"a convolution of {self._shape}: not enough memory")

    def narrowed(self, x: Tensor) -> Tensor:
        """Inputs in one byte each where they are the same so, as spikes and their sums are; else as they were."""
        if x.numel() < _WORTH_NARROWING:
            return x
        out = torch.empty_like(x, dtype=torch.int8)
        exact = self._library.narrowed(x.data_ptr(), x.numel(), out.data_ptr(), torch.get_num_threads())
        return out if exact else x


@lru_cache(maxsize=256)
def _extent(images: torch.Size, weight: torch.Size, stride: int, tiled: bool, threads: int) -> Any:
    count, _, height, width = images
    outs, ins, kernel, _ = weight
    step, values = (2, 16) if tiled else (stride, kernel**2)
    rows = count * math.ceil(height / step) * math.ceil(width / step)
    blocks = max(1, min(_BLOCKS, _SUMS // (values * ins * outs), rows // _ROWS))
    return ctypes.byref(_Extent(count, height, width, blocks, threads))


@cache
def _library(method: str, weight: torch.Size, stride: int, dtype: torch.dtype) -> ctypes.CDLL:
    outs, ins, kernel, _ = weight
    width = math.gcd(_WIDEST, outs, ins if method == "winograd" else 0)
    pairs = method == "winograd" and width == _NARROWEST and dtype == torch.float32
    macros: dict[str, str | int] = {"REAL": _NAMES[dtype], "WIDTH": width, "PAIRS": int(pairs)}
    macros |= {"OUT": outs, "IN": ins, "KERNEL": kernel, "STRIDE": stride}
    made = library.compiled(library.source("team.c", "values.c", "products.c", f"{method}.c"), macros, contracts=True)
    for each in ("output", "inputs", "weights", "weights_of_bytes"):
        getattr(made, f"{method}_{each}").argtypes = [ctypes.c_void_p] * 4
    made.narrowed.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64]
    return made
