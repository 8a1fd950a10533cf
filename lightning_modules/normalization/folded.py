"""A normalisation as numbers: what a kernel needs to compute it together with the neuron that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Folded:
    """gain (x - mean) / sqrt(var + eps) + bias.

    Attributes:
        gain: `[T or 1, C]`.
        bias: `[T or 1, C]`, or None.
        eps: added to the variance.
        per_step: whether statistics are those of each step, or of all steps together.
        centred: whether the mean is subtracted; without it, `var` is the second raw moment.
        mean, var: constants `[T or 1, C]`; None to take those of the batch.
        seen: takes the batch's mean, biased variance (`[T, C]` if per step, else `[1, C]`) and the count behind each.
    """

    gain: Tensor
    bias: Tensor | None
    eps: float
    per_step: bool
    mean: Tensor | None
    var: Tensor | None
    seen: Callable[[Tensor, Tensor, int], None]
    centred: bool = True
