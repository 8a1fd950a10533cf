"""Diagnostics tell silence, saturation, gradients and the size of summed spikes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.module import TensorData
from lightning_modules.diagnostics import diagnose


def classifier(**model: Any) -> SpikingClassifier:
    choices = ModelChoices.model_validate({"depth": 1, "width": 2, "timesteps": 2, "normalization": "bn", **model})
    return SpikingClassifier(choices, TrainingChoices(), in_channels=1, classes=10)


@pytest.fixture(scope="module")
def digits() -> TensorData:
    return data.open(
        DataChoices(name="digits", batch_size=64), encoder=create("encoding", "direct", timesteps=1), seed=0
    )


def column(rows: list[dict[str, Any]], name: str) -> dict[str, float]:
    return {row["layer"]: row[name] for row in rows if row[name] is not None}


def test_a_layer_that_cannot_reach_its_threshold_is_silent(digits: TensorData) -> None:
    model = classifier()
    with torch.no_grad():
        model.network.stem.fire.norm.weight.zero_()
        model.network.stem.fire.norm.bias.fill_(-1.0)
    rows = diagnose(model, digits)
    assert column(rows, "silent")["stem.fire"] == 1
    assert column(rows, "saturated")["stem.fire"] == 0


def test_a_layer_that_always_passes_its_threshold_is_saturated(digits: TensorData) -> None:
    model = classifier()
    with torch.no_grad():
        model.network.stem.fire.norm.weight.zero_()
        model.network.stem.fire.norm.bias.fill_(5.0)
    rows = diagnose(model, digits)
    assert column(rows, "silent")["stem.fire"] == 0
    assert column(rows, "saturated")["stem.fire"] == 1


def test_added_spikes_grow_with_depth_and_logic_stays_binary(digits: TensorData) -> None:
    added = column(diagnose(classifier(residual="sew_add", depth=2), digits), "largest")
    assert set(added.values()) <= {0, 1, 2, 3}
    assert added["stages.0.1"] > 1
    logic = column(diagnose(classifier(residual="or", depth=2), digits), "largest")
    assert set(logic.values()) <= {0, 1}


def test_gradient_norms_are_those_of_the_training_loss(digits: TensorData) -> None:
    model = classifier()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    norms = column(diagnose(model, digits), "gradient_norm")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    x, target, _ = next(iter(digits.train_dataloader()))
    torch.nn.functional.cross_entropy(model(x), target).backward()
    for layer, norm in norms.items():
        assert norm == pytest.approx(float(model.network.get_submodule(layer).weight.grad.norm()), rel=1e-5)
