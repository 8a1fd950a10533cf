"""Augmentation of training images, drawn anew for every (epoch, sample).

Facts: `images` levels work on images `[C, H, W]` and not on event frames; `events` levels the reverse; `white` is the
only value for white that a level understands; `module` and `extra` say what it needs beside the installation.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.data.augmentation"
_EVENTS = "lightning_modules.data.event_augmentation"


def _on_frames(
    name: str,
    equation: str,
    source: str,
    *,
    flip: bool = False,
    roll: int = 0,
    rotate: float = 0.0,
    shear: float = 0.0,
    one_of: bool = False,
    drop: str = "none",
) -> LevelEntry:
    """A level on event frames with its source's amounts; every one of them can be set."""
    kinds = ("none", "time", "area", "random", "any")
    return LevelEntry(
        axis="augment",
        name=name,
        equation=equation,
        source=source,
        factory=f"{_EVENTS}:EventFrames",
        options=(
            Option("flip", "bool", flip, "mirror left and right; wrong for digits, letters and gestures with a side"),
            Option("roll", "int", roll, "largest shift in pixels, around the border", minimum=0),
            Option("rotate", "float", rotate, "largest angle in degrees", minimum=0, maximum=180),
            Option("shear", "float", shear, "largest slant in degrees", minimum=0, below=90),
            Option("one_of", "bool", one_of, "one of roll, rotation and shear a recording instead of all"),
            Option("drop", "choice", drop, "EventDrop: what is lost; any is one of three or nothing", choices=kinds),
            Option("polarity", "bool", False, "swap the polarities of half of the recordings"),
        ),
        facts={"images": False, "events": True},
    )


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
    LevelEntry(
        axis="augment",
        name="randaugment",
        equation="crop and flip of standard, then n operations, each one of 14 equally often, of magnitude m",
        source="RandAugment (Cubuk et al. 2020, 1909.13719); amounts of torchvision; needs 'ablate-snn[augment]'",
        factory="lightning_modules.data.rand_augment:RandAugment",
        options=(
            Option("n", "int", 2, "operations a sample", minimum=1, maximum=14),
            Option("m", "float", 9.0, "magnitude", minimum=0, maximum=30),
            Option("padding", "int", 4, "pixels added on each side before the crop", minimum=0, maximum=16),
            Option("flip", "bool", True, "mirror left and right; wrong for digits and letters"),
        ),
        facts={"images": True, "white": 255, "module": "kornia", "extra": "augment"},
    ),
    _on_frames(
        "events",
        "per recording: flip with probability 1/2, roll by up to 5 pixels each way; all T frames alike",
        "TET (Deng et al. 2022), released code",
        flip=True,
        roll=5,
    ),
    _on_frames(
        "nda",
        "per recording one of: roll by up to 5 pixels each way, rotation or shear by up to 30 degrees",
        "NDA (Li et al. 2022, 2203.06145), released code for CIFAR10-DVS",
        roll=5,
        rotate=30.0,
        shear=30.0,
        one_of=True,
    ),
    _on_frames(
        "eventdrop",
        "per recording nothing, or events are lost: in a stretch of time, in a box, or at random",
        "EventDrop (Gu et al. 2021, 2106.05836)",
        drop="any",
    ),
)
