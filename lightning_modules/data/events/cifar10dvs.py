"""CIFAR10-DVS: `<class>/cifar10_<class>_<index>.aedat4`, 1,000 recordings a class, no official split.

Source: Li et al., CIFAR10-DVS: An Event-Stream Dataset for Object Classification, 2017; aedat4 as tonic publishes it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import content, sources
from lightning_modules.data.events.recordings import Recordings, structured
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import Split, stratified, tested_on

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TENTH = Fraction(1, 10)


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """The recordings by class and by the index in their names, which also decides the split.

    Raises:
        FileNotFoundError, ValueError, OSError: as `sources.folder`, or if recordings are missing.
    """
    base = sources.folder(entry, choices.root)
    places = [(label, index) for label, name in enumerate(CLASSES) for index in _indices(base, name)]
    facts = entry.splits.get(split) or entry.seeded
    if facts is not None and facts.train is not None:
        _check_complete(entry, base, places, facts.train + (facts.validation or 0) + (facts.test or 0))
    names = tuple(f"{CLASSES[label]}/cifar10_{CLASSES[label]}_{index}.aedat4" for label, index in places)
    return Recordings(
        dataset=entry.name,
        names=names,
        labels=np.array([label for label, _ in places], np.int64),
        sensor=(128, 128, 2),
        split=cut(split, places),
        events=lambda index: read_aedat4(base / names[index]),
        identity=lambda: content.digest([(name, base / name) for name in names], entry.name),
    )


def cut(split: str, places: list[tuple[int, int]]) -> Split:
    """The split of that name.

    Args:
        split: `front90` (test: the last tenth of each class in the textual order of names, S-ResNet's and SEW's habit),
            `front90-all` (the same, no validation), `first100` (test: indices 0 to 99, TEBN's and PSN's) or
            `random:<seed>`.
        places: class and index of every recording.
    """
    labels = [label for label, _ in places]
    if split.startswith("random:"):
        # 9 % of all: a tenth of what is not tested, as in the other splits.
        return stratified(split, labels, validation=Fraction(9, 100), test=_TENTH)
    chosen = _first if split == "first100" else _last_in_text
    held = Fraction(0) if split == "front90-all" else _TENTH
    return tested_on(split, labels, [at for at, (_, index) in enumerate(places) if chosen(index)], validation=held)


def read_aedat4(path: Path) -> np.ndarray:
    """Events of one file, times in microseconds."""
    from tonic import io

    try:
        events = io.read_aedat4(str(path))
    except ValueError as error:
        if "at least one array" not in str(error):
            raise
        return structured(*(np.zeros(0, np.int64) for _ in range(4)))  # not one packet of events
    t, x, y, p = (events[name] for name in events.dtype.names)
    return structured(x, y, t, p)


def _last_in_text(index: int) -> bool:
    return 91 <= index <= 99 or 909 <= index <= 999


def _first(index: int) -> bool:
    return index < 100


def _indices(base: Path, name: str) -> list[int]:
    matches = (re.fullmatch(rf"cifar10_{name}_(\d{{1,3}})\.aedat4", path.name) for path in (base / name).iterdir())
    return sorted(int(match[1]) for match in matches if match)


def _check_complete(entry: DatasetEntry, base: Path, places: list[tuple[int, int]], wanted: int) -> None:
    if len(places) == wanted:
        return
    there = set(places)
    label, index = next((label, index) for label in range(10) for index in range(1000) if (label, index) not in there)
    name = f"{CLASSES[label]}/cifar10_{CLASSES[label]}_{index}.aedat4"
    raise FileNotFoundError(
        f"{entry.name}: {base} holds {len(places):,} of {wanted:,} recordings; {name} is the first that is missing"
    )
