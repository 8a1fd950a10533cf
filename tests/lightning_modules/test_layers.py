"""The convolution of every step at once, against the plain one of each step."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d

from lightning_modules.layers import StepConv2d


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 1)])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_outputs_and_gradients_are_those_of_each_step(
    kernel: int, stride: int, size: tuple[int, int], channels: int
) -> None:
    torch.manual_seed(0)
    layer = StepConv2d(channels, 4, kernel, stride).double()
    x = torch.randn(3, 2, channels, *size, dtype=torch.float64, requires_grad=True)
    plain, weight = x.detach().clone().requires_grad_(), layer.weight.detach().clone().requires_grad_()

    found = layer(x)
    expected = torch.stack([conv2d(step, weight, None, stride, kernel // 2) for step in plain])
    upstream = torch.randn_like(expected)
    found.backward(upstream)
    expected.backward(upstream)

    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(x.grad, plain.grad)
    torch.testing.assert_close(layer.weight.grad, weight.grad)


def test_a_strided_convolution_of_single_pixels_keeps_its_stride_for_who_counts_its_products() -> None:
    assert StepConv2d(2, 4, 1, 2).stride == (2, 2)
