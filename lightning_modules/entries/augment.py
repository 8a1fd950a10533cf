"""Augmentation of training images, drawn anew for every (epoch, sample).

Facts: `images` levels work on images `[C, H, W]` and not on event frames.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.data.augmentation"

ENTRIES = (
    LevelEntry(
        axis="augment",
        name="none",
        equation="images as they are",
        source="control; the published setting for event recordings (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:Unchanged",
        facts={"images": False},
    ),
    LevelEntry(
        axis="augment",
        name="standard",
        equation="a random crop, of the image's size, of the image padded with black; flip with probability 1/2",
        source="He et al. 2016; S-ResNet (Vicente-Sola et al. 2022); cutout: DeVries and Taylor 2017 (1708.04552)",
        factory=f"{_MODULE}:Standard",
        options=(
            Option("padding", "int", 4, "pixels added on each side before the crop", minimum=0, maximum=16),
            Option("flip", "bool", True, "mirror left and right; wrong for digits and letters"),
            Option("cutout", "int", 0, "side of a square set to the mean colour; 0 leaves it out", minimum=0),
        ),
        facts={"images": True},
    ),
)
