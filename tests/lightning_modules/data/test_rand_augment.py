"""RandAugment: the operations of the paper, drawn per (seed, epoch, sample) and from nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_modules import constraints, streams
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.augmentation import DRAWS, Standard
from lightning_modules.data.rand_augment import OPERATIONS, RandAugment

COUNT = 112
FILL = torch.tensor([120, 130, 110], dtype=torch.uint8)


def images() -> Tensor:
    """Ramps with noise, so that every operation changes something."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(10, 200, 16).view(1, 1, 1, 16).expand(COUNT, 3, 16, 16)
    return (ramp + 40 * torch.rand(COUNT, 3, 16, 16, generator=generator)).to(torch.uint8)


def draws(n: int) -> Tensor:
    return streams.uniform(0, "augment", 0, torch.arange(COUNT), 1, (DRAWS + 2 * n,))[0]


def alone(operation: str, stored: Tensor, m: float, *, sign: float = 0.9) -> Tensor:
    """One operation on all images, neither cropped nor flipped."""
    drawn = torch.full((len(stored), DRAWS + 2), 0.5)
    drawn[:, 5] = (OPERATIONS.index(operation) + 0.5) / len(OPERATIONS)
    drawn[:, 6] = sign
    return RandAugment(1, m, padding=0, flip=False)(stored, drawn, FILL[: stored.shape[1]])


@pytest.mark.parametrize("channels", [1, 3])
def test_what_happens_to_a_sample_does_not_depend_on_its_batch(channels: int) -> None:
    stored, drawn = images()[:, :channels], draws(2)
    augment = RandAugment(2, 15)
    whole = augment(stored, drawn, FILL[:channels])
    parts = [augment(stored[part], drawn[part], FILL[:channels]) for part in torch.arange(COUNT).split(9)]
    assert whole.dtype == torch.uint8
    assert torch.equal(whole, torch.cat(parts))
    assert torch.equal(stored, images()[:, :channels])


def test_no_generator_is_read_or_changed() -> None:
    before = torch.get_rng_state()
    first = RandAugment(3, 20)(images(), draws(3), FILL)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(RandAugment(3, 20)(images(), draws(3), FILL), first)


def test_crop_and_flip_are_those_of_standard() -> None:
    """Samples whose one operation is the identity, a fourteenth of them, show it."""
    drawn = draws(1)
    kept = drawn[:, DRAWS] < 1 / len(OPERATIONS)
    assert kept.any() and not kept.all()
    expected = Standard()(images(), drawn, FILL)
    augmented = RandAugment(1, 30)(images(), drawn, FILL)
    assert torch.equal(augmented[kept], expected[kept])
    assert (augmented[~kept] != expected[~kept]).flatten(1).any(1).all()


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each not in ("autocontrast", "equalize")])
def test_magnitude_0_changes_nothing(operation: str) -> None:
    assert torch.equal(alone(operation, images()[:8], 0), images()[:8])


def test_amounts_of_magnitude_30_are_those_of_the_source() -> None:
    stored = images()[:8]
    assert torch.equal(alone("solarize", stored, 30), 255 - stored)
    assert torch.equal(alone("posterize", stored, 30), stored // 16 * 16)
    assert (alone("brightness", stored, 30, sign=0.1) - stored * 0.1).abs().max() < 0.51
    grey = alone("color", stored, 30, sign=0.1).float()
    assert (grey.amax(1) - grey.amin(1)).max() <= 0.1 * (stored.amax(1) - stored.amin(1)).max() + 1
    right = alone("translate_x", stored, 30)
    assert torch.equal(right[..., 7:], stored[..., :9])
    assert (right[..., :7] == FILL.view(-1, 1, 1)).all()
    down = alone("translate_y", stored, 30, sign=0.1)
    assert torch.equal(down[..., :9, :], stored[..., 7:, :])


def test_rotation_and_shear_keep_the_centre_and_go_both_ways() -> None:
    spot = torch.zeros(1, 1, 31, 31, dtype=torch.uint8)
    spot[..., 15, 15] = 255
    upright = torch.zeros(1, 1, 31, 31, dtype=torch.uint8)
    upright[..., 15] = 255
    for operation in ("rotate", "shear_x", "shear_y"):
        assert alone(operation, spot, 30)[0, 0, 15, 15] == 255
    slanted, other = (alone("shear_x", upright, 30, sign=sign)[0, 0].argmax(1) for sign in (0.1, 0.9))
    assert abs(int(slanted[0] - slanted[-1])) in (9, 10)
    assert torch.equal(slanted, other.flip(0))


def equalized(channel: Tensor) -> Tensor:
    """The definition of PIL's `ImageOps.equalize`, value by value."""
    histogram = torch.bincount(channel.flatten().long(), minlength=256).tolist()
    step = (channel.numel() - [count for count in histogram if count][-1]) // 255
    if not step:
        return channel
    table, seen = [], step // 2
    for count in histogram:
        table.append(min(seen // step, 255))
        seen += count
    return torch.tensor(table, dtype=torch.uint8)[channel.long()]


def test_autocontrast_spans_all_values_and_equalize_flattens_the_histogram() -> None:
    stored = images()[:8]
    spread = alone("autocontrast", stored, 9)
    assert (spread.amin((2, 3)) == 0).all() and (spread.amax((2, 3)) == 255).all()
    large = images().view(7, 3, 64, 64)
    expected = torch.stack([torch.stack([equalized(channel) for channel in image]) for image in large])
    assert not torch.equal(expected, large)
    assert torch.equal(alone("equalize", large, 9), expected)
    even = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(alone("equalize", even, 9), even)
    assert torch.equal(alone("autocontrast", even, 9), even)


def test_it_is_a_level_for_images_of_256_grey_values() -> None:
    built = create("augment", "randaugment", n=3, m=5.0)
    assert (built.n, built.m, built.draws) == (3, 5.0, 11)
    reasons = {
        name: constraints.augmentation_suits_data(DataChoices(name=name, augment="randaugment"))  # type: ignore[arg-type]
        for name in ("cifar10", "mnist", "digits", "digits_dvs")
    }
    assert reasons["cifar10"] is None and reasons["mnist"] is None
    assert "digits has 16" in str(reasons["digits"])
    assert "randaugment augments images" in str(reasons["digits_dvs"])
