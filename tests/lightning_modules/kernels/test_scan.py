"""The scan with a hand-written gradient equals the plain loop, and the gradient is that of the smoothed neuron."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from lightning_modules import create
from lightning_modules.kernels.eager import Dynamics, spikes_by_loop
from lightning_modules.kernels.scan import input_gradient, spikes_by_scan
from lightning_modules.surrogate import Surrogate

CASES = [
    Dynamics(leak, gain, 0.7, reset, detach, fire, scale)
    for (leak, gain), reset, detach, fire, scale in product(
        [(0.8744, 1.0), (0.5, 0.5)], ["subtract", "zero", "none"], [True, False], ["gt", "ge"], ["theta", "none"]
    )
]


def _input(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return x, torch.randn(*shape, generator=generator, dtype=torch.float64)


def _run(function, x: Tensor, g: Tensor, dynamics: Dynamics, surrogate: Surrogate) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
    x = x.clone().requires_grad_()
    spikes = function(x, dynamics, surrogate)
    spikes.backward(g)
    assert x.grad is not None
    return spikes.detach(), x.grad


@pytest.mark.parametrize("dynamics", CASES, ids=str)
def test_scan_and_loop_agree_in_float64(dynamics: Dynamics) -> None:
    """Spikes equal, gradients to 1e-12."""
    x, g = _input(7, 3, 5, 3, 1)
    surrogate = create("surrogate", "atan")
    spikes, grad = _run(spikes_by_scan, x, g, dynamics, surrogate)
    expected, expected_grad = _run(spikes_by_loop, x, g, dynamics, surrogate)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.mean() < 1
    torch.testing.assert_close(grad, expected_grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["triangle", "rectangle", "sigmoid", "fast_sigmoid"])
def test_scan_and_loop_agree_for_every_surrogate(name: str) -> None:
    x, g = _input(5, 11)
    surrogate = create("surrogate", name)
    for a, b in zip(
        _run(spikes_by_scan, x, g, Dynamics(0.9), surrogate),
        _run(spikes_by_loop, x, g, Dynamics(0.9), surrogate),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_the_scan_s_gradient_is_that_of_the_smoothed_neuron(reset: str) -> None:
    """With smooth spikes in place of steps, finite differences (float64, 1e-7) confirm the backward scan."""
    dynamics = Dynamics(0.8, 0.9, 0.7, reset, detach_reset=False)
    surrogate = create("surrogate", "sigmoid", alpha=3.0)
    x, g = _input(6, 4)

    def smooth(current: Tensor) -> tuple[Tensor, Tensor]:
        v, membranes, spikes = torch.zeros(current.shape[1:], dtype=current.dtype), [], []
        for step in current:
            membranes.append(0.8 * v + 0.9 * step)
            spikes.append(surrogate.smooth(membranes[-1] / 0.7 - 1))
            after = {"subtract": -0.7 * spikes[-1], "zero": -membranes[-1] * spikes[-1], "none": 0.0}
            v = membranes[-1] + after[reset]
        return torch.stack(membranes), torch.stack(spikes)

    analytic = input_gradient(g, *smooth(x), dynamics, surrogate)
    numeric = torch.zeros_like(x)
    for index in range(x.numel()):
        step = torch.zeros_like(x)
        step.view(-1)[index] = 1e-6
        numeric.view(-1)[index] = ((smooth(x + step)[1] - smooth(x - step)[1]) * g).sum() / 2e-6
    torch.testing.assert_close(analytic, numeric, rtol=1e-7, atol=1e-7)


def test_without_a_gradient_the_same_spikes_come_out() -> None:
    x, _ = _input(5, 2, 3)
    surrogate = create("surrogate", "triangle")
    with torch.no_grad():
        quiet = spikes_by_scan(x.clone().requires_grad_(), Dynamics(0.9), surrogate)
    assert torch.equal(quiet, spikes_by_scan(x.clone().requires_grad_(), Dynamics(0.9), surrogate))
    assert torch.equal(quiet, spikes_by_scan(x, Dynamics(0.9), surrogate))


def test_expanded_and_strided_inputs_are_read_correctly() -> None:
    x, _ = _input(2, 3, 4)
    surrogate = create("surrogate", "triangle")
    repeated = x[:1].expand(6, 3, 4)
    assert torch.equal(
        spikes_by_scan(repeated, Dynamics(0.9), surrogate),
        spikes_by_scan(repeated.contiguous(), Dynamics(0.9), surrogate),
    )
    turned = x.movedim(2, 0).requires_grad_()
    spikes_by_scan(turned, Dynamics(0.9), surrogate).sum().backward()
    expected = spikes_by_loop(turned, Dynamics(0.9), surrogate)
    assert torch.equal(spikes_by_scan(turned, Dynamics(0.9), surrogate), expected)
