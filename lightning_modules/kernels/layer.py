"""What a back end is asked: one layer that normalises and fires, forward and backward.

Activations are `[T, N, H, W, C]`: steps, samples, pixels, channels, as they lie in memory with channels last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from lightning_modules.kernels.eager import Dynamics, Variation
from lightning_modules.kernels.form import Constants, Form
from lightning_modules.normalization.folded import Folded
from lightning_modules.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class Neuron:
    """A neuron as kernels are told of it: a membrane, its numeric variation and its surrogate."""

    dynamics: Dynamics
    vary: Variation
    surrogate: Surrogate


@dataclass(frozen=True, slots=True)
class Layer:
    """What is computed, beside activations.

    Attributes:
        steps: T.
        folded: the normalisation; None for none.
        form, numbers, surrogate: of the neuron; None where the normalised input itself is the output.
    """

    steps: int
    folded: Folded | None
    form: Form | None
    numbers: Constants | None
    surrogate: Surrogate | None


@dataclass(frozen=True, slots=True)
class Gradients:
    """What a backward pass finds.

    Attributes:
        x: gradient of the input.
        joined: of what joins the normalised input; None unless asked for.
        gain, bias: of the normalisation, in their shapes; None without.
        leak, drive, rectified: of the neuron's learnt numbers, one value each; None without.
    """

    x: Tensor
    joined: Tensor | None
    gain: Tensor | None
    bias: Tensor | None
    leak: Tensor | None
    drive: Tensor | None
    rectified: Tensor | None


class Kernels(Protocol):
    """A back end. Activations are contiguous and of one type."""

    def fire(self, layer: Layer, y: Tensor, added: Tensor | None, onto: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """Spikes, on top of `onto`, and what the backward pass needs of them besides the input.

        Args:
            layer: what is computed; its `folded.seen` is told the statistics of the batch.
            y: the input, of T steps, or of one that all share.
            added: joins the normalised input.
            onto: joins the spikes.
        """

    def differentiate(
        self, layer: Layer, y: Tensor, added: Tensor | None, kept: Sequence[Tensor], grad: Tensor, *, joins: bool
    ) -> Gradients:
        """All gradients, from that of the spikes.

        Args:
            layer, y, added: as in `fire`.
            kept: what `fire` gave.
            grad: gradient of the spikes.
            joins: whether that of `added` is wanted.
        """
