"""DVS128 Gesture as tonic publishes it: `ibmGesture{Train,Test}/userNN_<light>/<class>.npy`, one gesture a file.

Source: Amir et al., A Low Power, Fully Event-Based Gesture Recognition System, 2017.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import content, sources
from lightning_modules.data.events.recordings import Recordings, structured
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import Split

TRAIN, TEST = "ibmGestureTrain", "ibmGestureTest"
_NAME = re.compile(r"user(\d{2})_\w+/(\d{1,2})\.npy")
_MILLISECOND = 1000
VALIDATION_USERS = (21, 22, 23)


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """The recordings in the order of their names, training before test.

    Users 1 to 23 are the official training part, 24 to 29 the test part. Validation users are others than training
    users, as test users are; every user made every gesture, so that each part holds all classes.

    Raises:
        FileNotFoundError, ValueError, OSError: as `sources.folder`, or if there is no recording for a part.
    """
    base = sources.folder(entry, choices.root)
    train, test = (_names(base, part) for part in (TRAIN, TEST))
    names = (*train, *test)
    users, labels = (np.array([_place(name)[field] for name in names], np.int64) for field in (0, 1))
    cut = _by_users(split, users.tolist(), len(train))
    for part in ("train", "validation", "test"):
        if not getattr(cut, part):
            raise ValueError(f"{entry.name}: {base} holds no recording of a user of the {part} part")
    return Recordings(
        dataset=entry.name,
        names=names,
        labels=labels,
        sensor=(128, 128, 2),
        split=cut,
        events=lambda index: read_npy(base / names[index]),
        identity=lambda: content.digest([(name, base / name) for name in names], entry.name),
    )


def read_npy(path: Path) -> np.ndarray:
    """Events of one file: rows of x, y, polarity and milliseconds.

    Raises:
        ValueError: if it is no such file. Pickled objects are refused.
    """
    rows = np.load(path, allow_pickle=False)
    if rows.ndim != 2 or rows.shape[1] != 4 or rows.dtype.kind not in "iuf":
        raise ValueError(f"{rows.dtype} {rows.shape} is not a table of x, y, polarity and milliseconds")
    x, y, p, t = rows.T
    return structured(x, y, (t * _MILLISECOND).astype(np.int64), p)


def _by_users(split: str, users: list[int], train: int) -> Split:
    held = tuple(index for index in range(train) if users[index] in VALIDATION_USERS)
    rest = tuple(index for index in range(train) if users[index] not in VALIDATION_USERS)
    return Split(split, rest, held, tuple(range(train, len(users))))


def _names(base: Path, part: str) -> list[str]:
    found = (f"{part}/{path.parent.name}/{path.name}" for path in (base / part).glob("*/*.npy"))
    return sorted(name for name in found if _NAME.search(name) and _place(name)[1] < 11)


def _place(name: str) -> tuple[int, int]:
    """User and class."""
    match = _NAME.search(name)
    assert match is not None
    return int(match[1]), int(match[2])
