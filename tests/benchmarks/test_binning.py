"""Frames of one recording: the vectorised pass against tonic's ToFrame. 200,000 events, 128 x 128 pixels, 10 frames.

Run with: pytest tests/benchmarks/test_binning.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tonic.transforms import ToFrame

from lightning_modules.data.events.binning import Counts, VoxelGrid
from lightning_modules.data.events.recordings import structured

EVENTS, SIDE, STEPS = 200_000, 128, 10
SENSOR = (SIDE, SIDE, 2)


@pytest.fixture(scope="module")
def events() -> np.ndarray:
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, SIDE, (2, EVENTS))
    return structured(x, y, np.sort(draw.integers(0, 1_000_000, EVENTS)), draw.integers(0, 2, EVENTS))


@pytest.mark.parametrize(
    "make",
    [
        ToFrame(sensor_size=SENSOR, n_event_bins=STEPS),
        lambda events: Counts("event_count", STEPS, "drop")(events, SENSOR, 1),
        lambda events: Counts("time", STEPS, "drop")(events, SENSOR, 1),
        lambda events: VoxelGrid(STEPS)(events, SENSOR, 1),
    ],
    ids=["tonic", "event_count", "time", "voxel"],
)
def test_frames_of_a_recording(benchmark: Any, events: np.ndarray, make: Callable[[np.ndarray], np.ndarray]) -> None:
    benchmark.pedantic(lambda: make(events), rounds=20, warmup_rounds=2)
