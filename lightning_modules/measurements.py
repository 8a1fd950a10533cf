"""What neuron layers do, measured through forward hooks: firing rates without a synchronisation per batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.network import SpikingResNet
from lightning_modules.precision import precise


@contextmanager
def spikes_seen(network: SpikingResNet, see: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `see(layer, spikes)` with the output `[T, N, ...]` of every neuron layer while the context is open."""

    def hook(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda module, inputs, spikes: see(name, spikes)

    handles = [layer.register_forward_hook(hook(name)) for name, layer in network.spiking_layers()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def not_zero(x: Tensor) -> Tensor:
    """1 where x is not zero, else 0, in the type of x: on a CPU these add up several times as fast as booleans."""
    x = x.detach()
    return torch.ne(x, 0, out=torch.empty_like(x))


class FiringRates:
    """Spikes per neuron per timestep of each layer, over all batches added; before any residual addition.

    For the control without spikes it is the share of outputs that are not zero.
    """

    def __init__(self) -> None:
        self._spikes: dict[str, Tensor] = {}
        self._chances: dict[str, int] = {}

    def add(self, layer: str, spikes: Tensor) -> None:
        """Count one batch of one layer."""
        # Of one sample and step first, so that float32 counts exactly.
        each = not_zero(spikes).flatten(2) if spikes.ndim < 4 else not_zero(spikes)
        count = each.sum(tuple(range(2, each.ndim)), dtype=precise(each.dtype)).sum(dtype=torch.int64)
        self._spikes[layer] = self._spikes[layer] + count if layer in self._spikes else count
        self._chances[layer] = self._chances.get(layer, 0) + spikes.numel()

    def by_layer(self) -> dict[str, Tensor]:
        """The rate of each layer, from input to output."""
        return {layer: count.cpu().double() / self._chances[layer] for layer, count in self._spikes.items()}

    def overall(self) -> Tensor:
        """The rate over all neurons of the network; 0 if it has none."""
        if not self._spikes:
            return torch.tensor(0.0)
        return torch.stack(list(self._spikes.values())).sum().cpu().double() / sum(self._chances.values())


class MeanActivity:
    """Mean output over all neurons and steps of one forward pass, differentiable: what the rate penalty acts on."""

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._count = 0

    def add(self, layer: str, spikes: Tensor) -> None:
        """Take in one layer."""
        self._sums.append(spikes.sum(dtype=precise(spikes.dtype)))
        self._count += spikes.numel()

    def value(self) -> Tensor:
        """The mean, a scalar with gradient."""
        return torch.stack(self._sums).sum() / self._count
