"""Normalise and fire in one equals normalisation and neuron one after the other, in value, gradient and statistics.

The passes run as they are written (`force_eager`); that a compiler keeps their meaning is tested on few shapes, since
each takes it seconds.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lightning_modules import create
from lightning_modules.kernels import compiled, compiler
from lightning_modules.kernels.eager import Dynamics, spikes_by_loop
from lightning_modules.layers import NormFire

NORMS = ["none", "bn", "bn_step", "bntt", "tdbn", "tebn", "psp", {"name": "bntt", "bias": False}, "layer"]
SURROGATES = ["triangle", "rectangle", "atan", "sigmoid", "fast_sigmoid"]


@dataclass(frozen=True)
class Case:
    """One layer and the shape of its input `[T, N, C, H, W]`."""

    shape: tuple[int, int, int, int, int]
    norm: Any = "bntt"
    surrogate: str = "triangle"
    neuron: Any = "lif"
    dynamics: Any = None
    training: bool = True
    added: bool = False
    shared: bool = False
    dtype: torch.dtype = torch.float64


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """The passes as they are written."""
    with torch.compiler.set_stance("force_eager"):
        yield


def _layer(case: Case) -> NormFire:
    torch.manual_seed(0)
    steps, _, channels, _, _ = case.shape
    norm = create("normalization", case.norm, channels=channels, timesteps=steps, threshold=0.75)
    neuron = create("neuron", case.neuron, surrogate=case.surrogate, threshold=0.75, **(case.dynamics or {}))
    layer = NormFire(norm, neuron, None).to(case.dtype).train(case.training)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    for name, buffer in layer.named_buffers():
        nn.init.uniform_(buffer, 0.5, 1.5) if "var" in name or "moment" in name else nn.init.uniform_(buffer, -1, 1)
    return layer


def _run(layer: NormFire, case: Case) -> dict[str, Tensor]:
    """Everything that two back ends have to agree on."""
    generator = torch.Generator().manual_seed(1)
    steps, *rest = case.shape
    x = torch.randn(1 if case.shared else steps, *rest, generator=generator, dtype=case.dtype).add(0.5)
    x.requires_grad_()
    added = torch.randn(case.shape, generator=generator, dtype=case.dtype).requires_grad_() if case.added else None
    spikes = layer(x, added, steps if case.shared else None)
    spikes.backward(torch.randn(case.shape, generator=generator, dtype=case.dtype))
    found = {"spikes": spikes.detach(), "x": x.grad, "added": None if added is None else added.grad}
    found |= {name: parameter.grad for name, parameter in layer.named_parameters()}
    found |= {f"{name} itself": buffer for name, buffer in layer.named_buffers()}
    return {name: value for name, value in found.items() if value is not None}


def _agree(case: Case, tolerance: float) -> None:
    reference = _layer(case)
    reference.backend = "eager"
    fused = copy.deepcopy(reference)
    fused.backend = "compiled"
    expected, got = _run(reference, case), _run(fused, case)
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        scale = max(1.0, float(value.abs().max())) if value.numel() else 1.0
        torch.testing.assert_close(got[name], value, rtol=0, atol=tolerance * scale, msg=lambda m, n=name: f"{n}: {m}")


sizes = st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(2, 5))
dynamics = st.fixed_dictionaries(
    {
        "reset": st.sampled_from(["subtract", "zero", "none"]),
        "detach_reset": st.booleans(),
        "fire": st.sampled_from(["gt", "ge"]),
        "scale": st.sampled_from(["theta", "none"]),
        "leak": st.sampled_from([0.0, 0.5, 0.8744, 1.0]),
    }
)
neurons = st.sampled_from(["if", "lif", {"name": "lif", "decay_input": True}, {"name": "lif", "tau": 2.0}])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    case=st.builds(
        Case,
        shape=sizes,
        norm=st.sampled_from(NORMS),
        surrogate=st.sampled_from(SURROGATES),
        neuron=neurons,
        dynamics=dynamics,
        training=st.booleans(),
        added=st.booleans(),
        shared=st.booleans(),
    )
)
@example(Case((1, 1, 1, 1, 2)))
@example(Case((11, 2, 3, 3, 3), shared=True, norm="tebn"))
@example(Case((20, 1, 2, 3, 3), added=True, norm="bn"))
def test_fused_and_separate_agree_for_every_combination(case: Case) -> None:
    """Spikes equal; gradients of input, branch and parameters and running statistics to 1e-10 of their size."""
    with torch.compiler.set_stance("force_eager"):
        _agree(case, 1e-10)


@pytest.mark.parametrize("shape", [(3, 0, 2, 4, 4), (2, 3, 2, 0, 4), (3, 1, 2, 1, 1)])
def test_inputs_too_small_for_the_kernels_are_left_to_eager(shape: tuple[int, ...], uncompiled: None) -> None:
    layer = _layer(Case(shape, norm="none"))  # type: ignore[arg-type]
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


@pytest.mark.parametrize("name", ["plif", "klif", "alif"])
def test_neurons_with_another_membrane_are_left_to_eager(name: str) -> None:
    layer = NormFire(None, create("neuron", name), None)
    assert not layer.fuses(torch.ones(2, 2, 2, 2, 2))


def test_hooks_see_what_a_fused_layer_does(uncompiled: None) -> None:
    """Firing rates and operation counts are taken by hooks on normalisation and neuron."""
    case = Case((3, 2, 4, 3, 3))
    layer = _layer(case)
    layer.backend = "compiled"
    seen: list[str] = []
    layer.neuron.register_forward_hook(lambda module, inputs, output: seen.append("neuron"))
    layer.norm.register_forward_hook(lambda module, inputs, output: seen.append("norm"))  # type: ignore[union-attr]
    _run(layer, case)
    assert seen == ["norm", "neuron"]


@pytest.mark.parametrize(("steps", "lengths"), [(4, [4]), (50, [10] * 5), (11, [8, 3]), (14, [7, 7])])
def test_long_sequences_are_cut_into_few_lengths(steps: int, lengths: list[int]) -> None:
    parts = compiled.segments(steps)
    assert [part.stop - part.start for part in parts] == lengths
    assert [step for part in parts for step in range(part.start, part.stop)] == list(range(steps))


@pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")
def test_compiled_loops_compute_what_is_written() -> None:
    """In float32, two shapes with one set of loops: spikes equal, the rest to 1e-4 of its size."""
    _agree(Case((2, 3, 5, 3, 5), norm="bn", dtype=torch.float32), 1e-4)
    _agree(Case((2, 4, 18, 4, 4), norm="bn", dtype=torch.float32), 1e-4)
