"""The event camera: what its equations say of every pixel, and the digits seen by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data.events import digits_dvs
from lightning_modules.data.events.recordings import EVENT
from lightning_modules.data.events.saccades import Scene, log_intensities, path
from lightning_modules.data.events.simulator import Camera, PixelEvents, simulate

CAMERA = Camera(threshold=100, refractory=30, step=1000)
CURVES = st.lists(st.integers(-5000, 5000), min_size=2, max_size=12)


def seen(curve: list[int], camera: Camera = CAMERA) -> PixelEvents:
    """The events of one pixel, by time."""
    found = simulate(camera, [np.array([level], np.int32) for level in curve])
    order = found.t.argsort()
    return PixelEvents(found.pixel[order], found.t[order], found.p[order])


def test_one_pixel_by_hand() -> None:
    """0 -> 250 in 1 ms: +100 at 400 us; 107.5 at 430, floored, so +100 at 828; then -100 each from 214 and 104."""
    found = seen([0, 250, -50])
    assert found.t.tolist() == [400, 828, 1454, 1820]
    assert found.p.tolist() == [True, True, False, False]


def test_without_refractory_time_a_ramp_fires_at_every_threshold() -> None:
    found = seen([0, 500], Camera(threshold=100, refractory=0, step=1000))
    assert found.t.tolist() == [200, 400, 600, 800, 1000]


def test_refractory_time_reaches_over_instants() -> None:
    """The event at 1000 us holds the pixel until 3500 us, when it sees 350 and remembers it."""
    assert seen([0, 100, 200, 300, 400, 500], Camera(100, 2500, 1000)).t.tolist() == [1000, 4500]


@given(st.integers(-5000, 5000), st.integers(2, 9))
def test_no_event_without_change(level: int, count: int) -> None:
    assert len(seen([level] * count).t) == 0


@given(CURVES)
def test_refractory_time_is_respected(curve: list[int]) -> None:
    times = seen(curve).t
    assert (np.diff(times) >= CAMERA.refractory).all()
    assert ((times > 0) & (times <= (len(curve) - 1) * CAMERA.step)).all()


@given(CURVES)
def test_polarity_is_the_sign_of_the_change_since_the_memory(curve: list[int]) -> None:
    found = seen(sorted(curve))
    assert found.p.all()
    assert not seen(sorted(curve, reverse=True)).p.any()


@given(CURVES)
def test_each_event_is_one_threshold_of_change(curve: list[int]) -> None:
    """Of a total change V at most V / C events; what is lost is what changes in refractory times and within 1 us."""
    curve = sorted(curve)
    total = curve[-1] - curve[0]
    steepest = max(np.diff(curve)) / CAMERA.step
    count = len(seen(curve).t)
    assert count <= total / CAMERA.threshold
    assert count + 1 > (total - count) / (CAMERA.threshold + steepest * (CAMERA.refractory + 1) + 1)


@given(st.lists(CURVES.filter(lambda curve: len(curve) > 4), min_size=2, max_size=4))
def test_pixels_do_not_see_each_other(curves: list[list[int]]) -> None:
    levels = np.array([curve[:5] for curve in curves], np.int32).T
    found = simulate(CAMERA, list(levels))
    for pixel, curve in enumerate(curves):
        assert sorted(found.t[found.pixel == pixel]) == seen(curve[:5]).t.tolist()


def test_the_view_moves_along_the_triangle_and_back_at_rest_in_its_corners() -> None:
    places = path(digits_dvs.SCENE)
    assert len(places) == 151
    assert [tuple(place) for place in places[::50]] == [(-256, -256), (0, 256), (256, -256), (-256, -256)]
    speed = np.abs(np.diff(places, axis=0)).sum(1)
    assert speed[[0, 49, 50, 99, 100, 149]].max() * 10 < speed.max()


def test_moving_the_view_by_a_pixel_moves_what_is_seen() -> None:
    images = np.random.default_rng(0).integers(0, 17, (2, 8, 8))
    still, moved = (
        next(log_intensities(Scene(16, 2, ((x, 0),), 1, 16, 0.1), images)).reshape(16, 16, 2) for x in (0, 256)
    )
    assert np.array_equal(still[:, 1:], moved[:, :-1])


def test_an_enlarged_image_is_interpolated_between_its_pixels() -> None:
    image = np.zeros((1, 8, 8))
    image[0, :, 4:] = 16
    seen_row = next(log_intensities(Scene(16, 2, ((0, 0),), 1, 16, 0.1), image)).reshape(16, 16)[8]
    expected = np.log(np.array([0, 0, 0.25, 0.75, 1, 1]) + 0.1)
    assert np.allclose(seen_row[5:11] / 65536, expected, atol=1e-4)


@pytest.fixture(scope="module")
def recorded() -> list[np.ndarray]:
    from sklearn.datasets import load_digits

    return digits_dvs.record(load_digits().images[:20])


def test_recordings_are_in_tonics_layout_by_time(recorded: list[np.ndarray]) -> None:
    for events in recorded:
        assert events.dtype == EVENT and 500 < len(events) < 2000
        assert (np.diff(events["t"]) >= 0).all() and events["t"][-1] <= 300_000
        assert events["x"].max() < 16 and events["y"].max() < 16


def test_a_recording_does_not_depend_on_the_others(recorded: list[np.ndarray]) -> None:
    from sklearn.datasets import load_digits

    alone = digits_dvs.record(load_digits().images[7:8])[0]
    assert alone.tobytes() == recorded[7].tobytes()


def test_the_cache_is_written_once_and_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    choices = DataChoices(name="digits_dvs")
    first = data.recordings(choices)
    assert not list(tmp_path.rglob("*.npy"))
    events = first.read(3)
    (file,) = tmp_path.rglob("*.npy")
    whole = file.read_bytes()
    file.write_bytes(whole[:-5] + b"00000")
    assert data.recordings(choices).read(3).tobytes() == events.tobytes()
    assert file.read_bytes() == whole


def test_other_digits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(digits_dvs, "record", lambda images: [np.zeros(1, EVENT)])
    with pytest.raises(ValueError, match="installed scikit-learn has other digits"):
        data.recordings(DataChoices(name="digits_dvs")).read(0)
    assert not list(tmp_path.rglob("*.npy"))
