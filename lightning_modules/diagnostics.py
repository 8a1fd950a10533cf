"""Whether a network can learn and uses its neurons: gradients, silence, saturation and the size of summed spikes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.module import TensorData
from lightning_modules.evaluation import run_through
from lightning_modules.measurements import not_zero, spikes_seen
from lightning_modules.network import SpikingResNet
from lightning_modules.precision import computed_in, precise
from lightning_modules.residual import ResidualBlock


def diagnose(classifier: SpikingClassifier, data: TensorData) -> list[dict[str, Any]]:
    """One row per layer: `layer, gradient_norm, silent, saturated, largest`; None where a column has no meaning.

    * `gradient_norm` (convolutions and the head): Euclidean norm of the loss's gradient on the first training batch.
    * `silent`, `saturated` (neuron layers): share of neurons that never fired, and that fired at every step, for any
      sample of the validation part.
    * `largest` (blocks): largest absolute value of the block's output there; with added spikes, the largest integer.

    The classifier is left as it is.
    """
    with watched(classifier.network) as seen:
        run_through(classifier, data.val_dataloader())
    return rows(gradient_norms(classifier, data), seen)


@dataclass(slots=True)
class Seen:
    """What was seen of a network: the use of its neurons, and the largest absolute output of each block."""

    use: NeuronUse
    largest: dict[str, Tensor]


@contextmanager
def watched(network: SpikingResNet) -> Iterator[Seen]:
    """See all that `network` computes while the context is open."""
    seen = Seen(NeuronUse(), {})

    def watch(name: str, block: nn.Module) -> Any:
        def see(module: nn.Module, inputs: Any, output: Tensor) -> None:
            top = output.abs().amax()
            seen.largest[name] = torch.maximum(seen.largest[name], top) if name in seen.largest else top

        return block.register_forward_hook(see)

    handles = [watch(name, each) for name, each in network.named_modules() if isinstance(each, ResidualBlock)]
    try:
        with spikes_seen(network, seen.use.add):
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def rows(norms: dict[str, float], seen: Seen) -> list[dict[str, Any]]:
    """The rows of `diagnose`.

    Args:
        norms: from `gradient_norms`.
        seen: what the validation part made the network do.
    """
    found = [_row(layer, gradient_norm=norm) for layer, norm in norms.items()]
    found += [_row(layer, silent=silent, saturated=full) for layer, (silent, full) in seen.use.shares().items()]
    return found + [_row(layer, largest=float(value)) for layer, value in seen.largest.items()]


def gradient_norms(classifier: SpikingClassifier, data: TensorData) -> dict[str, float]:
    """Gradient norm of each convolution's and linear layer's weight, in training mode, on a copy of the network."""
    network = copy.deepcopy(classifier.network).train()
    x, target, sample_index = (part.to(classifier.device) for part in next(iter(data.train_dataloader())))
    with computed_in(classifier.training_choices.precision, classifier.device):
        outputs = network.outputs(x, classifier.noise(x, sample_index, training=False))
    loss: Tensor = classifier.loss(outputs, target, network.readout)
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    gradients = torch.autograd.grad(loss, [layer.weight for layer in layers.values()])
    return {name: float(gradient.norm()) for name, gradient in zip(layers, gradients, strict=True)}


class NeuronUse:
    """Which neurons of each layer fired at all, and which were silent at all, over all batches added."""

    def __init__(self) -> None:
        self._fired: dict[str, Tensor] = {}
        self._rested: dict[str, Tensor] = {}

    def add(self, layer: str, spikes: Tensor) -> None:
        """Take in the spikes `[T, N, ...]` of a layer."""
        times = not_zero(spikes).sum((0, 1), dtype=precise(spikes.dtype))
        fired, rested = times > 0, times < spikes.shape[0] * spikes.shape[1]
        self._fired[layer] = self._fired[layer] | fired if layer in self._fired else fired
        self._rested[layer] = self._rested[layer] | rested if layer in self._rested else rested

    def shares(self) -> dict[str, tuple[float, float]]:
        """Silent and saturated share of each layer's neurons."""
        return {
            layer: (float((~fired).double().mean()), float((~self._rested[layer]).double().mean()))
            for layer, fired in self._fired.items()
        }


def _row(layer: str, **values: float) -> dict[str, Any]:
    return {"layer": layer, "gradient_norm": None, "silent": None, "saturated": None, "largest": None, **values}
