"""Data sets: described and checked without torch, opened with it."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lightning_modules.catalogue import near
from lightning_modules.data import entries, files, image_entries
from lightning_modules.data.facts import DatasetEntry, DatasetFacts, SplitFacts
from lightning_modules.data.resolution import binned, factor

if TYPE_CHECKING:
    from lightning_modules.choices import DataChoices
    from lightning_modules.data.arrays import Arrays
    from lightning_modules.data.events.recordings import Recordings
    from lightning_modules.data.module import TensorData

__all__ = [
    "DATASETS",
    "DatasetEntry",
    "DatasetFacts",
    "SplitFacts",
    "check",
    "describe",
    "entry",
    "open",
    "recordings",
    "register",
]

DATASETS: dict[str, DatasetEntry] = {}

_SMALLEST_SUBSET = 10
_HOW_THEY_ARE_FED = {"batch_size", "augment", "mix", "frame_order", "resolution"}
_held: dict[tuple[str, str], Any] = {}
"""The samples that `open` was asked to keep, of one data set at most."""


class Encoder(Protocol):
    """What the data need to know of a network's encoder; one of event streams also has a `binning`."""

    @property
    def input_range(self) -> Literal["normalized", "unit", "counts"]: ...


def register(entry: DatasetEntry) -> None:
    """Add a data set to the catalogue.

    Raises:
        ValueError: if another data set has that name.
    """
    if DATASETS.setdefault(entry.name, entry) != entry:
        raise ValueError(f"there already is a data set {entry.name!r}, from {DATASETS[entry.name].source}")


def entry(name: str) -> DatasetEntry:
    """The catalogue's entry of one data set.

    Raises:
        ValueError: if there is none; the message names the nearest and all that exist.
    """
    found = DATASETS.get(name)
    if found is None:
        raise ValueError(f"data.name: {name!r} is not a data set{near(name, DATASETS)} one of {', '.join(DATASETS)}")
    return found


def describe(choices: DataChoices) -> DatasetFacts:
    """What is known of the chosen data set and split without loading it.

    Raises:
        ValueError: for an unknown data set or split, or a subset that cannot be taken; the message names the nearest
            and all that exist.
    """
    chosen = entry(choices.name)
    split, cut = _split(chosen, choices.split) if choices.subset is None else _subset(chosen, choices)
    return DatasetFacts(
        name=chosen.name,
        version=chosen.version,
        split=split,
        kind=chosen.kind,
        shape=_shape(chosen, choices.resolution),
        classes=chosen.classes,
        train=cut.train,
        validation=cut.validation,
        test=cut.test,
        split_sha256=cut.sha256,
        rule=cut.rule,
        source=chosen.source,
        mean=chosen.mean,
        std=chosen.std,
    )


def check(choices: DataChoices) -> None:
    """See that the files of the chosen data are there, are the published ones and hold what can be read.

    Recordings are read once for all studies; the cache remembers that they were sound. Simulated ones are made sound.

    Raises:
        ValueError: as `describe`, or if a file is not the published one or a recording cannot be used.
        FileNotFoundError: if a file is missing; the message says how to get it.
        OSError: if a file cannot be read.
    """
    describe(choices)
    chosen = entry(choices.name)
    if chosen.kind == "events":
        found = recordings(choices)
        if chosen.recordings is not None:
            from lightning_modules.data.events import soundness

            soundness.check(found)
    else:
        files.check(chosen, choices.root, choices.subset)


def open(  # the counterpart of describe; read as data.open
    choices: DataChoices,
    *,
    encoder: Encoder,
    seed: int,
    root: str | None = None,
    select_on_test: bool = False,
    keep: bool = False,
) -> TensorData:
    """Load the chosen data set as a Lightning data module whose loaders yield `(x, y, sample_index)`.

    Args:
        choices: the `data` section of a study.
        encoder: the network's; it declares the range of its input or, for recordings, how frames are made of them.
        seed: the seed block; it decides the order of the training samples and their augmentation.
        root: folder with the files; None takes `choices.root`.
        select_on_test: the released habit of S-ResNet, see `TensorData`.
        keep: hold the samples for the next call of this process for the same ones, which then does not look at files:
            for workers, whose study has looked at them.

    Raises:
        ValueError: for an unknown data set or split, or content that is not what the catalogue lists.
        FileNotFoundError: if the files are not there; the message says how to get them.
    """
    from lightning_modules.building import create
    from lightning_modules.data.module import TensorData

    facts = describe(choices)
    if root is not None:
        choices = choices.model_copy(update={"root": root})
    loaded = (_kept if keep else _load)(choices, facts.split)
    return TensorData(
        _framed(loaded, encoder, choices) if facts.kind == "events" else loaded,
        facts,
        batch_size=choices.batch_size,
        input_range=encoder.input_range,
        seed=seed,
        augment=create("augment", choices.augment),
        mix=create("mix", choices.mix),
        shuffled=choices.frame_order == "shuffled",
        select_on_test=select_on_test,
    )


def recordings(choices: DataChoices) -> Recordings:
    """The chosen recordings with their split, listed but not read; torch is not imported.

    Raises:
        ValueError: for an unknown data set or split, or a data set of images.
        FileNotFoundError: if the files are not there; the message says how to get them.
    """
    facts = describe(choices)
    if facts.kind != "events":
        raise ValueError(f"{facts.name} holds images, not recordings")
    found: Recordings = _load(choices, facts.split)
    return found


def fingerprint(choices: DataChoices) -> str:
    """What `TensorData.fingerprint` of the chosen data will be, without making frames of recordings.

    Raises:
        ValueError, FileNotFoundError: as `open`.
    """
    facts = describe(choices)
    loaded: Arrays | Recordings = _load(choices, facts.split)
    return loaded.fingerprint()


def _load(choices: DataChoices, split: str) -> Any:
    chosen = entry(choices.name)
    module, _, function = chosen.loader.partition(":")
    return getattr(importlib.import_module(module), function)(chosen, _samples_of(choices), split)


def _samples_of(choices: DataChoices) -> DataChoices:
    """The choices that say which samples there are; the others, which only say how they are fed, at their defaults."""
    from lightning_modules.choices import DataChoices

    return DataChoices.model_validate(choices.model_dump(exclude=_HOW_THEY_ARE_FED))


def _kept(choices: DataChoices, split: str) -> Any:
    key = _samples_of(choices).model_dump_json(), split
    if (found := _held.get(key)) is None:
        _held.clear()  # before the next are loaded: memory need not hold both
        found = _held[key] = _load(choices, split)
    return found


def _framed(recordings: Recordings, encoder: Encoder, choices: DataChoices) -> Arrays:
    import torch

    from lightning_modules.data.arrays import Arrays
    from lightning_modules.data.events.frames import frames

    width, height, _ = recordings.sensor
    binning = getattr(encoder, "binning", None)
    if binning is None:
        raise ValueError(f"encoding: {type(encoder).__name__} makes no frames of the recordings of {choices.name}")
    images = torch.from_numpy(frames(recordings, binning, factor(height, width, choices.resolution)))
    labels = torch.from_numpy(recordings.labels)
    return Arrays(images, labels, 1, recordings.split, recordings.fingerprint())


def _shape(chosen: DatasetEntry, resolution: int | None) -> tuple[int, int, int]:
    channels, height, width = chosen.shape
    if chosen.kind == "events":
        return (channels, *binned(height, width, factor(height, width, resolution)))
    if resolution is not None:
        raise ValueError(f"data.resolution: {chosen.name} holds images, which keep theirs; it is for event recordings")
    return chosen.shape


def _split(chosen: DatasetEntry, name: str | None) -> tuple[str, SplitFacts]:
    split = name if name is not None else next(iter(chosen.splits))
    cut = chosen.splits.get(split)
    if cut is None and chosen.seeded is not None and re.fullmatch(r"random:(0|[1-9]\d{0,8})", split):
        cut = chosen.seeded
    if cut is None:
        names = [*chosen.splits, *(["random:<seed>"] if chosen.seeded else [])]
        raise ValueError(
            f"data.split: {split!r} is not a split of {chosen.name}{near(split, names)} one of {', '.join(names)}"
        )
    return split, cut


def _subset(chosen: DatasetEntry, choices: DataChoices) -> tuple[str, SplitFacts]:
    """The first N training images as a data set of their own, with a split named after N."""
    size, most = choices.subset or 0, chosen.training_images
    if not most:
        able = ", ".join(name for name, each in DATASETS.items() if each.training_images)
        raise ValueError(f"data.subset: {chosen.name} has no official order of training images; these have: {able}")
    if not _SMALLEST_SUBSET <= size <= most:
        raise ValueError(
            f"data.subset: {size} of the {most:,} training images of {chosen.name}; "
            f"an integer from {_SMALLEST_SUBSET} to {most} is needed"
        )
    name = f"subset{size}-v1"
    if choices.split not in (None, name):
        raise ValueError(f"data.split: {choices.split!r} cuts all of {chosen.name}; data.subset {size} has {name!r}")
    rule = f"the first {size:,} images of the official training order, of them {image_entries.TENTH}"
    return name, SplitFacts(size - size // 10, size // 10, chosen.test_images, "", rule)


for _each in entries.ALL:
    register(_each)
