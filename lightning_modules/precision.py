"""The three precisions: what is rounded in convolutions and the head; membranes, statistics and loss stay float32.

`32-true` rounds nothing further, on GPUs too. `tf32` lets a CUDA GPU round what it multiplies to TF32, 10 bits of
mantissa (float32 has 23). `bf16-mixed` computes in bfloat16, 7 bits. Spikes are exact in both, and so are their sums up
to 2,048 and 256; what is rounded are weights, gradients and, in bfloat16, currents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["32-true", "tf32", "bf16-mixed"]
"""Lightning's names where it has one."""

_TF32_CAPABILITY = (8, 0)


def precise(dtype: torch.dtype) -> torch.dtype:
    """The type of membranes and statistics of activations of this type."""
    return torch.promote_types(dtype, torch.float32)


def computed_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Where a network computes forward in a precision; those of float32 leave alone what a surrounding context says."""
    if precision != "bf16-mixed":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


@contextmanager
def cuda_arithmetic(precision: Precision, device: torch.device) -> Iterator[None]:
    """Where a run computes, forward and backward: products as its precision says, and the same in every repetition.

    PyTorch by itself rounds the convolutions of a CUDA GPU to TF32 and its matrix products not, and chooses algorithms
    that add in an order of their own. What stood before stands again afterwards.

    Raises:
        ValueError: for `tf32` on a device that has none, where it would be another precision under its name.
    """
    if precision == "tf32" and not _has_tf32(device):
        raise ValueError(
            f"training.precision: 'tf32' needs a CUDA GPU of compute capability 8.0 or more, not {device.type}; "
            "'32-true' and 'bf16-mixed' run here"
        )
    rounded, matmul = precision == "tf32", torch.backends.cuda.matmul
    before = matmul.allow_tf32
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=rounded):
        matmul.allow_tf32 = rounded
        try:
            yield
        finally:
            matmul.allow_tf32 = before


def _has_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= _TF32_CAPABILITY
