"""Accuracy against inference steps."""

from __future__ import annotations

import pytest
import torch

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.early_steps import early_steps
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


@pytest.mark.parametrize(
    ("timesteps", "steps"), [(1, (1,)), (2, (1, 2)), (4, (1, 2, 4)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))]
)
def test_runs_are_read_at_powers_of_two_and_at_the_end(timesteps: int, steps: tuple[int, ...]) -> None:
    assert early_steps(classifier(timesteps=timesteps).network) == steps


def test_a_network_that_sees_future_steps_is_not_read_early() -> None:
    """Its output at step 1 is made of all steps: cutting it would show an accuracy that no early exit has."""
    seeing, masked = classifier(neuron="psn"), classifier(neuron="masked_psn")

    assert early_steps(seeing.network) == ()
    assert early_steps(masked.network) == (1, 2, 3)
    with pytest.raises(ValueError, match="steps: neuron psn sees future steps: its output cannot be read before"):
        accuracy_by_steps(seeing, digits().test_dataloader(), [1, 3])
    assert set(accuracy_by_steps(seeing, digits().test_dataloader(), [3])) == {3}


def test_what_is_read_early_does_not_depend_on_later_frames() -> None:
    """The reason why one pass serves all cuts: the first t steps alone give the same outputs."""
    made = classifier(normalization="bn", neuron="lif")
    x = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        whole = made.network.outputs(x)
        made.network.set_timesteps(2)
        short = made.network.outputs(x)
    torch.testing.assert_close(whole[:2], short)


@pytest.mark.parametrize("steps", [0, 4])
def test_steps_that_the_network_does_not_run_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps: {steps} is not between 1 and the network's 3"):
        accuracy_by_steps(classifier(), digits().test_dataloader(), [steps])
