"""Encoders: exact against the reference numbers, within the range they declare."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_modules import catalogue, create
from lightning_modules.level import Level

NAMES = [name for name, entry in catalogue.levels("encoding").items() if entry.facts["input"] == "images"]
REFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "latency_linear": ("latency", {"form": "linear"}),
    "latency_log": ("latency", {"form": "log"}),
    "weighted_phase": ("phase", {}),
}


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("reference", REFERENCES)
def test_spikes_equal_the_reference(levels: dict[str, Tensor], reference: str) -> None:
    """Without tolerance: the rounding is the source's."""
    name, options = REFERENCES[reference]
    x = levels[f"encoder/{reference}_x" if name == "phase" else "encoder/x"]
    assert torch.equal(create("encoding", name, timesteps=6, **options)(x), levels[f"encoder/{reference}"])


@pytest.mark.parametrize("timesteps", [1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_shape_and_values_are_as_declared(name: str, timesteps: int) -> None:
    encoder = create("encoding", name, timesteps=timesteps)
    x = image(2, 3, 5, 7) if encoder.input_range == "unit" else 4 * image(2, 3, 5, 7) - 2
    out = encoder(x)
    assert out.shape == (timesteps, 2, 3, 5, 7)
    assert out.dtype == x.dtype
    assert not encoder.binary or set(out.unique().tolist()) <= {0.0, 1.0}
    assert not encoder.static or torch.equal(out, out[:1].expand_as(out))


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_and_the_encoder_state_the_same_facts(name: str) -> None:
    encoder = create("encoding", name, timesteps=2)
    for fact in ("input_range", "stochastic", "binary", "static"):
        assert getattr(encoder, fact) == catalogue.fact("encoding", Level(name), fact)


def test_direct_copies_nothing() -> None:
    x = image(2, 3, 4, 4)
    assert create("encoding", "direct", timesteps=3)(x).data_ptr() == x.data_ptr()


def test_poisson_fires_where_the_noise_is_not_above_the_pixel() -> None:
    x = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    noise = torch.tensor([0.0, 0.25, 0.999]).view(3, 1, 1, 1, 1).expand(3, 1, 1, 1, 3)
    out = create("encoding", "poisson", timesteps=3)(x, noise)
    assert out.view(3, 3).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]


def test_signed_poisson_keeps_the_sign_and_halves_the_rate() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5]).view(1, 1, 1, 4)
    noise = torch.tensor([0.0, 0.25, 0.3]).view(3, 1, 1, 1, 1).expand(3, 1, 1, 1, 4)
    out = create("encoding", "poisson_signed", timesteps=3)(x, noise)
    assert out.view(3, 4).tolist() == [[-1, -1, 0, 1], [-1, -1, 0, 1], [-1, 0, 0, 0]]


@pytest.mark.parametrize(("name", "x", "rate"), [("poisson", 0.3, 0.3), ("poisson_signed", -0.6, -0.3)])
def test_rates_approach_the_pixel(name: str, x: float, rate: float) -> None:
    """20,000 draws: five standard errors are 0.017."""
    torch.manual_seed(0)
    out = create("encoding", name, timesteps=200)(torch.full((1, 1, 10, 10), x))
    assert abs(out.mean().item() - rate) < 0.017


def test_noise_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="noise: shape"):
        create("encoding", "poisson", timesteps=3)(image(2, 1, 4, 4), image(2, 2, 1, 4, 4))


def test_the_same_noise_gives_the_same_spikes_and_permutes_with_the_samples() -> None:
    encoder, x, noise = create("encoding", "poisson", timesteps=4), image(3, 1, 4, 4), image(4, 3, 1, 4, 4, seed=1)
    order = torch.tensor([2, 0, 1])
    assert torch.equal(encoder(x, noise)[:, order], encoder(x[order], noise[:, order]))


@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize("timesteps", [1, 2, 8, 50, 1000])
def test_latency_is_one_spike_and_brighter_is_never_later(form: str, timesteps: int) -> None:
    x = torch.linspace(0, 1, 101).view(1, 1, 1, -1)
    out = create("encoding", "latency", timesteps=timesteps, form=form)(x)
    assert torch.equal(out.sum(0), torch.ones_like(x))
    times = out.argmax(0).flatten()
    assert (times.diff() <= 0).all()
    assert (times[0], times[-1]) == (timesteps - 1, 0)


@pytest.mark.parametrize("form", ["linear", "log"])
def test_latency_can_silence_zeros(form: str) -> None:
    x = torch.tensor([0.0, 1e-6, 1.0]).view(1, 1, 1, 3)
    out = create("encoding", "latency", timesteps=4, form=form, drop_zero=True)(x)
    assert out.sum(0).flatten().tolist() == [0, 1, 1]


def test_weighted_phase_adds_up_to_the_pixel() -> None:
    """To the last bit: 2^-6 at T = 6; the brightest is 1 - 2^-6."""
    x = image(2, 3, 5, 5)
    total = create("encoding", "phase", timesteps=6, weighted=True)(x).sum(0)
    assert ((x - total >= 0) & (x - total < 2**-6)).all()
    one = create("encoding", "phase", timesteps=6, weighted=True)(torch.ones(1, 1, 1, 1))
    assert one.sum().item() == 1 - 2**-6


def test_phase_repeats_after_its_period_and_can_be_cut() -> None:
    x = image(2, 1, 3, 3)
    out = create("encoding", "phase", timesteps=7, period=3)(x)
    assert torch.equal(out[:3], out[3:6])
    assert torch.equal(out[6], out[0])
    assert not create("encoding", "phase", timesteps=7, weighted=True).binary


def test_impossible_steps_and_periods_are_refused() -> None:
    with pytest.raises(ValueError, match="timesteps: 0"):
        create("encoding", "direct", timesteps=0)
    with pytest.raises(ValueError, match="at most 24"):
        create("encoding", "phase", timesteps=25)
