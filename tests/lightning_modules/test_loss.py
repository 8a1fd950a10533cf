"""Losses equal their equations, written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_modules.building import create
from lightning_modules.loss import per_step

STEPS, BATCH, CLASSES = 3, 4, 5


@pytest.fixture
def outputs() -> Tensor:
    return torch.randn(STEPS, BATCH, CLASSES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def target() -> Tensor:
    return torch.tensor([0, 3, 3, 4])


def mean(outputs: Tensor) -> Tensor:
    return outputs.mean(0)


def boosted(outputs: Tensor) -> Tensor:
    """Mean over time of outputs averaged in pairs."""
    return outputs.mean(0).unflatten(-1, (-1, 2)).mean(-1)


def entropy(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    probabilities = torch.full_like(logits, smoothing / logits.shape[-1])
    probabilities[torch.arange(len(target)), target] += 1 - smoothing
    return -(probabilities * logits.log_softmax(-1)).sum(-1).mean()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_taken_on_the_readout(outputs: Tensor, target: Tensor, smoothing: float) -> None:
    loss = create("loss", "cross_entropy", label_smoothing=smoothing)(outputs, target, mean)
    assert torch.allclose(loss, entropy(outputs.mean(0), target, smoothing))


def test_mse_rate_compares_the_mean_over_time_with_the_one_hot_target(outputs: Tensor, target: Tensor) -> None:
    aim = torch.zeros(BATCH, CLASSES, dtype=torch.float64)
    aim[torch.arange(BATCH), target] = 1
    loss = create("loss", "mse_rate")(outputs, target, lambda outputs: outputs.amax(0))
    assert torch.allclose(loss, (outputs.mean(0) - aim).square().mean())


def test_tet_asks_every_step_to_be_right(outputs: Tensor, target: Tensor) -> None:
    loss = create("loss", "tet")(outputs, target, mean)
    steps = torch.stack([entropy(step, target) for step in outputs]).mean()
    assert torch.allclose(loss, (1 - 1e-3) * steps + 1e-3 * (outputs - 1).square().mean())


def test_per_step_keeps_steps_and_samples_apart_and_averages_boosted_outputs() -> None:
    outputs = torch.arange(STEPS * BATCH * 6, dtype=torch.float64).view(STEPS, BATCH, 6)
    expected = torch.stack([boosted(outputs[step : step + 1]) for step in range(STEPS)])
    assert torch.equal(per_step(outputs, boosted), expected)


@pytest.mark.parametrize("level", ["cross_entropy", "mse_rate", "tet"])
def test_every_loss_takes_boosted_outputs(level: str, target: Tensor) -> None:
    outputs = torch.randn(STEPS, BATCH, 2 * CLASSES, requires_grad=True)
    create("loss", level, label_smoothing=0.1)(outputs, target, boosted).backward()
    assert outputs.grad is not None
    assert outputs.grad.abs().sum() > 0
