"""Augmentation of whole batches: the published operations, drawn per (seed, epoch, sample) and from nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_modules import data, streams
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.augmentation import DRAWS, Standard
from lightning_modules.data.module import TensorData

FILL = torch.tensor([9, 8, 7], dtype=torch.uint8)


def images(count: int = 64, height: int = 10, width: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def draws(count: int = 64, epoch: int = 0) -> Tensor:
    return streams.uniform(0, "augment", epoch, torch.arange(count), 1, (DRAWS,))[0]


def one_by_one(image: Tensor, draw: Tensor, *, padding: int, flip: bool, cutout: int) -> Tensor:
    """The definition, for one image: pad, crop, mirror, blank."""
    _, height, width = image.shape
    padded = torch.zeros(3, height + 2 * padding, width + 2 * padding, dtype=torch.uint8)
    padded[:, padding : padding + height, padding : padding + width] = image
    top, left = (int(value * (2 * padding + 1)) for value in draw[:2])
    crop = padded[:, top : top + height, left : left + width].clone()
    if flip and draw[2] < 0.5:
        crop = crop.flip(-1)
    if cutout:
        first = [int(value * size) - cutout // 2 for value, size in zip(draw[3:], (height, width), strict=True)]
        rows, columns = (slice(max(0, start), max(0, start + cutout)) for start in first)
        crop[:, rows, columns] = FILL[:, None, None]
    return crop


@pytest.mark.parametrize(
    ("padding", "flip", "cutout"),
    [(4, True, 0), (4, False, 0), (0, True, 0), (2, True, 4), (0, False, 3), (4, True, 9)],
)
def test_a_batch_is_what_its_images_are_one_by_one(padding: int, flip: bool, cutout: int) -> None:
    augmented = Standard(padding, flip, cutout)(images(), draws(), FILL)
    expected = [
        one_by_one(image, draw, padding=padding, flip=flip, cutout=cutout)
        for image, draw in zip(images(), draws(), strict=True)
    ]
    assert torch.equal(augmented, torch.stack(expected))


def test_every_place_of_the_crop_and_both_sides_occur_equally_often() -> None:
    drawn = draws(40_000)
    places = (drawn[:, :2] * 9).long()
    for column in range(2):
        counts = torch.bincount(places[:, column], minlength=9)
        assert len(counts) == 9
        assert (counts - 40_000 / 9).abs().max() < 5 * (40_000 * 8 / 81) ** 0.5
    assert abs((drawn[:, 2] < 0.5).float().mean() - 0.5) < 0.0125


def test_switching_one_operation_off_leaves_the_others_as_they_were() -> None:
    with_square, without = (Standard(4, True, cutout)(images(), draws(), FILL) for cutout in (4, 0))
    square = (with_square == FILL.view(-1, 1, 1)).all(1, keepdim=True)
    assert torch.equal(torch.where(square, without, with_square), without)


def test_stored_images_are_left_as_they_were() -> None:
    stored = images()
    Standard(4, True, 4)(stored, draws(), FILL)
    assert torch.equal(stored, images())


def module(batch_size: int = 64, seed: int = 0, augment: object = "standard") -> TensorData:
    choices = DataChoices(name="digits", batch_size=batch_size, augment=augment)  # type: ignore[arg-type]
    return data.open(choices, encoder=create("encoding", "poisson", timesteps=1), seed=seed)


def by_sample(loaded: TensorData, epoch: int) -> Tensor:
    """Training images of an epoch in the order of the data set."""
    loader = loaded.train_dataloader()
    loader.sampler.set_epoch(epoch)
    x, _, index = (torch.cat(each) for each in zip(*loader, strict=True))
    return x[index.argsort()]


def test_what_happens_to_a_sample_does_not_depend_on_its_batch() -> None:
    assert torch.equal(by_sample(module(64), 3), by_sample(module(7), 3))


def test_every_epoch_and_every_seed_draw_anew_and_come_back() -> None:
    first = by_sample(module(), 0)
    assert not torch.equal(first, by_sample(module(), 1))
    assert not torch.equal(first, by_sample(module(seed=1), 0))
    assert torch.equal(first, by_sample(module(), 0))


def test_validation_and_test_are_never_augmented() -> None:
    augmented, plain = module(), module(augment="none")
    for part in ("val_dataloader", "test_dataloader"):
        pairs = zip(getattr(augmented, part)(), getattr(plain, part)(), strict=True)
        assert all(torch.equal(one[0], other[0]) for one, other in pairs)


def test_none_is_the_images_as_they_are() -> None:
    plain = module(augment="none")
    train = list(plain.arrays.split.train)
    assert torch.equal(by_sample(plain, 0) * 16, plain.arrays.images[train].float())


def test_the_square_of_cutout_is_the_mean_after_normalisation() -> None:
    choices = DataChoices(name="digits", augment={"name": "standard", "padding": 0, "flip": False, "cutout": 2})  # type: ignore[arg-type]
    loaded = data.open(choices, encoder=create("encoding", "direct", timesteps=1), seed=0)
    x, _, index = next(iter(loaded.train_dataloader()))
    plain = (loaded.arrays.images[index] / 16 - loaded.facts.mean[0]) / loaded.facts.std[0]
    changed = x[(x - plain).abs() > 1e-4]
    assert changed.abs().max() < 0.5 / 16 / loaded.facts.std[0] + 1e-4


def test_it_is_a_level_like_any_other() -> None:
    assert isinstance(create("augment", "standard", cutout=8), Standard)
    assert str(DataChoices(name="digits", augment={"name": "standard", "padding": 4}).augment) == "standard"  # type: ignore[arg-type]
