"""Recordings of an event camera with their labels and split, read one at a time.

The layout of events is tonic's: a structured array with pixel (x, y), time in microseconds and polarity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lightning_modules.data.splits import Split

EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
"""One event: column, row, microseconds, whether it is ON. The field names are tonic's, so its transforms apply."""


@dataclass(frozen=True, eq=False)
class Recordings:
    """A set of labelled recordings; what is read is checked.

    Attributes:
        dataset: name of the data set, for messages.
        names: of the recordings, relative to the data set's folder, in an order that no directory decides.
        labels: int64 `[N]`.
        sensor: width, height and polarities, as tonic's `sensor_size`.
        split: which recording belongs where.
        events: reads the recording of an index, in any order of fields; `read` checks what it gives.
        identity: sha256 of the content of all recordings (see `content.digest`).
    """

    dataset: str
    names: tuple[str, ...]
    labels: np.ndarray
    sensor: tuple[int, int, int]
    split: Split
    events: Callable[[int], np.ndarray]
    identity: Callable[[], str]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> np.ndarray:
        """The events of one recording, a structured array of dtype `EVENT` in the order of time.

        Raises:
            ValueError: if the file cannot be read, is empty, leaves the sensor or runs backwards in time.
        """
        try:
            events = self.events(index)
        except Exception as error:  # a decoder of a damaged file raises whatever its garbage happens to do
            raise self._unreadable(index, f"cannot be read ({_line(error)}); delete it and get it again") from error
        reason = _fault(events, self.sensor)
        if reason is not None:
            raise self._unreadable(index, reason)
        return structured(events["x"], events["y"], events["t"], events["p"])

    def digest(self) -> str:
        """sha256 of names, labels, sensor and content: equal for equal recordings, wherever they lie."""
        digest = hashlib.sha256(f"{self.sensor}/{self.identity()}/".encode())
        digest.update("\n".join(self.names).encode())
        digest.update(np.asarray(self.labels, "<i8").tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """sha256 of content and split, whatever frames are made of them: two runs with the same saw the same data."""
        return hashlib.sha256(f"{self.digest()}/{self.split.digest()}".encode()).hexdigest()

    def _unreadable(self, index: int, reason: str) -> ValueError:
        return ValueError(f"{self.dataset}: {self.names[index]} {reason}")


def structured(x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Events of dtype `EVENT` from their columns, each `[n]`."""
    events = np.empty(len(t), EVENT)
    events["x"], events["y"], events["t"], events["p"] = x, y, t, p
    return events


def _fault(events: np.ndarray, sensor: tuple[int, int, int]) -> str | None:
    """What is wrong with a recording, None if nothing is."""
    if len(events) == 0:
        return "is empty: it holds no event"
    for axis, size in (("x", sensor[0]), ("y", sensor[1])):
        low, high = int(events[axis].min()), int(events[axis].max())
        if low < 0 or high >= size:
            return f"leaves the sensor: {axis} is from {low} to {high}, the sensor has 0 to {size - 1}"
    # Compared, not subtracted: unsigned timestamps would wrap around.
    backwards = np.flatnonzero(events["t"][1:] < events["t"][:-1])
    if len(backwards):
        first = int(backwards[0])
        return (
            f"runs backwards in time: event {first + 1} at {int(events['t'][first + 1])} us follows one at "
            f"{int(events['t'][first])} us ({len(backwards)} such steps)"
        )
    return None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
