"""Frames of recordings: equal to tonic's where the definitions agree, and what must hold for any recording."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from layouts import some_events

from lightning_modules.data.events.binning import Counts, VoxelGrid
from lightning_modules.data.events.recordings import structured

SENSOR = (12, 8, 2)


@st.composite
def recordings(draw: st.DrawFn) -> np.ndarray:
    count = draw(st.integers(10, 80))
    columns = [draw(hnp.arrays(np.int64, count, elements=st.integers(0, size - 1))) for size in (12, 8, 2)]
    gaps = draw(hnp.arrays(np.int64, count, elements=st.integers(0, 50)))
    gaps[0], gaps[-1] = 0, 10  # any ten steps have a microsecond each
    return structured(columns[0], columns[1], 10**9 + np.cumsum(gaps), columns[2].astype(bool))


@pytest.mark.parametrize("timesteps", [1, 4, 7, 10])
@pytest.mark.parametrize(("rule", "tonics"), [("event_count", "n_event_bins"), ("time", "n_time_bins")])
def test_frames_equal_tonics_where_the_remainder_is_dropped(
    rule: Literal["event_count", "time"], tonics: str, timesteps: int
) -> None:
    from tonic.transforms import ToFrame

    for seed in range(5):
        events = some_events(seed, count=997)
        frames = Counts(rule, timesteps, "drop")(events, (34, 34, 2), 1)
        assert np.array_equal(frames, ToFrame(sensor_size=(34, 34, 2), **{tonics: timesteps})(events.copy()))


@settings(max_examples=50, deadline=None)
@given(recordings(), st.integers(1, 10), st.sampled_from(["event_count", "time"]))
def test_the_last_frame_takes_what_else_is_dropped(
    events: np.ndarray, timesteps: int, rule: Literal["event_count", "time"]
) -> None:
    dropped, last = (Counts(rule, timesteps, kind)(events, SENSOR, 1) for kind in ("drop", "last"))
    assert last.sum() == len(events)
    assert np.array_equal(last[:-1], dropped[:-1])
    if rule == "event_count":
        assert (dropped.sum((1, 2, 3)) == len(events) // timesteps).all()


@settings(max_examples=50, deadline=None)
@given(recordings(), st.integers(1, 10), st.sampled_from([2, 4]))
def test_a_coarse_pixel_is_the_sum_of_its_fine_ones(events: np.ndarray, timesteps: int, factor: int) -> None:
    for binning in (Counts("event_count", timesteps, "drop"), VoxelGrid(timesteps)):
        fine, coarse = (binning(events, SENSOR, each) for each in (1, factor))
        blocks = fine.reshape(timesteps, 2, 8 // factor, factor, 12 // factor, factor)
        np.testing.assert_allclose(coarse, blocks.sum((3, 5)), rtol=1e-6)


@settings(max_examples=50, deadline=None)
@given(recordings(), st.integers(1, 10))
def test_a_voxel_grid_is_what_its_equation_says(events: np.ndarray, timesteps: int) -> None:
    expected = np.zeros((timesteps, 2, 8, 12))
    first, last = events["t"][0], events["t"][-1]
    for x, y, t, p in events.tolist():
        for step in range(timesteps):
            place = (timesteps - 1) * (t - first) / (last - first)
            expected[step, int(p), y, x] += max(0.0, 1 - abs(step - place))
    frames = VoxelGrid(timesteps)(events, SENSOR, 1)
    np.testing.assert_allclose(frames, expected, rtol=1e-5, atol=1e-6)
    assert frames.sum() == pytest.approx(len(events), rel=1e-5)


def test_events_at_one_moment_are_one_point_of_a_voxel_grid() -> None:
    moment = structured(np.arange(5), np.zeros(5), np.full(5, 77), np.ones(5))
    frames = VoxelGrid(3)(moment, SENSOR, 1)
    assert frames.sum((1, 2, 3)).tolist() == [5.0, 0.0, 0.0]


def test_the_channels_of_a_cochlea_are_binned_along_their_one_row() -> None:
    events = structured(np.array([0, 4, 5, 699]), np.zeros(4), np.arange(4), np.zeros(4))
    frames = Counts("event_count", 1, "drop")(events, (700, 1, 1), 5)
    assert frames.shape == (1, 1, 1, 140)
    assert frames[0, 0, 0, [0, 1, 139]].tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("rule", "reason"), [("event_count", "holds 3 events, too few for 4"), ("time", "lasts 2 us, too short for 4")]
)
def test_a_recording_too_short_for_its_frames_is_refused(rule: Literal["event_count", "time"], reason: str) -> None:
    events = structured(np.zeros(3), np.zeros(3), np.arange(3), np.zeros(3))
    with pytest.raises(ValueError, match=reason):
        Counts(rule, 4, "drop")(events, SENSOR, 1)
