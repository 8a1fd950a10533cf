"""An ideal event camera: from log intensities at sample instants to events. Integers throughout, no random numbers.

A pixel remembers the log intensity L_m of its last event. With L linear between two sample instants it fires at the
first whole microsecond t with

    |L(t) - L_m| >= C,    polarity = sign(L(t) - L_m),

C being the contrast threshold (event generation model, Gallego et al. 2020, 1904.08405; interpolation in time as in
ESIM, Rebecq et al. 2018). Then it is held in reset for the refractory time R and remembers L(t + R), so that what
changes meanwhile is lost (Lichtsteiner et al. 2008; v2e, Hu et al. 2021, 2006.07722, leaves out the events of that time
instead). The sensor is ideal: no mismatch of thresholds, no leak events, no shot noise.

Since every number is an integer, the same input gives the same bytes on every machine, whatever its vector units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

UNIT = 1 << 16
"""Log intensities are counted in units of 1/65536."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What the pixels have in common.

    Attributes:
        threshold: C, in units of 1/65536 of natural logarithm.
        refractory: R in microseconds.
        step: microseconds between two sample instants.
    """

    threshold: int
    refractory: int
    step: int


@dataclass(frozen=True, slots=True)
class PixelEvents:
    """Events of any number of pixels, in no particular order: number of the pixel, microseconds, whether ON; `[n]`."""

    pixel: np.ndarray
    t: np.ndarray
    p: np.ndarray


def simulate(camera: Camera, levels: Iterable[np.ndarray]) -> PixelEvents:
    """The events of pixels that see these log intensities.

    Args:
        camera: thresholds and times.
        levels: log intensity of every pixel at the instants 0, step, 2 step, ...: int32 `[pixels]` each.
    """
    instants = iter(levels)
    before = next(instants)
    pixels = _Pixels(camera, before)
    for number, after in enumerate(instants):
        pixels.advance(number * camera.step, before, after)
        before = after
    return pixels.events()


class _Pixels:
    """The state of all pixels between two instants: what they remember and which are held in reset."""

    def __init__(self, camera: Camera, start: np.ndarray) -> None:
        self.camera = camera
        self.memory = start.astype(np.int32)
        self.held = np.empty(0, np.int64)
        self.ready = np.empty(0, np.int64)
        self._found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def advance(self, start: int, before: np.ndarray, after: np.ndarray) -> None:
        """Find the events in `(start, start + step]`."""
        end = start + self.camera.step
        freed = self.ready <= end
        released, times = self.held[freed], self.ready[freed]
        self.held, self.ready = self.held[~freed], self.ready[~freed]
        # A pixel in reset must not be found; it remembers its level at the end of the interval until it is released.
        self.memory[self.held] = after[self.held]
        self.memory[released] = _at(times, start, self.camera.step, before[released], after[released])
        changed = np.abs(after - self.memory) >= self.camera.threshold
        firing = np.flatnonzero(changed)
        while len(firing):
            firing = self._fire(firing, start, end, before, after)

    def _fire(self, pixels: np.ndarray, start: int, end: int, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """One event of each pixel; gives the pixels that fire once more before the end."""
        first, last = before[pixels].astype(np.int64), after[pixels].astype(np.int64)
        rising = last > self.memory[pixels]
        sign = np.where(rising, 1, -1)
        missing = self.camera.threshold - sign * (first - self.memory[pixels])
        t = start - (-missing * self.camera.step) // (sign * (last - first))
        self._found.append((pixels, t, rising))
        ready = t + self.camera.refractory
        held = ready > end
        self.held = np.concatenate((self.held, pixels[held]))
        self.ready = np.concatenate((self.ready, ready[held]))
        free, ready = pixels[~held], ready[~held]
        self.memory[free] = _at(ready, start, self.camera.step, before[free], after[free])
        return free[np.abs(after[free] - self.memory[free]) >= self.camera.threshold]

    def events(self) -> PixelEvents:
        none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))
        pixel, t, p = (np.concatenate(column) for column in zip(none, *self._found, strict=True))
        return PixelEvents(pixel, t, p)


def _at(times: np.ndarray, start: int, step: int, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Log intensity at times within an interval, on the line between its ends, rounded down."""
    first = before.astype(np.int64)
    return (first + (after - first) * (times - start) // step).astype(np.int32)
