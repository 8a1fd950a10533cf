from __future__ import annotations

import math

import pytest
import torch

from lightning_modules import create
from lightning_modules.choices import ModelChoices
from lightning_modules.network import SpikingResNet


def test_xavier_fills_its_interval_evenly() -> None:
    weight = torch.empty(64, 32, 3, 3)
    create("initialization", "xavier")(weight, torch.Generator().manual_seed(0))
    bound = 2 * math.sqrt(6 / (9 * (64 + 32)))
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("fan", "connections"), [("in", 9 * 32), ("out", 9 * 64)])
def test_kaiming_has_the_deviation_of_its_fan(fan: str, connections: int) -> None:
    weight = torch.empty(64, 32, 3, 3)
    create("initialization", "kaiming", fan=fan)(weight, torch.Generator().manual_seed(0))
    assert weight.std().item() == pytest.approx(math.sqrt(2 / connections), rel=0.02)


@pytest.mark.parametrize("level", ["xavier", "kaiming"])
def test_the_generator_decides_and_the_global_one_is_left_alone(level: str) -> None:
    fill = create("initialization", level)
    before = torch.get_rng_state()
    first, second = torch.empty(4, 3), torch.empty(4, 3)
    for weight in (first, second):
        fill(weight, torch.Generator().manual_seed(7))
    assert torch.equal(first, second) and torch.equal(before, torch.get_rng_state())


def test_every_convolution_and_linear_layer_of_a_network_starts_by_its_level() -> None:
    def largest(gain: float) -> dict[str, float]:
        torch.manual_seed(0)
        choices = ModelChoices.model_validate(
            {"depth": 1, "width": 4, "timesteps": 2, "initialization": {"name": "xavier", "gain": gain}}
        )
        network = SpikingResNet(choices, in_channels=1, classes=3)
        weights = {name: value for name, value in network.named_parameters() if "norm" not in name}
        return {name: value.abs().max().item() for name, value in weights.items()}

    small, large = largest(0.5), largest(1.0)
    assert len(small) == 10 and large == pytest.approx({name: 2 * value for name, value in small.items()})
