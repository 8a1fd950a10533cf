"""Image data sets in their published files, as arrays: training images in the official order, then the test images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from lightning_modules.choices import DataChoices
from lightning_modules.data import cifar, files, idx
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.distribution import DataFile
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import held_out

Decoded = tuple[np.ndarray | None, np.ndarray | None]


def load_cifar(entry: DatasetEntry, choices: DataChoices, split: str) -> Arrays:
    """CIFAR-10 or CIFAR-100 from the files of the python version."""
    return _assemble(entry, choices, split, cifar.decode)


def load_idx(entry: DatasetEntry, choices: DataChoices, split: str) -> Arrays:
    """MNIST or Fashion-MNIST from idx files."""
    return _assemble(entry, choices, split, idx.decode)


def _assemble(entry: DatasetEntry, choices: DataChoices, split: str, decode: Callable[[bytes], Decoded]) -> Arrays:
    """Read what is needed into one tensor; a file's samples beyond the subset are left out.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is not what was published.
    """
    train, test = choices.subset or entry.training_images, entry.test_images
    images = torch.empty((train + test, *entry.shape), dtype=torch.uint8)
    labels = torch.empty(train + test, dtype=torch.int64)
    for file, content in files.contents(entry, choices.root, choices.subset):
        start, end = (
            (file.first, min(file.first + file.count, train)) if file.part == "train" else (train, train + test)
        )
        try:
            found_images, found_labels = decode(content)
            if found_images is not None:
                images[start:end] = _checked_images(found_images, file, entry)[: end - start]
            if found_labels is not None:
                labels[start:end] = _checked_labels(found_labels, file, entry)[: end - start]
        except ValueError as error:
            raise ValueError(f"{entry.name}: {file.name}: {error}") from error
    cut = entry.splits.get(split)
    held = train // 10 if cut is None or cut.validation is None else cut.validation
    return Arrays(images, labels, entry.white, held_out(split, labels[:train].tolist(), validation=held, test=test))


def _checked_images(images: np.ndarray, file: DataFile, entry: DatasetEntry) -> torch.Tensor:
    wanted = (file.count, *entry.shape)
    if images.dtype != np.uint8 or images.size != np.prod(wanted) or len(images) != file.count:
        raise ValueError(f"holds {images.dtype} images {images.shape}, not uint8 {wanted}")
    return torch.from_numpy(images.reshape(wanted).copy())


def _checked_labels(labels: np.ndarray, file: DataFile, entry: DatasetEntry) -> torch.Tensor:
    if (
        labels.shape != (file.count,)
        or labels.dtype.kind not in "iu"
        or labels.min() < 0
        or labels.max() >= entry.classes
    ):
        raise ValueError(f"holds labels {labels.shape}, not {file.count} of 0 to {entry.classes - 1}")
    return torch.from_numpy(labels.astype(np.int64))
