from __future__ import annotations

import pytest
import torch

from lightning_modules import catalogue, create

_OUTPUTS = torch.tensor([[[1.0, 0.0]], [[0.0, 4.0]], [[2.0, -1.0]]])


@pytest.mark.parametrize(
    ("level", "options", "logits"),
    [
        ("mean_membrane", {}, [1.0, 1.0]),
        ("last_membrane", {"leak": 0.5}, [2.25, 1.0]),
        ("last_membrane", {"leak": 1.0}, [3.0, 3.0]),
        ("max_membrane", {"leak": 0.5}, [2.25, 4.0]),
        ("spike_count", {}, [3.0, 3.0]),
    ],
)
def test_logits_follow_the_equation(level: str, options: dict[str, float], logits: list[float]) -> None:
    """Three steps of two classes: (1, 0), (0, 4), (2, -1)."""
    assert create("readout", level, classes=2, **options)(_OUTPUTS).tolist() == [logits]


def test_boosting_averages_neighbouring_outputs_of_a_class() -> None:
    readout = create("readout", "boosting", classes=3, factor=2)
    outputs = torch.arange(6.0).view(1, 1, 6).repeat(4, 1, 1)
    assert readout(outputs).tolist() == [[0.5, 2.5, 4.5]]


@pytest.mark.parametrize(("level", "outputs"), [("mean_membrane", 5), ("spike_count", 5), ("boosting", 50)])
def test_a_readout_says_how_many_outputs_the_head_needs(level: str, outputs: int) -> None:
    assert create("readout", level, classes=5).outputs == outputs


@pytest.mark.parametrize("level", list(catalogue.levels("readout")))
def test_any_number_of_steps_can_be_read(level: str) -> None:
    readout = create("readout", level, classes=2)
    outputs = torch.rand(4, 3, readout.outputs)
    assert all(readout(outputs[:t]).shape == (3, 2) for t in range(1, 5))


def test_boosted_spikes_vote() -> None:
    readout = create("readout", "boosting", classes=2, spiking=True)
    assert readout.spiking and not create("readout", "boosting", classes=2).spiking
