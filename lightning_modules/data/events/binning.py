"""Frames of a recording: which events fall into which of T steps, then one bincount over steps, polarities and pixels.

Sources: equal event count, Vicente-Sola et al. 2022; the voxel grid, Zhu et al. 2019 (1812.08156). `remainder: drop`
agrees with `ToFrame(n_event_bins)` and `ToFrame(n_time_bins)` of tonic; `last` is what SpikingJelly does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from lightning_modules.data.resolution import binned

VERSION = 1
"""Part of every cache key: raise it when the frames that a rule makes change."""

Sensor = tuple[int, int, int]


class Binning(Protocol):
    """How frames are made of a recording; the encoders of event data have one."""

    @property
    def key(self) -> str:
        """All that decides the frames, as text."""

    @property
    def timesteps(self) -> int: ...

    @property
    def exact(self) -> bool:
        """Whether frames hold whole numbers."""

    def __call__(self, events: np.ndarray, sensor: Sensor, factor: int) -> np.ndarray:
        """Frames `[T, P, H / factor, W / factor]` of one recording, in the order of time."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Number of events of each polarity, in frames of equal event count or equal duration.

    Attributes:
        rule: what is equal for all frames.
        timesteps: T.
        remainder: what T does not divide, in events or microseconds, is left out (`drop`) or counted in the last frame
            (`last`).
    """

    rule: Literal["event_count", "time"]
    timesteps: int
    remainder: Literal["drop", "last"]

    exact = True

    @property
    def key(self) -> str:
        return f"{self.rule}/T={self.timesteps}/remainder={self.remainder}/version={VERSION}"

    def __call__(self, events: np.ndarray, sensor: Sensor, factor: int) -> np.ndarray:
        """Frames `[T, P, H / factor, W / factor]`, int64.

        Raises:
            ValueError: if the recording is too short to be cut into T parts.
        """
        sizes = self._by_count(events) if self.rule == "event_count" else self._by_time(events)
        kept = events[: sizes.sum()]
        steps = np.repeat(np.arange(self.timesteps), sizes)
        cells, shape = _cells(kept, sensor, factor)
        frame = int(np.prod(shape))
        counted = np.bincount(steps * frame + cells, minlength=self.timesteps * frame)
        return counted.reshape(self.timesteps, *shape)

    def _by_count(self, events: np.ndarray) -> np.ndarray:
        """Events in each step."""
        each = len(events) // self.timesteps
        if each == 0:
            raise ValueError(f"holds {len(events)} events, too few for {self.timesteps} frames of equal event count")
        sizes = np.full(self.timesteps, each)
        if self.remainder == "last":
            sizes[-1] += len(events) - self.timesteps * each
        return sizes

    def _by_time(self, events: np.ndarray) -> np.ndarray:
        """Events in each step; the first step begins with the first event."""
        times = events["t"]
        window = (int(times[-1]) - int(times[0])) // self.timesteps
        if window == 0:
            raise ValueError(
                f"lasts {int(times[-1]) - int(times[0])} us, too short for {self.timesteps} frames of equal duration"
            )
        ends = np.searchsorted(times, int(times[0]) + window * np.arange(1, self.timesteps + 1))
        if self.remainder == "last":
            ends[-1] = len(events)
        return np.diff(ends, prepend=0)


@dataclass(frozen=True, slots=True)
class VoxelGrid:
    """Each event is shared between the two nearest of T points in time, the nearer the more.

    The points lie from the first event to the last, so that a grid sums up to the number of events and nothing remains.

    Attributes:
        timesteps: T.
    """

    timesteps: int

    exact = False

    @property
    def key(self) -> str:
        return f"voxel/T={self.timesteps}/version={VERSION}"

    def __call__(self, events: np.ndarray, sensor: Sensor, factor: int) -> np.ndarray:
        """Frames `[T, P, H / factor, W / factor]`, float32."""
        times = (events["t"] - events["t"][0]).astype(np.float64)
        place = times * ((self.timesteps - 1) / max(times[-1], 1.0))
        before = np.minimum(place.astype(np.int64), max(self.timesteps - 2, 0))
        later = place - before
        cells, shape = _cells(events, sensor, factor)
        frame = int(np.prod(shape))
        first = before * frame + cells
        # The second point of a single step does not exist, and its share is 0.
        grid = np.bincount(first, 1 - later, minlength=(self.timesteps + 1) * frame)
        grid += np.bincount(first + frame, later, minlength=(self.timesteps + 1) * frame)
        return grid[: self.timesteps * frame].reshape(self.timesteps, *shape).astype(np.float32)


def _cells(events: np.ndarray, sensor: Sensor, factor: int) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Where in a frame each event falls, int64 `[n]`, and the frame's shape."""
    width, height, polarities = sensor
    rows, columns = binned(height, width, factor)
    x, y = events["x"].astype(np.int64), events["y"].astype(np.int64)
    if factor > 1:
        x, y = x // factor, y // factor
    cells = y * columns + x
    if polarities > 1:
        cells += events["p"].astype(np.int64) * (rows * columns)
    return cells, (polarities, rows, columns)
