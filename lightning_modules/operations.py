"""Counts what a network computes on real data: effective synaptic operations and what comes on top of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from lightning_modules import catalogue
from lightning_modules.measurements import FiringRates, not_zero
from lightning_modules.network import SpikingResNet
from lightning_modules.neuron import IF, LIF, PSN, MembraneNeuron, Neuron
from lightning_modules.normalization import Normalization
from lightning_modules.precision import precise
from lightning_modules.residual import Plain, ResidualBlock


@dataclass(slots=True)
class Synapses:
    """What one convolution or linear layer was given, all batches added.

    Attributes:
        dense: every input counts, zeros too (the first convolution on constant input).
        nonzero: inputs that are not zero, by position `[H, W]`, or one number for a linear layer.
        magnitude: sum of absolute inputs in the same places.
        fan_out: operations that one input causes there, borders as they are.
        largest: largest absolute input.
        whole: whether all inputs are integers.
    """

    dense: bool
    nonzero: Tensor | None = None
    magnitude: Tensor | None = None
    fan_out: Tensor | None = None
    largest: Tensor = field(default_factory=lambda: torch.tensor(0.0))
    whole: Tensor = field(default_factory=lambda: torch.tensor(True))

    def see(self, layer: nn.Module, x: Tensor, output: Tensor) -> None:
        """Count one forward pass of `layer`."""
        magnitude = x.abs()
        if self.dense:
            used = torch.full(x.shape[3:], x[..., 0, 0].numel(), device=x.device)
        else:
            used = _by_position(not_zero(x)).to(torch.int64)
        if self.fan_out is None or self.nonzero is None or self.magnitude is None:
            self.fan_out = fan_out(layer, x, output)
            self.nonzero, self.magnitude = used, _by_position(magnitude)
        else:
            self.nonzero = self.nonzero + used
            self.magnitude = self.magnitude + _by_position(magnitude)
        self.largest = torch.maximum(self.largest.to(x.device), magnitude.amax())
        self.whole = self.whole.to(x.device) & ((x - x.round()).abs().amax() == 0)

    def operations(self, integer_as_ac: bool) -> tuple[float, float]:
        """Multiply-accumulates and accumulates of all samples together.

        Inputs in {-1, 0, 1} accumulate. Larger integers multiply, or with `integer_as_ac` accumulate as often as they
        count.
        """
        if self.nonzero is None or self.fan_out is None or self.magnitude is None:
            return 0.0, 0.0
        operations = float((self.nonzero * self.fan_out).sum())
        if self.dense or not bool(self.whole):
            return operations, 0.0
        if float(self.largest) <= 1:
            return 0.0, operations
        return (0.0, float((self.magnitude * self.fan_out).sum())) if integer_as_ac else (operations, 0.0)


def _by_position(x: Tensor) -> Tensor:
    """Sum of `[T, N, C, ...]` over all but positions, float64; whole numbers are exact up to 2^24 a channel."""
    return x.sum((0, 1), dtype=precise(x.dtype)).sum(0, dtype=torch.float64)


def fan_out(layer: nn.Module, x: Tensor, output: Tensor) -> Tensor:
    """How many products one input takes part in: `[H, W]` for a convolution, one number for a linear layer."""
    if isinstance(layer, nn.Linear):
        return torch.tensor(float(layer.out_features), device=x.device, dtype=torch.float64)
    assert isinstance(layer, nn.Conv2d)
    assert isinstance(layer.padding, tuple)
    # On the CPU, once a layer: a GPU may choose an algorithm that rounds whole numbers, by Fourier transforms.
    kernel = torch.ones(1, 1, *layer.kernel_size, dtype=torch.float64)
    ones = torch.ones(1, 1, *output.shape[-2:], dtype=torch.float64)
    geometry: dict[str, Any] = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
    windows = conv2d_input((1, 1, *x.shape[-2:]), kernel, ones, **geometry)
    return windows[0, 0].to(x.device) * (layer.out_channels // layer.groups)


@dataclass(slots=True)
class Overhead:
    """Elements that one part without synapses computed, and what one of them costs.

    Attributes:
        macs, acs: operations an element.
        elements: neuron updates, normalised values or residual sums, all samples together.
    """

    macs: float
    acs: float
    elements: int = 0


class Operations:
    """The counts of a network, filled by forward passes while `counted` is open."""

    def __init__(self) -> None:
        self.synapses: dict[str, Synapses] = {}
        self.neurons: dict[str, Overhead] = {}
        self.normalizations: dict[str, Overhead] = {}
        self.additions: dict[str, Overhead] = {}
        self.rates = FiringRates()


@contextmanager
def counted(network: SpikingResNet) -> Iterator[Operations]:
    """Count all that `network` computes while the context is open."""
    counts = Operations()
    handles = []

    def watch(module: nn.Module, see: Any) -> None:
        handles.append(module.register_forward_hook(lambda module, inputs, output: see(module, inputs[0], output)))

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            first = name == "stem.conv" and bool(network.encoder.static)
            counts.synapses[name] = Synapses(dense=first)
            watch(module, counts.synapses[name].see)
        elif isinstance(module, Normalization) and (cost := normalization_cost(network)) != (0, 0):
            watch(module, _elements(counts.normalizations, name, cost))
        elif isinstance(module, ResidualBlock) and not isinstance(module, Plain):
            watch(module, _elements(counts.additions, name, (0, 1)))
    for name, layer in network.spiking_layers():
        assert isinstance(layer, Neuron)
        watch(layer, _elements(counts.neurons, name, update_cost(layer)))
        watch(layer, lambda module, x, spikes, name=name: counts.rates.add(name, spikes))
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()


def _elements(kind: dict[str, Overhead], name: str, cost: tuple[float, float]) -> Any:
    kind[name] = part = Overhead(*cost)

    def see(module: nn.Module, x: Tensor, output: Tensor) -> None:
        part.elements += output.numel()

    return see


def update_cost(neuron: Neuron) -> tuple[float, float]:
    """Multiply-accumulates and accumulates of one update of one neuron; comparison and reset are not counted.

    A membrane that leaks multiplies, one that does not accumulates, a parallel neuron weighs the steps it sees,
    and the control without spikes has no state.
    """
    if isinstance(neuron, PSN):
        mixing = neuron.mixing()
        return float(mixing.count_nonzero()) / len(mixing), 0
    if isinstance(neuron, MembraneNeuron):
        adds_only = type(neuron) in (IF, LIF) and neuron.dynamics.leak in (0, 1) and neuron.dynamics.gain == 1
        return (0, 1) if adds_only else (1, 0)
    return (0, 0) if not neuron.spiking else (1, 0)


def normalization_cost(network: SpikingResNet) -> tuple[float, float]:
    """Operations of one normalised value; none where the level can be folded into one weight tensor."""
    level = network.choices.normalization
    if catalogue.fact("normalization", level, "foldable") or level.name == "none":
        return (0, 0)
    with_statistics = not catalogue.fact("normalization", level, "batch")
    return (2, 1) if with_statistics else (1, 0)
