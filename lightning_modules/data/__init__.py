"""Data sets: described and checked without torch, opened with it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal

from lightning_modules.catalogue import near
from lightning_modules.data import entries, files
from lightning_modules.data.facts import DatasetEntry, DatasetFacts, SplitFacts

if TYPE_CHECKING:
    from lightning_modules.choices import DataChoices
    from lightning_modules.data.module import TensorData

__all__ = ["DATASETS", "DatasetEntry", "DatasetFacts", "SplitFacts", "check", "describe", "entry", "open", "register"]

DATASETS: dict[str, DatasetEntry] = {}

_SMALLEST_SUBSET = 10


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
        shape=chosen.shape,
        classes=chosen.classes,
        train=cut.train,
        validation=cut.validation,
        test=cut.test,
        split_sha256=cut.sha256,
        source=chosen.source,
        mean=chosen.mean,
        std=chosen.std,
    )


def check(choices: DataChoices) -> None:
    """See that the files of the chosen data are there and are the published ones. Reads them once, writes nothing.

    Raises:
        ValueError: as `describe`, or if a file is not the published one.
        FileNotFoundError: if a file is missing; the message says how to get it.
        OSError: if a file cannot be read.
    """
    describe(choices)
    files.check(entry(choices.name), choices.root, choices.subset)


def open(  # the counterpart of describe; read as data.open
    choices: DataChoices,
    *,
    input_range: Literal["normalized", "unit"],
    seed: int,
    root: str | None = None,
    select_on_test: bool = False,
) -> TensorData:
    """Load the chosen data set as a Lightning data module whose loaders yield `(x, y, sample_index)`.

    Args:
        choices: the `data` section of a study.
        input_range: what the network's encoder declares.
        seed: the seed block; it decides the order of the training samples and their augmentation.
        root: folder with the files; None takes `choices.root`.
        select_on_test: the released habit of S-ResNet, see `TensorData`.

    Raises:
        ValueError: for an unknown data set or split, or content that is not what the catalogue lists.
        FileNotFoundError: if the files are not there; the message says how to get them.
    """
    from lightning_modules.building import create
    from lightning_modules.data.module import TensorData

    facts = describe(choices)
    if root is not None:
        choices = choices.model_copy(update={"root": root})
    chosen = entry(facts.name)
    module, _, function = chosen.loader.partition(":")
    arrays = getattr(importlib.import_module(module), function)(chosen, choices, facts.split)
    return TensorData(
        arrays,
        facts,
        batch_size=choices.batch_size,
        input_range=input_range,
        seed=seed,
        augment=create("augment", choices.augment),
        select_on_test=select_on_test,
    )


def _split(chosen: DatasetEntry, name: str | None) -> tuple[str, SplitFacts]:
    split = name if name is not None else next(iter(chosen.splits))
    cut = chosen.splits.get(split)
    if cut is None:
        raise ValueError(
            f"data.split: {split!r} is not a split of {chosen.name}{near(split, chosen.splits)} "
            f"one of {', '.join(chosen.splits)}"
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
    rule = f"the first {size:,} images of the official training order, of them {entries.TENTH}"
    return name, SplitFacts(size - size // 10, size // 10, chosen.test_images, "", rule)


for _each in entries.ALL:
    register(_each)
