"""Mixed precision: convolutions and the head in bfloat16; membranes, statistics, outputs and loss in float32.

Spikes are exact in bfloat16, and so are their sums up to 256; what is rounded are weights and currents, to 8 bits.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["32-true", "bf16-mixed"]
"""Lightning's names."""


def precise(dtype: torch.dtype) -> torch.dtype:
    """The type of membranes and statistics of activations of this type."""
    return torch.promote_types(dtype, torch.float32)


def computed_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Where a network computes in a precision; `32-true` leaves alone what a surrounding context says."""
    if precision == "32-true":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
