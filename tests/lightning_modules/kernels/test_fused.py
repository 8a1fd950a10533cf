"""Normalise and fire in one equals normalisation and neuron one after the other, in value, gradient and statistics.

The code is compiled for every form of neuron that the cases draw, a third of a second each, and kept in the cache.
"""

from __future__ import annotations

import copy

import pytest
import torch
from cases import SURROGATES, Case, agree, agree_on_what_is_not_finite, cases, layer_of, run
from hypothesis import example, given, settings

from lightning_modules import create
from lightning_modules.kernels import compiler
from lightning_modules.kernels.eager import Dynamics, spikes_by_loop
from lightning_modules.kernels.passes import segments
from lightning_modules.layers import Layers, NormFire, normalise
from lightning_modules.normalization import Normalization

pytestmark = pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")


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
    agree(case, 1e-10)


@pytest.mark.parametrize("shape", [(3, 0, 2, 4, 4), (2, 3, 2, 0, 4), (3, 1, 2, 1, 1)])
def test_inputs_too_small_for_the_kernels_are_left_to_eager(shape: tuple[int, ...]) -> None:
    layer = layer_of(Case(shape, norm="none"))  # type: ignore[arg-type]
    layer.backend = "compiled"
    x = torch.randn(shape, dtype=torch.float64)
    assert not layer.fuses(x)
    assert layer(x).shape == shape


@pytest.mark.parametrize("fire", ["gt", "ge"])
def test_a_membrane_exactly_on_the_threshold(fire: str) -> None:
    """Numbers that are sums of powers of two meet the threshold exactly: silent with `gt`, a spike with `ge`."""
    neuron = create("neuron", "lif", leak=0.5, threshold=0.75, fire=fire)
    layer = NormFire(None, neuron, None)
    layer.backend = "compiled"
    x = torch.tensor([0.75, 0.5, 0.5]).view(3, 1, 1, 1, 1).expand(3, 1, 1, 1, 2).contiguous()
    assert layer.fuses(x)
    expected = [1.0, 0.0, 1.0] if fire == "ge" else [0.0, 1.0, 0.0]
    assert layer(x)[:, 0, 0, 0, 0].tolist() == expected
    assert torch.equal(layer(x), spikes_by_loop(x, Dynamics(0.5, threshold=0.75, fire=fire), neuron.surrogate))  # type: ignore[arg-type]


def test_hooks_see_what_a_fused_layer_does() -> None:
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
    parts = segments(steps, 10)
    assert [part.stop - part.start for part in parts] == lengths
    assert [step for part in parts for step in range(part.start, part.stop)] == list(range(steps))


@pytest.mark.parametrize("neuron", ["lif", "plif", "klif", "alif"])
def test_float32_agrees_to_its_precision(neuron: str) -> None:
    """Spikes equal, the rest to 1e-4 of its size; channels that fill no vector, and several blocks of tiles."""
    agree(Case((2, 3, 5, 3, 5), norm="bn", neuron=neuron, onto=True, dtype=torch.float32), 1e-4)
    agree(Case((2, 4, 18, 24, 24), norm="bn", neuron=neuron, onto=True, dtype=torch.float32), 1e-4)


def test_activations_in_bfloat16_keep_membranes_in_float32() -> None:
    """A leak that bfloat16 would round to 1 shows after few steps; spikes equal those of eager."""
    torch.manual_seed(0)
    layer = Layers(6, "bn", "lif", leak=0.999).norm_fire(5)
    x = torch.randn(6, 4, 5, 5, 5).bfloat16()
    layer.backend = "compiled"
    spikes = layer(x)
    layer.backend = "eager"
    assert spikes.dtype == torch.bfloat16
    assert torch.equal(spikes, layer(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_results_do_not_depend_on_the_number_of_threads(dtype: torch.dtype) -> None:
    """To the bit: sums are cut by shape alone."""
    case = Case((3, 8, 16, 32, 32), norm="bntt", neuron="plif", onto=True, added=True, dtype=dtype)
    layer = layer_of(case).to(torch.float32)
    layer.backend = "compiled"
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            found.append(run(copy.deepcopy(layer), case))
        finally:
            torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(value, other[name]) for name, value in found[0].items())


def test_too_little_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of(Case((3, 2, 4, 3, 3), dtype=torch.float32))
    layer.backend = "compiled"
    x = torch.randn(3, 2, 4, 3, 3, requires_grad=True)
    spikes = layer(x)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1 << 40)  # each of them needs some
    for compute in (lambda: layer(x), lambda: spikes.sum().backward()):
        with pytest.raises(MemoryError, match=r"a layer of \(3, 2, 3, 3, 4\).*: not enough memory"):
            compute()
    assert x.grad is None


def test_a_sample_spikes_alike_in_any_batch() -> None:
    """With the statistics of evaluation, to the bit."""
    case = Case((4, 7, 3, 5, 5), norm="bn", training=False, dtype=torch.float32)
    layer = layer_of(case)
    layer.backend = "compiled"
    x = torch.randn(case.shape)
    assert torch.equal(torch.cat([layer(x[:, :2]), layer(x[:, 2:])], 1), layer(x))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("norm", ["none", "bn", "tebn"])
@pytest.mark.parametrize("neuron", ["lif", "plif", "klif", "alif"])
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_what_is_not_finite_is_not_lost(surrogate: str, neuron: str, norm: str, value: float) -> None:
    """A threshold makes silence of NaN; that a run diverged is seen by its weights, so that NaN has to reach them."""
    agree_on_what_is_not_finite(Case((3, 2, 4, 3, 3), norm, surrogate, neuron), value)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(case=cases)
def test_a_normalisation_alone_agrees_with_the_librarys(case: Case) -> None:
    """Where no neuron follows: value, gradients and running statistics to 1e-10 of their size."""
    norms = [layer_of(case).norm for _ in range(2)]
    found = []
    for norm, backend in zip(norms, ("eager", "compiled"), strict=True):
        assert isinstance(norm, Normalization)
        norm.backend = backend  # type: ignore[assignment]
        torch.manual_seed(1)
        x = torch.randn(1 if case.shared else case.shape[0], *case.shape[1:], dtype=case.dtype, requires_grad=True)
        out = normalise(norm, x, case.shape[0])
        out.backward(torch.randn(case.shape, dtype=case.dtype))
        found.append([out, x.grad, *(each.grad for each in norm.parameters()), *norm.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10 * max(1.0, float(one.detach().abs().max())))
