"""Data sets: described without torch, opened with it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal

from lightning_modules.catalogue import near
from lightning_modules.data.facts import DatasetEntry, DatasetFacts, SplitFacts

if TYPE_CHECKING:
    from lightning_modules.choices import DataChoices
    from lightning_modules.data.module import TensorData

__all__ = ["DATASETS", "DatasetEntry", "DatasetFacts", "SplitFacts", "describe", "open", "register"]

DATASETS: dict[str, DatasetEntry] = {}


def register(entry: DatasetEntry) -> None:
    """Add a data set to the catalogue.

    Raises:
        ValueError: if another data set has that name.
    """
    if DATASETS.setdefault(entry.name, entry) != entry:
        raise ValueError(f"there already is a data set {entry.name!r}, from {DATASETS[entry.name].source}")


def describe(choices: DataChoices) -> DatasetFacts:
    """What is known of the chosen data set and split without loading it.

    Raises:
        ValueError: for an unknown data set or split; the message names the nearest and all that exist.
    """
    entry = DATASETS.get(choices.name)
    if entry is None:
        raise ValueError(
            f"data.name: {choices.name!r} is not a data set{near(choices.name, DATASETS)} one of {', '.join(DATASETS)}"
        )
    split = choices.split if choices.split is not None else next(iter(entry.splits))
    cut = entry.splits.get(split)
    if cut is None:
        raise ValueError(
            f"data.split: {split!r} is not a split of {entry.name}{near(split, entry.splits)} "
            f"one of {', '.join(entry.splits)}"
        )
    return DatasetFacts(
        name=entry.name,
        version=entry.version,
        split=split,
        kind=entry.kind,
        shape=entry.shape,
        classes=entry.classes,
        train=cut.train,
        validation=cut.validation,
        test=cut.test,
        split_sha256=cut.sha256,
        source=entry.source,
        mean=entry.mean,
        std=entry.std,
    )


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
        seed: the seed block; it decides the order of the training samples.
        root: folder with the files; None takes `choices.root`.
        select_on_test: the released habit of S-ResNet, see `TensorData`.

    Raises:
        ValueError: for an unknown data set or split, or content that is not what the catalogue lists.
        FileNotFoundError: if the files are not there; the message says how to get them.
    """
    from lightning_modules.data.module import TensorData

    facts = describe(choices)
    module, _, function = DATASETS[facts.name].loader.partition(":")
    arrays = getattr(importlib.import_module(module), function)(facts.split, root or choices.root)
    return TensorData(
        arrays, facts, batch_size=choices.batch_size, input_range=input_range, seed=seed, select_on_test=select_on_test
    )


register(
    DatasetEntry(
        name="digits",
        version="1",
        kind="image",
        shape=(1, 8, 8),
        classes=10,
        source="scikit-learn load_digits: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998",
        mean=(0.304784,),
        std=(0.375474,),
        loader="lightning_modules.data.digits:load",
        splits={
            "digits-v1": SplitFacts(
                train=1078,
                validation=360,
                test=359,
                sha256="cfddf1c75f63ba98260a6d5cab7e1f9e2353cf3490dc22af99bde7b3959107ec",
                rule="a fifth of each class for test and a fifth for validation, in the order of a hash of the index",
            )
        },
    )
)
