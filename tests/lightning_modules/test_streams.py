"""Random streams: keyed, independent, and statistically sound."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from lightning_modules import streams
from lightning_modules.choices import ModelChoices
from lightning_modules.network import SpikingResNet

SHAPE = (3, 16, 16)


def draw(seed: int = 0, purpose: str = "encoder", epoch: int = 0, samples: int = 64, steps: int = 4) -> torch.Tensor:
    return streams.uniform(seed, purpose, epoch, torch.arange(samples), steps, SHAPE)


def splitmix(word: int) -> int:
    """The published function on Python integers."""
    mask = (1 << 64) - 1
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    return word ^ (word >> 31)


def test_uniform_equals_the_published_function_on_python_integers() -> None:
    mask, golden = (1 << 64) - 1, 0x9E3779B97F4A7C15
    drawn = streams.uniform(3, "encoder", 1, torch.tensor([5, 9]), 2, (1, 2, 3))
    key = splitmix((9 * golden + streams.stream_seed(3, "encoder", 1)) & mask)
    key = splitmix((key + 2 * golden) & mask)
    expected = [(splitmix((key + place * golden) & mask) >> 40) / 2**24 for place in range(1, 7)]
    assert drawn[1, 1].flatten().tolist() == expected


def test_uniform_stays_in_the_half_open_unit_interval() -> None:
    drawn = draw(samples=500)
    assert drawn.dtype == torch.float32
    assert 0 <= drawn.min() < 1e-4
    assert 1 - 1e-4 < drawn.max() < 1


def test_uniform_has_the_moments_and_the_flat_histogram_of_its_name() -> None:
    drawn = draw(samples=200).double().flatten()
    n = len(drawn)
    assert abs(drawn.mean() - 0.5) < 4 * math.sqrt(1 / 12 / n)
    assert abs(drawn.var() - 1 / 12) < 4 * math.sqrt(1 / 180 / n)
    counts = torch.histc(drawn, bins=256, min=0, max=1)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_the_low_bits_of_uniform_are_flat_too() -> None:
    words = (draw(samples=200).double() * 2**24).long().flatten()
    counts = torch.bincount(words & 255, minlength=256)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"seed": 2**32},
        {"epoch": 1},
        {"purpose": "augmentation"},
    ],
)
def test_neighbouring_streams_are_uncorrelated(other: dict[str, int]) -> None:
    one, two = draw().flatten(), draw(**other).flatten()  # type: ignore[arg-type]
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 4 / math.sqrt(len(one))


@pytest.mark.parametrize("dim", range(5), ids=["step", "sample", "channel", "row", "column"])
def test_neighbouring_counters_are_uncorrelated_and_jointly_flat(dim: int) -> None:
    drawn = draw()
    length = drawn.shape[dim] - 1
    one, two = drawn.narrow(dim, 0, length).flatten(), drawn.narrow(dim, 1, length).flatten()
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 4 / math.sqrt(len(one))
    joint = torch.bincount((one * 16).long() * 16 + (two * 16).long(), minlength=256)
    assert stats.chisquare(joint.numpy()).pvalue > 1e-3


def test_first_pixels_of_many_epochs_and_seeds_are_flat() -> None:
    firsts = torch.stack(
        [streams.uniform(seed, "encoder", epoch, torch.arange(8), 1, (1,)) for seed in range(40) for epoch in range(40)]
    )
    counts = torch.histc(firsts.flatten(), bins=64, min=0, max=1)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_uniform_does_not_depend_on_the_batch() -> None:
    whole = draw(samples=10)
    picked = streams.uniform(0, "encoder", 0, torch.tensor([7, 2]), 4, SHAPE)
    assert torch.equal(picked, whole[:, [7, 2]])


def test_first_steps_agree_between_different_numbers_of_steps() -> None:
    assert torch.equal(draw(steps=2), draw(steps=8)[:2])


def test_uniform_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    draw()
    streams.generator(0, "order", 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_stream_seed_tells_apart_what_joins_to_the_same_text() -> None:
    seeds = {streams.stream_seed(*parts) for parts in [(1, "a", 2), (1, "a2"), (1, "a", "2"), (1, 2, "a"), (12, "a")]}
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_stream_seed_is_the_same_in_every_process() -> None:
    assert streams.stream_seed(0, "order", 0) == 8583472643440827079


def started(seed: int, **model: object) -> dict[str, torch.Tensor]:
    choices = ModelChoices.model_validate({"depth": 1, "width": 4, "timesteps": 3, "normalization": "bn", **model})
    network = SpikingResNet(choices, in_channels=1, classes=3)
    streams.initialise(network, seed)
    return dict(network.named_parameters())


@pytest.mark.parametrize("level", [{"residual": "ms"}, {"neuron": "psn"}, {"normalization": "tebn"}, {"timesteps": 5}])
def test_networks_of_a_seed_start_alike_wherever_they_share_a_name_and_a_shape(level: dict[str, object]) -> None:
    one, other = started(0), started(0, **level)
    shared = [name for name in one if name in other and ("conv" in name or "linear" in name)]
    assert len(shared) == 10
    assert all(torch.equal(one[name], other[name]) for name in shared)


def test_every_random_weight_changes_with_the_seed_and_with_nothing_else() -> None:
    first, again, other = started(0, neuron="psn"), started(0, neuron="psn"), started(1, neuron="psn")
    drawn = [name for name in first if name.endswith("weight") and "norm" not in name]
    assert len(drawn) == 10 + 7
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in drawn)
