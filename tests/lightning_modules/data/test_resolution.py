"""Coarser sensors: whole factors, and no others."""

from __future__ import annotations

import pytest

from lightning_modules import data
from lightning_modules.choices import DataChoices


@pytest.mark.parametrize(
    ("name", "resolution", "shape"),
    [
        ("nmnist", None, (2, 34, 34)),
        ("nmnist", 17, (2, 17, 17)),
        ("cifar10dvs", 64, (2, 64, 64)),
        ("ncaltech101", 60, (2, 45, 60)),
        ("shd", 140, (1, 1, 140)),
    ],
)
def test_frames_have_the_resolution_asked_for(name: str, resolution: int | None, shape: tuple[int, ...]) -> None:
    assert data.describe(DataChoices(name=name, resolution=resolution)).shape == shape


@pytest.mark.parametrize(
    ("name", "resolution", "reason"),
    [
        (
            "cifar10dvs",
            48,
            "48 is not a whole part of the sensor's 128 x 128 .* 1, 2, 4, 8, 16, 32, 64, 128$",
        ),
        (
            "ncaltech101",
            100,
            "sensor's 180 x 240 .* 80, 120, 240 along the longer side; both sides are divided",
        ),
        ("digits", 4, "digits holds images, which keep theirs"),
    ],
)
def test_what_no_whole_factor_gives_is_refused_with_what_is_possible(name: str, resolution: int, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^data.resolution: .*{reason}"):
        data.describe(DataChoices(name=name, resolution=resolution))
