"""The table of what kernels leave to the eager back end says what happens, level by level."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_modules import catalogue
from lightning_modules.kernels import compiler, coverage
from lightning_modules.kernels.eager import Variation
from lightning_modules.layers import Layers, NormFire
from lightning_modules.neuron import LIF

pytestmark = pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")
NEURONS, NORMS, SURROGATES = (sorted(catalogue.levels(axis)) for axis in ("neuron", "normalization", "surrogate"))


def _graph(layer: NormFire) -> set[str]:
    """Names of all steps that autograd would go back through."""
    steps = layer.neuron.timesteps
    assert isinstance(steps, int)
    x = torch.randn(steps, 2, 4, 3, 3, requires_grad=True)
    layer.backend = "compiled"
    names, todo = set(), [layer(x).grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node.name() not in names:
            names.add(node.name())
            todo += [each for each, _ in node.next_functions]
    return names


def _layer(neuron: str = "lif", normalization: str = "bn", surrogate: str = "triangle") -> NormFire:
    steps = 1 if neuron == "relu" else 3
    return Layers(steps, normalization, neuron, surrogate=surrogate).norm_fire(4)


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("normalization", ["none", "bntt"])
def test_neurons_without_a_kernel_are_those_of_the_table(neuron: str, normalization: str) -> None:
    fused = "_NormaliseAndFireBackward" in _graph(_layer(neuron, normalization))
    assert fused == (neuron not in coverage.EAGER_NEURONS)


@pytest.mark.parametrize("normalization", NORMS)
def test_normalisations_without_a_kernel_are_those_of_the_table(normalization: str) -> None:
    """With `mpbn` nothing is fused; `layer` and `group` are computed before a kernel that only fires."""
    graph = _graph(_layer(normalization=normalization))
    assert ("_NormaliseAndFireBackward" in graph) == (normalization not in coverage.EAGER_MEMBRANES)
    others = {name for name in graph if "Norm" in name} - {"_NormaliseAndFireBackward"}
    assert bool(others) == (normalization in coverage.EAGER_MEMBRANES or normalization in coverage.SEPARATE)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_surrogate_has_a_kernel(surrogate: str) -> None:
    assert "_NormaliseAndFireBackward" in _graph(_layer(surrogate=surrogate))


def test_the_table_names_levels_that_exist_with_a_reason() -> None:
    for table, levels in (
        (coverage.EAGER_NEURONS, NEURONS), (coverage.EAGER_MEMBRANES, NORMS), (coverage.SEPARATE, NORMS)
    ):  # fmt: skip
        assert set(table) <= set(levels)
        assert all(table.values())


def test_a_neuron_of_ones_own_that_replaces_its_membrane_is_left_to_eager() -> None:
    """Its membrane is code, not numbers; kernels would compute another neuron."""

    class Squared(LIF):
        def variation(self) -> Variation:
            return Variation(membrane=Tensor.square)

    layer = NormFire(None, Squared(tau=None, decay_input=False, timesteps=3), None)
    assert "_NormaliseAndFireBackward" not in _graph(layer)
