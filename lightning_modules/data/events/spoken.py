"""Spoken digits (SHD) and commands (SSC) as spikes of an artificial cochlea of 700 channels, in HDF5 files.

Source: Cramer et al., The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural Networks, 2020.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import content, sources
from lightning_modules.data.events.recordings import Recordings, structured
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import Split, tested_on

_FIELDS = ("spikes/times", "spikes/units", "labels")


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """The recordings file by file, each in its own order: training, validation where it is official, test.

    Raises:
        FileNotFoundError, ValueError, OSError: as `sources.folder`, or if a file is not what it should be.
    """
    base = sources.folder(entry, choices.root)
    parts = sources.published(entry).needs
    labels = [_labels(entry, base / part) for part in parts]
    places = [(part, index) for part, held in zip(parts, labels, strict=True) for index in range(len(held))]
    joined = np.concatenate(labels)
    opened = cache(_open)

    def read(index: int) -> np.ndarray:
        part, place = places[index]
        return _events(opened(base / part), place)

    return Recordings(
        dataset=entry.name,
        names=tuple(f"{part}#{index}" for part, index in places),
        labels=joined,
        sensor=(700, 1, 1),
        split=_cut(split, joined.tolist(), [len(held) for held in labels]),
        events=read,
        identity=lambda: content.digest([(part, base / part) for part in parts], entry.name),
    )


def _cut(split: str, labels: list[int], sizes: list[int]) -> Split:
    if len(sizes) == 2:
        return tested_on(split, labels, range(sizes[0], sum(sizes)), validation=Fraction(1, 10))
    first, second = sizes[0], sizes[0] + sizes[1]
    return Split(split, tuple(range(first)), tuple(range(first, second)), tuple(range(second, sum(sizes))))


def _open(path: Path) -> Any:
    """The file, of which nothing but its own arrays is read: links and storage outside of it are refused."""
    import h5py

    file = h5py.File(path, "r")
    for field in _FIELDS:
        parts = field.split("/")
        for end in range(1, len(parts) + 1):
            name = "/".join(parts[:end])
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"it has no {name} of its own")
        if not isinstance(file[field], h5py.Dataset) or file[field].external:
            raise ValueError(f"its {field} is no array of its own")
    return file


def _labels(entry: DatasetEntry, path: Path) -> np.ndarray:
    try:
        with _open(path) as file:
            labels = np.asarray(file["labels"][()])
            lengths = {len(file[field]) for field in _FIELDS}
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{entry.name}: {path} cannot be read ({reason}); delete it and get it again") from error
    if len(lengths) != 1 or labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise ValueError(f"{entry.name}: {path} does not hold as many labels as recordings")
    if labels.min() < 0 or labels.max() >= entry.classes:
        raise ValueError(f"{entry.name}: {path} holds labels {labels.min()} to {labels.max()} of {entry.classes}")
    return labels.astype(np.int64)


def _events(file: Any, index: int) -> np.ndarray:
    """One recording; times are stored in seconds, of half precision."""
    times = np.asarray(file["spikes/times"][index], np.float64)
    units = np.asarray(file["spikes/units"][index])
    if len(times) != len(units):
        raise ValueError(f"{len(times)} times and {len(units)} units")
    zeros = np.zeros(len(times))
    return structured(units, zeros, (times * 1e6).astype(np.int64), zeros)
