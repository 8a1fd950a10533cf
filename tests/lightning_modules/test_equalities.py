"""Choices said to be the same function are, in outputs and gradients; others are not said to be."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lightning_modules.choices import ModelChoices
from lightning_modules.equalities import same_function
from lightning_modules.network import SpikingResNet

SMALL: dict[str, Any] = {"depth": 1, "width": 8, "timesteps": 3, "residual": "sew_add", "normalization": "bn"}


def choices(**changes: Any) -> ModelChoices:
    return ModelChoices.model_validate({**SMALL, **changes})


EQUAL = [
    (choices(normalization="tdbn"), choices()),
    (choices(normalization={"name": "tdbn", "factor": "initial_gamma"}), choices()),
    (choices(normalization={"name": "tdbn", "eps": 1e-3}), choices(normalization={"name": "bn", "eps": 1e-3})),
    (choices(normalization="bn_step", timesteps=1), choices(timesteps=1)),
    (choices(neuron="lif", leak=1.0), choices(neuron="if")),
    (choices(scale="none"), choices(scale="theta")),
]


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_what_is_said_to_be_the_same_is(first: ModelChoices, second: ModelChoices) -> None:
    assert same_function(first, second) and same_function(second, first)
    results = []
    for each in (first, second):
        torch.manual_seed(0)
        network = SpikingResNet(each, in_channels=1, classes=3)
        logits = network(torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
        logits.square().sum().backward()
        results.append([logits, *(parameter.grad for parameter in network.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (choices(), choices()),
        (choices(normalization="tdbn", threshold=0.5), choices(threshold=0.5)),
        (choices(normalization="tdbn", residual="vanilla"), choices(residual="vanilla")),
        (choices(normalization="tdbn", residual="ms"), choices(residual="ms")),
        (choices(normalization="bn_step"), choices()),
        (choices(neuron="lif", leak=0.9), choices(neuron="if")),
        (choices(neuron={"name": "lif", "tau": 2.0}, leak=1.0), choices(neuron="if")),
        (choices(scale="none", threshold=0.5), choices(scale="theta", threshold=0.5)),
        (choices(normalization="tdbn", width=4), choices()),
    ],
)
def test_others_are_not_said_to_be(first: ModelChoices, second: ModelChoices) -> None:
    assert same_function(first, second) is None
