"""`digits_dvs`: scikit-learn's handwritten digits seen by a simulated event camera; nothing is downloaded.

1,797 recordings of 300 ms from a sensor of 16 x 16 pixels, about 1,000 events each. An 8 x 8 digit fills the sensor and
moves by about two sensor pixels, one pixel of the image, along each side of the triangle. The first
convolution for event frames has stride 2, so the network works on 8 x 8 values, the size of `digits`: a run costs as
much as one of the image study, and frames need no resizing (`frame_size: 16`).

Simulating takes about a second. It is done once; the events lie in the cache in tonic's layout and are accepted only
with the sha256 that is known for this version, whether read or simulated.
"""

from __future__ import annotations

import functools
import hashlib
import io
from fractions import Fraction
from pathlib import Path

import numpy as np

from lightning_modules.choices import DataChoices
from lightning_modules.data.events import cache
from lightning_modules.data.events.recordings import Recordings, structured
from lightning_modules.data.events.saccades import Scene, log_intensities
from lightning_modules.data.events.simulator import UNIT, Camera, simulate
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import stratified

SCENE = Scene(sensor=16, scale=2, corners=((-256, -256), (0, 256), (256, -256)), samples=50, white=16, dark=0.1)
CAMERA = Camera(threshold=round(0.3 * UNIT), refractory=1000, step=2000)
CONTENT = "5c93a85f51816223ab932469656af6da698b13ae94f5ff7623c04ed9bb06f98d"
"""sha256 of the file in the cache."""


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Recordings:
    """The recordings with the split of that name; no root is needed.

    Raises:
        ValueError: if the installed scikit-learn has other digits.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = bunch.target.astype(np.int64)
    fifth = Fraction(1, 5)
    # Listing what there is neither simulates nor reads.
    recordings = functools.cache(lambda: _recordings(entry, bunch.images))
    return Recordings(
        dataset=entry.name,
        names=tuple(f"digit {index:04d}" for index in range(len(labels))),
        labels=labels,
        sensor=(SCENE.sensor, SCENE.sensor, 2),
        split=stratified(split, labels.tolist(), validation=fifth, test=fifth),
        events=lambda index: recordings()[index],
        identity=lambda: CONTENT,
    )


def record(images: np.ndarray) -> list[np.ndarray]:
    """One recording of dtype `EVENT` for every image `[N, 8, 8]` of 0 to 16; by time, then pixel."""
    found = simulate(CAMERA, log_intensities(SCENE, images))
    place, index = np.divmod(found.pixel, len(images))
    order = np.argsort((index * (1 << 20) + found.t) * SCENE.sensor**2 + place)
    y, x = np.divmod(place[order], SCENE.sensor)
    events = structured(x, y, found.t[order], found.p[order])
    return np.split(events, np.cumsum(np.bincount(index, minlength=len(images)))[:-1])


def _recordings(entry: DatasetEntry, images: np.ndarray) -> list[np.ndarray]:
    """From the cache, into which they are simulated where it does not hold them."""
    path = cache.folder("recordings") / f"{entry.name}-{entry.version}.npy"

    def write(staged: Path) -> None:
        content = _packed(record(images))
        found = hashlib.sha256(content).hexdigest()
        if found != CONTENT:
            raise ValueError(
                f"{entry.name}: the simulated recordings have sha256 {found[:12]}, version {entry.version} has "
                f"{CONTENT[:12]}; the installed scikit-learn has other digits"
            )
        staged.write_bytes(content)

    cache.build(path, write, ready=_is_whole, what=f"{entry.name}: {len(images):,} recordings")
    file = io.BytesIO(path.read_bytes())
    counts, events = np.load(file, allow_pickle=False), np.load(file, allow_pickle=False)
    return np.split(events, np.cumsum(counts)[:-1])


def _is_whole(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == CONTENT


def _packed(recordings: list[np.ndarray]) -> bytes:
    """Two arrays in numpy's format, one after the other: events in each recording, and all events."""
    file = io.BytesIO()
    np.save(file, np.array([len(events) for events in recordings], "<i8"))
    np.save(file, np.concatenate(recordings))
    return file.getvalue()
