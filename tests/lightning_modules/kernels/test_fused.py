"""Normalise and fire in one equals normalisation and neuron one after the other, in value, gradient and statistics.

The passes run as they are written (`force_eager`); that a compiler keeps their meaning is tested on few shapes, since
each takes it seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from cases import Case, agree, cases, layer_of, run
from hypothesis import example, given, settings

from lightning_modules import create
from lightning_modules.kernels import compiler
from lightning_modules.kernels.eager import Dynamics, spikes_by_loop
from lightning_modules.kernels.passes import segments
from lightning_modules.layers import NormFire


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """The passes as they are written."""
    with torch.compiler.set_stance("force_eager"):
        yield


@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=cases)
@example(Case((1, 1, 1, 1, 2)))
@example(Case((11, 2, 3, 3, 3), shared=True, norm="tebn"))
@example(Case((20, 1, 2, 3, 3), added=True, norm="bn"))
@example(Case((20, 1, 2, 3, 3), neuron="alif", dynamics={"detach_reset": False}))
@example(Case((20, 1, 2, 3, 3), neuron="plif", onto=True))
@example(Case((20, 1, 2, 3, 3), neuron="klif", dynamics={"reset": "zero"}))
def test_fused_and_separate_agree_for_every_combination(case: Case) -> None:
    """Spikes equal; gradients of input, branch and parameters and running statistics to 1e-10 of their size."""
    with torch.compiler.set_stance("force_eager"):
        agree(case, 1e-10)


@pytest.mark.parametrize("shape", [(3, 0, 2, 4, 4), (2, 3, 2, 0, 4), (3, 1, 2, 1, 1)])
def test_inputs_too_small_for_the_kernels_are_left_to_eager(shape: tuple[int, ...], uncompiled: None) -> None:
    layer = layer_of(Case(shape, norm="none"))  # type: ignore[arg-type]
    layer.backend = "compiled"
    x = torch.randn(shape, dtype=torch.float64)
    assert not layer.fuses(x)
    assert layer(x).shape == shape


@pytest.mark.parametrize("fire", ["gt", "ge"])
def test_a_membrane_exactly_on_the_threshold(fire: str, uncompiled: None) -> None:
    """Numbers that are sums of powers of two meet the threshold exactly: silent with `gt`, a spike with `ge`."""
    neuron = create("neuron", "lif", leak=0.5, threshold=0.75, fire=fire)
    layer = NormFire(None, neuron, None)
    layer.backend = "compiled"
    x = torch.tensor([0.75, 0.5, 0.5]).view(3, 1, 1, 1, 1).expand(3, 1, 1, 1, 2).contiguous()
    assert layer.fuses(x)
    expected = [1.0, 0.0, 1.0] if fire == "ge" else [0.0, 1.0, 0.0]
    assert layer(x)[:, 0, 0, 0, 0].tolist() == expected
    assert torch.equal(layer(x), spikes_by_loop(x, Dynamics(0.5, threshold=0.75, fire=fire), neuron.surrogate))  # type: ignore[arg-type]


def test_hooks_see_what_a_fused_layer_does(uncompiled: None) -> None:
    """Firing rates and operation counts are taken by hooks on normalisation and neuron."""
    case = Case((3, 2, 4, 3, 3))
    layer = layer_of(case)
    layer.backend = "compiled"
    seen: list[str] = []
    layer.neuron.register_forward_hook(lambda module, inputs, output: seen.append("neuron"))
    layer.norm.register_forward_hook(lambda module, inputs, output: seen.append("norm"))  # type: ignore[union-attr]
    run(layer, case)
    assert seen == ["norm", "neuron"]


@pytest.mark.parametrize(("steps", "lengths"), [(4, [4]), (50, [10] * 5), (11, [8, 3]), (14, [7, 7])])
def test_long_sequences_are_cut_into_few_lengths(steps: int, lengths: list[int]) -> None:
    parts = segments(steps)
    assert [part.stop - part.start for part in parts] == lengths
    assert [step for part in parts for step in range(part.start, part.stop)] == list(range(steps))


@pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")
@pytest.mark.parametrize("neuron", ["lif", "plif", "klif", "alif"])
def test_compiled_loops_compute_what_is_written(neuron: str) -> None:
    """In float32, two shapes with one set of loops: spikes equal, the rest to 1e-4 of its size."""
    agree(Case((2, 3, 5, 3, 5), norm="bn", neuron=neuron, onto=True, dtype=torch.float32), 1e-4)
    agree(Case((2, 4, 18, 4, 4), norm="bn", neuron=neuron, onto=True, dtype=torch.float32), 1e-4)


@pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")
def test_states_are_handed_from_one_compiled_loop_to_the_next() -> None:
    """More steps than one loop unrolls, of the neuron with two states."""
    agree(Case((11, 2, 3, 2, 3), norm="none", neuron="alif", dtype=torch.float32), 1e-4)
