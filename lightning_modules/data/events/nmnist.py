"""N-MNIST: `{Train,Test}/<digit>/NNNNN.bin`, 34 x 34 pixels, three saccades of about 100 ms.

Source: Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades, 2015.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import content, sources
from lightning_modules.data.events.recordings import EVENT, Recordings
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import tested_on

_EVENT_BYTES = 5


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """The recordings that are there, all 70,000 or fewer, in the order of their names, training before test.

    Raises:
        FileNotFoundError, ValueError, OSError: as `sources.folder`, or if a part holds no recordings.
    """
    base = sources.folder(entry, choices.root)
    train, test = (_names(base, part) for part in ("Train", "Test"))
    if not train or not test:
        empty = base / ("Test" if train else "Train")
        raise ValueError(f"{entry.name}: {empty} holds no recordings; <digit>/NNNNN.bin is needed")
    names = (*train, *test)
    labels = np.array([int(name.split("/")[1]) for name in names], np.int64)
    return Recordings(
        dataset=entry.name,
        names=names,
        labels=labels,
        sensor=(34, 34, 2),
        split=tested_on(split, labels.tolist(), range(len(train), len(names)), validation=Fraction(1, 10)),
        events=lambda index: read_bin(base / names[index]),
        identity=lambda: content.digest([(name, base / name) for name in names], entry.name),
    )


def read_bin(path: Path) -> np.ndarray:
    """Events of one file of N-MNIST or N-Caltech101: five bytes each, of 40 bits x, y, polarity, microseconds.

    Raises:
        ValueError: if the file ends within an event.
    """
    from tonic.io import read_mnist_file

    size = path.stat().st_size
    if size % _EVENT_BYTES:
        raise ValueError(f"{size} bytes are not whole events of {_EVENT_BYTES}: it is cut off")
    events: np.ndarray = read_mnist_file(str(path), dtype=EVENT)
    return events


def _names(base: Path, part: str) -> list[str]:
    return sorted(
        f"{part}/{digit}/{file.name}"
        for digit in range(10)
        for file in (base / part / str(digit)).glob("*.bin")
        if re.fullmatch(r"\d{5}\.bin", file.name)
    )
