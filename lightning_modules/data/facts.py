"""What is known of a data set before it is loaded: plain data, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lightning_modules.data.distribution import Distribution, RecordingFiles

Kind = Literal["image", "events"]


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One named, versioned way to cut a data set; it never changes under its name.

    Attributes:
        train, validation, test: samples in each part; None when unknown before loading.
        sha256: `Split.digest` of the parts' indices, checked on loading; empty when unknown before loading.
        rule: how the parts are decided, in words.
    """

    train: int | None
    validation: int | None
    test: int | None
    sha256: str
    rule: str


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """One data set of the catalogue.

    Attributes:
        name, version: identity of the content.
        kind: `image` (`[C, H, W]`) or `events` (`[T, C, H, W]` frames made from recordings).
        shape: `(C, H, W)`.
        classes: number of classes.
        source: where it comes from.
        mean, std: per channel, of the training images in [0, 1], as customary for the data set.
            Empty for events, whose counts go in as they are.
        loader: dotted name of `load(entry, choices: DataChoices, split: str) -> Arrays` (`package.module:load`), or
            `-> Recordings` for events. It says which samples there are, not how they are fed: `batch_size`, `augment`,
            `mix`, `frame_order` and `resolution` are at their defaults in the choices that it gets, whatever a study
            says, for runs that differ in these alone share what it gives.
        splits: by name; the first is the default.
        seeded: what holds of its splits `random:<seed>`; None if it has none.
        distribution: the published files of images; None for what comes with an installed package, and for events.
        recordings: the published files of events; None for images and for what comes with an installed package.
        training_images, test_images: size of the official parts. 0 where there is no official order of training
            samples, whose first `data.subset` could be taken.
        white: the stored pixel value that means 1; of images.
    """

    name: str
    version: str
    kind: Kind
    shape: tuple[int, int, int]
    classes: int
    source: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    loader: str
    splits: Mapping[str, SplitFacts]
    seeded: SplitFacts | None = None
    distribution: Distribution | None = None
    recordings: RecordingFiles | None = None
    training_images: int = 0
    test_images: int = 0
    white: int = 255


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A data set with the split a study chose; the fields are those of `DatasetEntry` and `SplitFacts`."""

    name: str
    version: str
    split: str
    kind: Kind
    shape: tuple[int, int, int]
    classes: int
    train: int | None
    validation: int | None
    test: int | None
    split_sha256: str
    rule: str
    source: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
