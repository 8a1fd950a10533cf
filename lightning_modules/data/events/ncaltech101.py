"""N-Caltech101: `Caltech101/<class>/image_NNNN.bin`, objects of 101 classes, each recording with an extent of its own.

Source: Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades, 2015.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import content, sources
from lightning_modules.data.events.nmnist import read_bin
from lightning_modules.data.events.recordings import Recordings
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import stratified


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """All recordings in the order of their names; classes are numbered in the order of theirs.

    Raises:
        FileNotFoundError, ValueError, OSError: as `sources.folder`, or if a class is missing.
    """
    base = sources.folder(entry, choices.root)
    names = tuple(sorted(f"{path.parent.name}/{path.name}" for path in (base / "Caltech101").glob("*/*.bin")))
    classes = sorted({name.partition("/")[0] for name in names})
    if len(classes) != entry.classes:
        raise ValueError(f"{entry.name}: {base / 'Caltech101'} holds {len(classes)} classes of {entry.classes}")
    labels = np.array([classes.index(name.partition("/")[0]) for name in names], np.int64)
    return Recordings(
        dataset=entry.name,
        names=names,
        labels=labels,
        sensor=(entry.shape[2], entry.shape[1], entry.shape[0]),
        split=stratified(split, labels.tolist(), validation=Fraction(1, 10), test=Fraction(1, 10)),
        events=lambda index: _anchored(base / "Caltech101" / names[index]),
        identity=lambda: content.digest([(name, base / "Caltech101" / name) for name in names], entry.name),
    )


def _anchored(path: Path) -> np.ndarray:
    """Events with the recording's own corner at (0, 0), as by tonic."""
    events = read_bin(path)
    if len(events):
        events["x"] -= events["x"].min()
        events["y"] -= events["y"].min()
    return events
