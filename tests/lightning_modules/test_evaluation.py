"""Accuracy against inference steps."""

from __future__ import annotations

import pytest
import torch

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.evaluation import accuracy_by_steps


def classifier(**model: object) -> SpikingClassifier:
    sizes = {"depth": 1, "width": 2, "timesteps": 3, **model}
    return SpikingClassifier(ModelChoices.model_validate(sizes), TrainingChoices(), in_channels=1, classes=10).eval()


def digits() -> data.TensorData:
    return data.open(
        DataChoices(name="digits", batch_size=64), encoder=create("encoding", "direct", timesteps=1), seed=0
    )


def test_each_step_equals_the_readout_of_its_outputs() -> None:
    made, module = classifier(), digits()

    accuracies = accuracy_by_steps(made, module.test_dataloader(), [1, 3])

    right = {1: 0, 3: 0}
    with torch.no_grad():
        for x, target, _ in module.test_dataloader():
            outputs = made.network.outputs(x)
            right[1] += int((outputs[0].argmax(-1) == target).sum())
            right[3] += int((outputs.mean(0).argmax(-1) == target).sum())
    assert accuracies == {1: right[1] / 359, 3: right[3] / 359}


def test_another_number_of_steps_works_where_no_level_has_it_baked_in() -> None:
    made = classifier(normalization="bn")
    made.network.set_timesteps(5)

    assert set(accuracy_by_steps(made, digits().test_dataloader(), range(1, 6))) == {1, 2, 3, 4, 5}


def test_it_is_refused_by_name_where_one_has() -> None:
    with pytest.raises(ValueError, match="normalization bntt has T = 3 baked into its weights, not 5"):
        classifier(normalization="bntt").network.set_timesteps(5)


@pytest.mark.parametrize("steps", [0, 4])
def test_steps_that_the_network_does_not_run_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps: {steps} is not between 1 and the network's 3"):
        accuracy_by_steps(classifier(), digits().test_dataloader(), [steps])
