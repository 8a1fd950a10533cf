"""Activations computed again change nothing: not a value, a gradient, a statistic or a count."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lightning_modules import catalogue
from lightning_modules.choices import ModelChoices
from lightning_modules.kernels import compiler
from lightning_modules.measurements import MeanActivity, spikes_seen
from lightning_modules.network import SpikingResNet
from lightning_modules.recomputation import recomputed

RESIDUALS, NORMS = (sorted(catalogue.levels(axis)) for axis in ("residual", "normalization"))
NEURONS = ["if", "plif", "klif", "alif", "psn"]
CASES = [{"residual": level} for level in RESIDUALS] + [{"normalization": level} for level in NORMS]
CASES += [{"neuron": level, "normalization": "bn"} for level in NEURONS]
BACKENDS = ["eager"] + ["compiled"] * (compiler.unavailable() is None)


def _step(network: SpikingResNet, *, watched: bool = False) -> dict[str, Tensor]:
    """Everything that one training step finds."""
    x = torch.randn(3, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    activity, seen = MeanActivity(), []
    if watched:
        with spikes_seen(network, activity.add):
            out = network(x)
        loss = out.square().sum() + activity.value()
    else:
        handle = next(iter(network.spiking_layers()))[1].register_forward_hook(lambda *_: seen.append(1))
        out = network(x)
        loss = out.square().sum()
    loss.backward()
    if not watched:
        handle.remove()
        assert len(seen) == 1
    found = {name: each.grad for name, each in network.named_parameters() if each.grad is not None}
    return found | {f"{name} itself": each for name, each in network.named_buffers()} | {"out": out.detach()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("levels", CASES, ids=lambda levels: " ".join(map(str, levels.values())))
@pytest.mark.parametrize("watched", [False, True])
def test_a_step_finds_the_same_to_the_bit(levels: dict[str, Any], backend: Any, watched: bool) -> None:
    torch.manual_seed(0)
    choices = ModelChoices.model_validate({"depth": 1, "width": 8, "timesteps": 3} | levels)
    plain = SpikingResNet(choices, in_channels=2, classes=3).double().train()
    plain.use_backend(backend)
    again = copy.deepcopy(plain)
    again.checkpoint_activations = True

    expected, found = _step(plain, watched=watched), _step(again, watched=watched)

    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_what_draws_numbers_draws_the_same_again() -> None:
    block = nn.Sequential(nn.Linear(50, 50), nn.Dropout(0.5), nn.Tanh())
    x = torch.randn(4, 50, requires_grad=True)
    gradients = []
    for compute in (block, lambda x: recomputed(block, x)):
        torch.manual_seed(3)
        gradients.append(torch.autograd.grad(compute(x).sum(), [x, *block.parameters()]))
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_the_inside_of_blocks_is_not_kept() -> None:
    """Bytes that autograd holds between the passes."""
    held = []
    for recomputes in (False, True):
        network = SpikingResNet(ModelChoices(depth=1, width=8, timesteps=8), in_channels=2, classes=3)
        network.checkpoint_activations = recomputes
        kept: dict[int, int] = {}

        def pack(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(torch.randn(4, 2, 16, 16))
        held.append(sum(kept.values()))
    assert held[1] < held[0] / 2


def test_nothing_is_recomputed_without_gradients() -> None:
    network = SpikingResNet(ModelChoices(depth=1, width=8, timesteps=2), in_channels=2, classes=3).eval()
    network.checkpoint_activations = True
    with torch.inference_mode():
        assert network(torch.randn(2, 2, 8, 8)).shape == (2, 3)
