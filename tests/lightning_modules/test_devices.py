"""What would fail or wait on a GPU, found without one: tensors of the device `meta` have no values to look at.

An operation on tensors of two devices fails there as on a GPU, and so does whatever has to know a value, for which one
would wait until a GPU has done all that it was given.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from test_on_gpu import levels

from lightning_modules.classifier import SpikingClassifier
from lightning_modules.diagnostics import watched
from lightning_modules.operations import counted
from lightning_modules.stacking import StackedClassifier

DEVICE = "meta"


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize(("model", "training", "shape"), levels())
def test_a_step_lies_on_one_device_and_asks_for_no_value(
    model: dict[str, Any], training: dict[str, Any], shape: tuple[int, ...], stacked: bool
) -> None:
    sizes = {"depth": 1, "width": 4, "timesteps": 3, "frame_size": 8} | model
    settings = training | {"rate_weight": 0.1}
    made = [
        SpikingClassifier(sizes, settings, in_channels=shape[-3], classes=4, events=len(shape) == 4, seed=seed)
        for seed in range(2)
    ]
    classifier: Any = (StackedClassifier(made) if stacked else made[0]).to(DEVICE)
    network = classifier.folded.network if stacked else classifier.network
    x, index = torch.rand(5, *shape, device=DEVICE), torch.arange(5, device=DEVICE)
    batch: Any = (x, index % 4, index)
    batch = [batch] * 2 if stacked else batch

    classifier.training_step(batch, 0).backward()

    assert all(each.grad is not None and each.grad.device.type == DEVICE for each in network.parameters())
    classifier.eval()
    # How many weights of a parallel neuron count is asked once, before anything is counted.
    counting = nullcontext() if "psn" in model.get("neuron", "") else counted(network)
    with torch.no_grad(), counting, watched(network):
        classifier.validation_step(batch, 0)


def test_tensors_of_two_devices_and_questions_for_values_are_found() -> None:
    """What the test above rests on."""
    x = torch.rand(3, device=DEVICE)
    with pytest.raises(RuntimeError, match="device"):
        x + torch.rand(3)
    with pytest.raises(RuntimeError, match="meta"):
        bool(x.sum() > 0)
