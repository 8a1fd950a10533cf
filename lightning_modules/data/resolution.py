"""Exact spatial binning of a sensor: every pixel of the coarser one is the sum of whole pixels. No torch, no numpy."""

from __future__ import annotations


def factor(height: int, width: int, resolution: int | None) -> int:
    """How many pixels of the sensor, along each side, make one of the frames.

    A side of one pixel (the channels of a cochlea lie in one row) stays one.

    Args:
        height, width: of the sensor.
        resolution: pixels along the longer side of the frames; None for the sensor's own.

    Raises:
        ValueError: if no whole factor gives that resolution; the message names those that are possible.
    """
    longer = max(height, width)
    if resolution is None:
        return 1
    possible = factors(height, width)
    if resolution not in possible:
        sides = "" if height == width else " along the longer side; both sides are divided alike"
        raise ValueError(
            f"data.resolution: {resolution} is not a whole part of the sensor's {height} x {width} (height x width); "
            f"possible are {', '.join(map(str, sorted(possible)))}{sides}"
        )
    return longer // resolution


def binned(height: int, width: int, factor: int) -> tuple[int, int]:
    """Height and width of the frames."""
    return height // factor if height > 1 else 1, width // factor if width > 1 else 1


def factors(height: int, width: int) -> dict[int, int]:
    """Possible resolutions with their factors."""
    sides = [side for side in (height, width) if side > 1] or [1]
    whole = [each for each in range(1, min(sides) + 1) if all(side % each == 0 for side in sides)]
    return {max(height, width) // each: each for each in whole}
