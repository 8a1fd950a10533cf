"""Triton's kernels equal the eager reference; `test_triton.py` runs this in a process of its own.

Triton decides when it is imported whether it interprets its kernels (TRITON_INTERPRET=1) or compiles them for a GPU.
There the time goes into compiling: every combination is code of its own.
"""

from __future__ import annotations

import copy

import pytest
import torch
from cases import SURROGATES, Case, agree, agree_on_what_is_not_finite, cases, layer_of, run
from hypothesis import example, given, settings

from lightning_modules.kernels import compiler, triton_backend
from lightning_modules.layers import Layers

DEVICE = "cpu" if compiler.interpreted() else "cuda"
pytestmark = [] if compiler.interpreted() else [pytest.mark.gpu, pytest.mark.timeout(3600)]
on_a_gpu = pytest.mark.skipif(compiler.interpreted(), reason="of a GPU, and this is Triton's interpreter")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=cases)
@example(Case((1, 1, 1, 1, 2)))
@example(Case((11, 2, 3, 3, 3), shared=True, norm="tebn"))
@example(Case((12, 2, 3, 3, 3), added=True, onto=True, norm="bn", dynamics={"detach_reset": False}))
@example(Case((12, 1, 2, 3, 3), neuron="alif", dynamics={"detach_reset": False}))
@example(Case((12, 1, 2, 3, 3), neuron="plif", onto=True))
@example(Case((12, 1, 2, 3, 3), neuron="klif", dynamics={"reset": "zero"}))
def test_triton_and_eager_agree_for_every_combination(case: Case) -> None:
    """Spikes equal; gradients of input, branch and parameters and running statistics to 1e-10 of their size."""
    agree(case, 1e-10, "triton", DEVICE)


@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_layers_of_several_tiles_in_both_directions(neuron: str) -> None:
    """70 channels need two tiles, 147 rows several; in float32 to 1e-4."""
    height, width = triton_backend._tile(70, triton_backend.SCAN_TILE)
    assert width < 70
    assert height < 3 * 49
    agree(Case((3, 3, 70, 7, 7), norm="bn", neuron=neuron, onto=True, dtype=torch.float32), 1e-4, "triton", DEVICE)


def test_activations_in_bfloat16_keep_membranes_in_float32() -> None:
    """A leak that bfloat16 would round to 1 shows after few steps; spikes equal those of eager."""
    torch.manual_seed(0)
    layer = Layers(6, "bn", "lif", leak=0.999).norm_fire(5).to(DEVICE)
    x = torch.randn(6, 4, 5, 5, 5, device=DEVICE).bfloat16()
    layer.backend = "triton"
    spikes = layer(x)
    layer.backend = "eager"
    assert spikes.dtype == torch.bfloat16
    assert torch.equal(spikes, layer(x))


def test_the_back_end_is_what_computes() -> None:
    """Not a silent return to eager: the fused step is in the graph."""
    layer = Layers(2, "bn", "lif").norm_fire(3).to(DEVICE)
    layer.backend = "triton"
    spikes = layer(torch.randn(2, 2, 3, 4, 4, device=DEVICE, requires_grad=True))
    assert spikes.grad_fn.name() == "_NormaliseAndFireBackward"


@pytest.mark.parametrize("neuron", ["lif", "klif"])
@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("norm", ["none", "bn"])
def test_what_is_not_finite_is_not_lost(norm: str, surrogate: str, neuron: str) -> None:
    agree_on_what_is_not_finite(Case((3, 2, 4, 3, 3), norm, surrogate, neuron), float("nan"), "triton", DEVICE)


@on_a_gpu
def test_the_same_is_computed_to_the_bit_every_time() -> None:
    case = Case((12, 8, 70, 16, 16), norm="bntt", neuron="plif", onto=True, added=True, dtype=torch.float32)
    layer = layer_of(case).to(DEVICE)
    layer.backend = "triton"
    first, second = (run(copy.deepcopy(layer), case, DEVICE) for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@on_a_gpu
def test_more_values_than_32_bits_count() -> None:
    """The last sample of 2.2 x 10^9 values is what it is by itself, in spikes and gradients."""
    if torch.cuda.get_device_properties(0).total_memory < 40e9:
        pytest.skip("needs a GPU of 40 GB")
    layer = layer_of(Case((5, 1, 64, 1, 1), norm="bn", training=False)).to(DEVICE, torch.float32)
    layer.backend = "triton"
    x = torch.randn(5, 6600, 64, 32, 32, device=DEVICE, dtype=torch.bfloat16).requires_grad_()
    alone = x.detach()[:, -1:].clone().requires_grad_()
    spikes, expected = layer(x), layer(alone)
    spikes.backward(x.detach())
    expected.backward(alone.detach())
    assert torch.equal(spikes[:, -1:], expected)
    assert torch.equal(x.grad[:, -1:], alone.grad)


@on_a_gpu
def test_tensors_on_another_device_than_the_current_one() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    agree(Case((12, 2, 3, 3, 3), norm="bn", onto=True), 1e-10, "triton", "cuda:1")
