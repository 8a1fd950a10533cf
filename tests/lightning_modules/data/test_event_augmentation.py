"""Augmentation of event frames: each operation as its definition says, once per recording, whatever the batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lightning_modules import constraints, streams
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.event_augmentation import EventFrames

COUNT, FILL = 48, torch.empty(0, dtype=torch.uint8)
EVERYTHING = {"flip": True, "roll": 3, "rotate": 20.0, "shear": 10.0, "drop": "any", "polarity": True}
OFF: dict[str, object] = {"flip": False, "roll": 0, "rotate": 0.0, "shear": 0.0, "drop": "none", "polarity": False}


def frames(height: int = 9, width: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 9, (COUNT, 5, 2, height, width), dtype=torch.uint8, generator=generator)


def draws(epoch: int = 0) -> Tensor:
    return streams.uniform(0, "augment", epoch, torch.arange(COUNT), 1, (EventFrames.draws,))[0]


def augmented(x: Tensor | None = None, **options: object) -> Tensor:
    return EventFrames(**(OFF | options))(frames() if x is None else x, draws(), FILL)  # type: ignore[arg-type]


def shifts(draw: Tensor, most: int) -> tuple[int, int]:
    down, right = (math.floor(float(value) * (2 * most + 1)) - most for value in draw[1:3])
    return down, right


def test_everything_off_is_the_frames_as_they_are() -> None:
    assert torch.equal(augmented(), frames())


def test_roll_and_flip_are_those_of_torch() -> None:
    both = augmented(flip=True, roll=3)
    for before, after, draw in zip(frames(), both, draws(), strict=True):
        mirrored = before.flip(-1) if draw[0] < 0.5 else before
        assert torch.equal(after, mirrored.roll(shifts(draw, 3), (-2, -1)))


def test_rotation_and_shear_take_the_nearest_pixel_of_the_affine_map() -> None:
    height, width = 9, 12
    moved = augmented(rotate=40.0, shear=25.0)
    for before, after, draw in zip(frames(), moved, draws(), strict=True):
        angle, slant = (math.radians((2 * float(u) - 1) * most) for u, most in ((draw[3], 40), (draw[4], 25)))
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        back = (turn @ torch.tensor([[1.0, math.tan(slant)], [0.0, 1.0]])).inverse()
        for row, column in ((0, 0), (2, 7), (4, 5), (8, 1), (6, 11)):
            x, y = back @ torch.tensor([column - (width - 1) / 2, row - (height - 1) / 2])
            source = round(float(y) + (height - 1) / 2), round(float(x) + (width - 1) / 2)
            inside = 0 <= source[0] < height and 0 <= source[1] < width
            expected = before[:, :, source[0], source[1]] if inside else torch.zeros(5, 2, dtype=torch.uint8)
            assert torch.equal(after[:, :, row, column], expected)


def test_a_quarter_turn_is_that_of_torch() -> None:
    square, row = frames(8, 8), torch.full((COUNT, EventFrames.draws), 0.5)
    row[:, 3] = 1.0
    turned = EventFrames(**(OFF | {"rotate": 90.0}))(square, row, FILL)  # type: ignore[arg-type]
    assert torch.equal(turned, square.rot90(-1, (-2, -1)))


def test_polarity_swaps_the_channels_of_half_of_the_recordings() -> None:
    swapped = augmented(polarity=True)
    for before, after, draw in zip(frames(), swapped, draws(), strict=True):
        assert torch.equal(after, before.flip(1) if draw[5] < 0.5 else before)


def test_one_of_moves_each_recording_in_one_way_only() -> None:
    one = augmented(roll=3, rotate=20.0, shear=10.0, one_of=True)
    alone = [augmented(roll=3), augmented(rotate=20.0), augmented(shear=10.0)]
    kinds = (draws()[:, 6] * 3).long()
    assert set(kinds.tolist()) == {0, 1, 2}
    assert all(torch.equal(one[index], alone[kind][index]) for index, kind in enumerate(kinds))


def test_time_drops_the_frames_of_one_stretch() -> None:
    for before, after, draw in zip(frames(), augmented(drop="time"), draws(), strict=True):
        ratio = (math.floor(float(draw[8]) * 9) + 1) / 10
        lost = [float(draw[11]) <= (step + 0.5) / 5 <= float(draw[11]) + ratio for step in range(5)]
        expected = before * ~torch.tensor(lost).view(5, 1, 1, 1)
        assert torch.equal(after, before if all(lost) else expected)


def test_area_drops_one_box_of_all_frames() -> None:
    sizes = set()
    for before, after in zip(frames(40, 40), augmented(frames(40, 40), drop="area"), strict=True):
        lost = after == 0
        assert torch.equal(torch.where(lost, before, after), before)
        box = lost.all(0).all(0)
        assert torch.equal(lost, box.expand_as(lost))
        rows, columns = box.any(1), box.any(0)
        assert torch.equal(box, rows[:, None] & columns)
        sizes.add(int(rows.sum()))
    assert max(sizes) == 10 and min(sizes) >= 1


def test_random_loses_single_events_with_the_probability_drawn() -> None:
    ones = torch.ones(COUNT, 5, 2, 24, 24, dtype=torch.uint8)
    kept = augmented(ones, drop="random").float().mean((1, 2, 3, 4))
    ratio = ((draws()[:, 8] * 9).floor() + 1) / 10
    assert ((kept - (1 - ratio)).abs() < 5 * (0.25 / ones[0].numel()) ** 0.5).all()
    many = augmented(ones * 200, drop="random")
    assert ((many - 200 * (1 - ratio).view(-1, 1, 1, 1, 1)).abs() < 1 + 1e-3).all()


def test_any_is_one_of_three_or_nothing() -> None:
    dropped = augmented(drop="any")
    alone = [frames(), augmented(drop="time"), augmented(drop="area"), augmented(drop="random")]
    kinds = (draws()[:, 7] * 4).long()
    assert set(kinds.tolist()) == {0, 1, 2, 3}
    assert all(torch.equal(dropped[index], alone[kind][index]) for index, kind in enumerate(kinds))


def test_a_recording_that_would_lose_everything_keeps_it() -> None:
    single = torch.zeros(COUNT, 5, 2, 9, 12, dtype=torch.uint8)
    single[:, 2, 0, 4, 4] = 1
    assert torch.equal(augmented(single, drop="any"), single)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int32, torch.float32])
def test_what_happens_to_a_recording_depends_on_its_draws_alone(kind: torch.dtype) -> None:
    """Neither on the batch nor on the frame: all frames of a recording are treated alike."""
    whole = EventFrames(**EVERYTHING)(frames().to(kind), draws(), FILL)  # type: ignore[arg-type]
    parts = [
        EventFrames(**EVERYTHING)(frames()[part].to(kind), draws()[part], FILL)  # type: ignore[arg-type]
        for part in torch.arange(COUNT).split(7)
    ]
    assert whole.dtype == kind
    assert torch.equal(whole, torch.cat(parts))
    still = frames()[:, :1].expand(-1, 5, -1, -1, -1)
    moved = augmented(still, flip=True, roll=3, rotate=20.0, shear=10.0)
    assert torch.equal(moved, moved[:, :1].expand_as(moved))


def test_stored_frames_are_left_as_they_were() -> None:
    stored = frames()
    EventFrames(**EVERYTHING)(stored, draws(), FILL)  # type: ignore[arg-type]
    assert torch.equal(stored, frames())


def test_levels_carry_the_amounts_of_their_sources() -> None:
    tet, nda, drop = (create("augment", name) for name in ("events", "nda", "eventdrop"))
    assert (tet.flip, tet.roll, tet.one_of, tet.drop) == (True, 5, False, "none")
    assert (nda.flip, nda.roll, nda.rotate, nda.shear, nda.one_of) == (False, 5, 30, 30, True)
    assert (drop.flip, drop.roll, drop.drop) == (False, 0, "any")


@pytest.mark.parametrize(("name", "augment"), [("digits", "nda"), ("digits_dvs", "standard")])
def test_augmentation_of_the_other_kind_is_refused_and_what_fits_is_named(name: str, augment: str) -> None:
    reason = constraints.augmentation_suits_data(DataChoices(name=name, augment=augment))  # type: ignore[arg-type]
    assert reason is not None and reason.startswith(f"{augment} augments ") and "none" in reason
    assert ("eventdrop" in reason) == (name == "digits_dvs")
