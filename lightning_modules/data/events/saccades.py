"""Images seen by a camera that moves in saccades: log intensity of every pixel, instant by instant.

As for N-MNIST (Orchard et al. 2015, 1507.07629) the camera makes three movements of 100 ms along the sides of a
triangle, so that the edges of all orientations pass over pixels and the view ends where it began. With P_k the corners,
saccade k is at time u in [0, 1] at

    P_k + (P_(k+1) - P_k) s(u),    s(u) = 3 u^2 - 2 u^3,

which starts and ends at rest. The image is enlarged and moved by bilinear interpolation, beyond its border it is dark,
and a pixel with intensity I in [0, 1] sees

    L = ln(I + dark),

where `dark` is what a black pixel still receives: it bounds the contrast (linear close to 0 as in v2e, Hu et al. 2021).
All arithmetic is on integers (positions in 1/256 of a pixel, logarithms from a table), exact in float32 where matrices
are multiplied, so that it gives the same numbers on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lightning_modules.data.events.simulator import UNIT

_FINE = 256
_SHADES = 1 << 12


@dataclass(frozen=True, slots=True)
class Scene:
    """Geometry and light.

    Attributes:
        sensor: pixels a side.
        scale: sensor pixels per image pixel; a power of two.
        corners: where the view stands before each saccade, `(x, y)` in 1/256 of a sensor pixel; after the last one it
            is back at the first.
        samples: sample instants in a saccade.
        white: value of an image pixel that means intensity 1; a power of two.
        dark: intensity added to all.
    """

    sensor: int
    scale: int
    corners: tuple[tuple[int, int], ...]
    samples: int
    white: int
    dark: float


def path(scene: Scene) -> np.ndarray:
    """Place of the view at every sample instant, int64 `[saccades samples + 1, 2]`, in 1/256 of a sensor pixel."""
    corners = np.array(scene.corners, np.int64)
    u = np.arange(scene.samples, dtype=np.int64)[:, None]
    weight, whole = 3 * u**2 * scene.samples - 2 * u**3, scene.samples**3
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    places = [before + ((after - before) * weight + whole // 2) // whole for before, after in sides]
    return np.concatenate((*places, corners[:1]))


def log_intensities(scene: Scene, images: np.ndarray) -> Iterator[np.ndarray]:
    """What every pixel sees at every sample instant, in units of 1/65536.

    Args:
        scene: geometry and light.
        images: `[N, height, width]`, 0 to `white`.

    Yields:
        int32 `[sensor sensor N]`, pixel by pixel, row after row, the images last.
    """
    count, height, width = images.shape
    stacked = np.ascontiguousarray(images.transpose(1, 2, 0), dtype=np.float32)
    table = _logarithms(scene.dark)
    shades = np.float32(_SHADES / (scene.white * (scene.scale * _FINE) ** 2))
    for x, y in path(scene):
        rows, columns = _weights(scene, int(y), height), _weights(scene, int(x), width)
        moved = columns @ (rows @ stacked.reshape(height, -1)).reshape(scene.sensor, width, count)
        moved *= shades
        yield table[moved.astype(np.int32)].reshape(-1)


def _weights(scene: Scene, place: int, size: int) -> np.ndarray:
    """Bilinear weights of the image's rows (or columns) for each of the sensor's, times scale 256; `[sensor, size]`.

    The view's centre is at `place`; weights of one row sum to scale 256 less what falls beyond the border.
    """
    # In half steps of 1/256 sensor pixel, so that the centres of pixels lie on whole numbers.
    unit = 2 * scene.scale * _FINE
    centres = (2 * np.arange(scene.sensor) + 1 - scene.sensor) * _FINE + 2 * place
    wanted = centres + (size - 1) * unit // 2
    distance = np.abs(wanted[:, None] - np.arange(size) * unit)
    return (np.maximum(unit - distance, 0) / 2).astype(np.float32)


def _logarithms(dark: float) -> np.ndarray:
    """ln(I + dark) of intensities 0, 1/4096, ..., 1, in units of 1/65536."""
    return np.array([round(UNIT * math.log(shade / _SHADES + dark)) for shade in range(_SHADES + 1)], np.int32)
