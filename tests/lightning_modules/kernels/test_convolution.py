"""Convolutions in C against the library's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_modules.choices import ModelChoices
from lightning_modules.kernels import convolution, library
from lightning_modules.layers import StepConv2d
from lightning_modules.network import SpikingResNet

pytestmark = pytest.mark.skipif(library.problem() is not None, reason="nothing can be compiled here")


def _images(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def _passes(own: bool, x: Tensor, w: Tensor, stride: int = 1, *, whole: bool = False) -> list[Tensor]:
    """The output, and gradients of images and weights from one of the output, of whole numbers or not."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = convolution.convolve(x, w, stride) if own else F.conv2d(x, w, None, stride, w.shape[-1] // 2)
    grad = _images(*y.shape, seed=7).float().to(y.dtype)
    grad = (3 * grad).round() if whole else grad
    return [y.detach(), *torch.autograd.grad(y, (x, w), grad)]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 4),
    ins=st.integers(1, 18),
    outs=st.sampled_from([8, 16, 24, 32, 40]),
    height=st.integers(1, 11),
    width=st.integers(1, 11),
    kernel=st.sampled_from([1, 3, 3, 3, 5]),
    stride=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_every_size_and_stride_is_the_librarys(
    count: int, ins: int, outs: int, height: int, width: int, kernel: int, stride: int, seed: int
) -> None:
    x, w = _images(count, ins, height, width, seed=seed), _images(outs, ins, kernel, kernel, seed=seed + 1)
    for own, theirs in zip(_passes(True, x, w, stride), _passes(False, x, w, stride), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("ins", "outs"), [(8, 8), (16, 24), (32, 32), (64, 40)])
@pytest.mark.parametrize("count", [1, 7, 33])
def test_tiles_of_many_channels_and_images(ins: int, outs: int, count: int) -> None:
    x, w = _images(count, ins, 7, 10), _images(outs, ins, 3, 3, seed=1)
    for own, theirs in zip(_passes(True, x, w, 1), _passes(False, x, w, 1), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 4),
    channels=st.sampled_from([(8, 8), (8, 24), (40, 8), (16, 16)]),
    height=st.integers(1, 11),
    width=st.integers(1, 19),
    seed=st.integers(0, 99),
)
def test_whole_numbers_are_exact_in_float32(
    count: int, channels: tuple[int, int], height: int, width: int, seed: int
) -> None:
    """Eight channels are computed for two tiles at a time in float32, if vectors are wide enough."""
    ins, outs = channels
    x = (3 * _images(count, ins, height, width, seed=seed)).round()
    w = 4 * (2 * _images(outs, ins, 3, 3, seed=seed + 1)).round()
    exact = _passes(False, x, w, whole=True)
    own = _passes(True, x.float(), w.float(), whole=True)
    for ours, true in zip(own, exact, strict=True):
        assert ours.double().equal(true)


def test_gradients_are_those_of_the_output() -> None:
    x, w = _images(2, 8, 3, 4).requires_grad_(), _images(8, 8, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: convolution.convolve(*given, 1), (x, w))
    assert torch.autograd.gradcheck(lambda *given: convolution.convolve(*given, 2), (x, w))


@pytest.mark.parametrize("stride", [1, 2])
def test_float32_is_as_exact_as_the_library(stride: int) -> None:
    x = _images(64, 32, 16, 16).gt(0.8).double()
    w = (_images(32, 32, 3, 3, seed=1) / 17).float().double()
    exact = _passes(False, x, w, stride)
    own, theirs = (_passes(each, x.float(), w.float(), stride) for each in (True, False))
    for ours, others, true in zip(own, theirs, exact, strict=True):
        assert (ours - true).abs().max() < 3 * (others - true).abs().max() < 1e-3 * true.abs().max()


def test_the_number_of_threads_changes_no_bit() -> None:
    before = torch.get_num_threads()
    x, w = _images(48, 16, 9, 9, dtype=torch.float32), _images(16, 16, 3, 3, dtype=torch.float32, seed=1)
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(_passes(True, x, w, 1) + _passes(True, x, w, 2))
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(one, other) for one, other in zip(found[0], others, strict=True))


def _kept(x: Tensor, w: Tensor) -> Tensor:
    """What of x a convolution keeps for its backward pass."""
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda each: kept.append(each) or each, lambda each: each):
        convolution.convolve(x, w)
    return kept[0]


@settings(max_examples=40, deadline=None)
@given(
    ins=st.sampled_from([3, 8, 16, 32]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    side=st.integers(1, 9),
    stride=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_spikes_are_kept_in_one_byte_and_give_the_same_bits(
    ins: int, dtype: torch.dtype, side: int, stride: int, seed: int
) -> None:
    sums = (_images(3, ins, side, side, seed=seed) * 2).round().to(dtype)
    w = _images(16, ins, 3, 3, dtype=dtype, seed=seed + 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(convolution, "_WORTH_NARROWING", 1 << 60)
        wide = _passes(True, sums, w, stride)
        patched.setattr(convolution, "_WORTH_NARROWING", 0)
        narrow = _passes(True, sums, w, stride)
        assert _kept(sums, w.requires_grad_()).dtype == torch.int8
    assert all(torch.equal(one, other) for one, other in zip(wide, narrow, strict=True))


@pytest.mark.parametrize("value", [0.5, 128.0, -129.0, 1e30, float("inf"), float("nan")])
@pytest.mark.parametrize("where", [0, 5000, -1])
def test_what_a_byte_would_change_is_kept_as_it_is(value: float, where: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_WORTH_NARROWING", 0)
    x, w = torch.ones(10, 8, 11, 11), torch.randn(8, 8, 3, 3, requires_grad=True)
    x[0, 0, 0, 0], x[0, 0, 0, 1] = 127, -128
    assert _kept(x, w).dtype == torch.int8
    rows = x.permute(0, 2, 3, 1).contiguous()
    rows.view(-1)[where] = value
    assert _kept(rows.permute(0, 3, 1, 2), w).dtype == torch.float32


def test_evaluation_makes_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_WORTH_NARROWING", 0)
    made = []
    narrowed = convolution._Call.narrowed
    monkeypatch.setattr(convolution._Call, "narrowed", lambda call, x: made.append(x) or narrowed(call, x))
    x, w = torch.ones(2, 8, 4, 4), torch.randn(8, 8, 3, 3, requires_grad=True)
    with torch.no_grad():
        convolution.convolve(x, w)
    assert not made
    convolution.convolve(x, w)
    assert len(made) == 1


def test_only_what_is_wanted_is_differentiated() -> None:
    x, w = _images(2, 8, 4, 4), _images(8, 8, 3, 3, seed=1).requires_grad_()
    convolution.convolve(x, w, 1).sum().backward()
    assert x.grad is None
    assert w.grad is not None
    x, w = x.requires_grad_(), w.detach()
    convolution.convolve(x, w, 1).sum().backward()
    assert x.grad is not None


def test_what_does_not_fit_is_left_to_the_library() -> None:
    x, w = torch.randn(2, 8, 4, 4), torch.randn(8, 8, 3, 3)
    assert convolution.fits(x, w, 1)
    assert not convolution.fits(x, torch.randn(12, 8, 3, 3), 1)
    assert not convolution.fits(x, w, 2)
    assert not convolution.fits(x.bfloat16(), w.bfloat16(), 1)
    assert not convolution.fits(x.double(), w, 1)
    assert not convolution.fits(x[:0], w, 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert not convolution.fits(x, w, 1)


@pytest.mark.parametrize(("channels", "kernel", "stride"), [(8, 3, 1), (3, 3, 1), (8, 3, 2), (8, 1, 2), (8, 1, 1)])
@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (1, 1, 1, 1), (2, 0, 4, 4), (3, 1, 5, 1)])
def test_a_layer_is_the_same_on_both_back_ends(shape: tuple[int, ...], channels: int, kernel: int, stride: int) -> None:
    layer = StepConv2d(channels, 16, kernel, stride).double()
    x = _images(*shape[:2], channels, *shape[2:])
    found = {}
    for backend in ("eager", "compiled"):
        layer.backend = backend  # type: ignore[assignment]
        found[backend] = layer(x)
        images = found[backend].flatten(0, 1)
        assert not x.numel() or images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found["compiled"], found["eager"], rtol=1e-12, atol=1e-12)


def test_a_network_hands_its_back_end_to_its_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SpikingResNet(ModelChoices(depth=1, width=8, timesteps=2), in_channels=1, classes=10)
    seen = []
    convolve = convolution.convolve
    monkeypatch.setattr(convolution, "convolve", lambda *given: seen.append(given) or convolve(*given))
    network.use_backend("eager")
    network(torch.rand(2, 1, 8, 8))
    assert not seen
    network.use_backend("compiled")
    network(torch.rand(2, 1, 8, 8))
    assert len(seen) == sum(isinstance(each, StepConv2d) for each in network.modules())


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("which", ["output", "inputs", "weights", "weights_of_bytes"])
def test_too_little_memory_is_an_error(which: str, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = torch.randn(2, 8, 4, 4), torch.randn(8, 8, 3, 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1 << 40)  # each of them needs some
    call = convolution._Call(x, w, stride)
    with pytest.raises(MemoryError, match=r"a convolution of \(2, 8, 4, 4\): not enough memory"):
        call(which, x, x, x)
