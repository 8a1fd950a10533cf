from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lightning_modules import catalogue, create
from lightning_modules.layers import Layers


def _shortcut(level: str, stride: int = 2) -> nn.Module:
    layers = Layers(timesteps=3, normalization="bn")
    return create("shortcut", level, in_channels=4, out_channels=8, stride=stride, layers=layers)


def _x(height: int = 6, width: int = 6) -> Tensor:
    return torch.randn(3, 2, 4, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("level", list(catalogue.levels("shortcut")))
@pytest.mark.parametrize(("stride", "size", "expected"), [(2, 6, 3), (2, 7, 4), (2, 1, 1), (1, 5, 5)])
def test_shapes_agree_with_a_3x3_convolution_of_the_same_stride(
    level: str, stride: int, size: int, expected: int
) -> None:
    assert _shortcut(level, stride)(_x(size, size)).shape == (3, 2, 8, expected, expected)


@pytest.mark.parametrize("level", list(catalogue.levels("shortcut")))
def test_only_spiking_shortcuts_end_in_spikes(level: str) -> None:
    binary = set(_shortcut(level)(_x()).unique().tolist()) <= {0.0, 1.0}
    assert binary == catalogue.entry("shortcut", level).facts["spiking"]


def test_conv_norm_reads_every_second_pixel_and_normalises() -> None:
    shortcut = _shortcut("conv_norm").double()
    x = _x().double()
    current = torch.einsum("oc,tnchw->tnohw", shortcut.conv.weight[:, :, 0, 0], x[..., ::2, ::2])
    mean = current.mean((0, 1, 3, 4), keepdim=True)
    deviation = (current.var((0, 1, 3, 4), keepdim=True, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(shortcut(x), (current - mean) / deviation)


def test_conv_norm_sn_is_the_neuron_behind_conv_norm() -> None:
    shortcut = _shortcut("conv_norm_sn")
    current = shortcut.fire.norm(shortcut.conv(_x()))
    assert torch.equal(shortcut(_x()), shortcut.fire.neuron(current))


def test_sn_conv_norm_convolves_spikes() -> None:
    shortcut = _shortcut("sn_conv_norm")
    seen: list[Tensor] = []
    shortcut.conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    shortcut(3 * _x())
    assert set(seen[0].unique().tolist()) == {0.0, 1.0}


def test_avgpool_conv_norm_reads_the_mean_of_each_square() -> None:
    shortcut = _shortcut("avgpool_conv_norm").double()
    x = _x().double()
    means = x.unflatten(-1, (3, 2)).unflatten(-3, (3, 2)).mean((-1, -3))
    current = torch.einsum("oc,tnchw->tnohw", shortcut.conv.weight[:, :, 0, 0], means)
    torch.testing.assert_close(shortcut.conv(shortcut.pool(x.flatten(0, 1)).unflatten(0, (3, 2))), current)
    assert shortcut(x).shape == current.shape
