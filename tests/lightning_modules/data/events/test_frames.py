"""The cache of frames: made once, found again, made anew when damaged, whole or not there."""

from __future__ import annotations

import multiprocessing
import resource
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import some_events, write_nmnist, write_spoken

from lightning_modules import create, data
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.data.events.binning import Counts, VoxelGrid
from lightning_modules.data.events.frames import frames
from lightning_modules.data.events.recordings import Recordings
from lightning_modules.data.splits import Split

SENSOR = (34, 34, 2)
THREE = Counts("event_count", 3, "drop")


class Source:
    """Recordings in memory that count how often they are read."""

    def __init__(self, *recordings: np.ndarray) -> None:
        self.recordings, self.reads = recordings, 0

    def __call__(self, index: int) -> np.ndarray:
        self.reads += 1
        return self.recordings[index]


def in_memory(source: Source, identity: str = "a") -> Recordings:
    count = len(source.recordings)
    return Recordings(
        dataset="memory",
        names=tuple(f"{index}.bin" for index in range(count)),
        labels=np.zeros(count, np.int64),
        sensor=SENSOR,
        split=Split("all", tuple(range(count)), (), ()),
        events=source,
        identity=lambda: identity,
    )


@pytest.fixture
def source() -> Source:
    return Source(*(some_events(seed) for seed in range(4)))


def test_frames_are_made_once_and_then_found(source: Source) -> None:
    made = frames(in_memory(source), THREE, 1)
    assert made.shape == (4, 3, 2, 34, 34) and made.dtype == np.uint8
    assert np.array_equal(made[2], THREE(some_events(2), SENSOR, 1))
    again = frames(in_memory(source), THREE, 1)
    assert isinstance(again, np.memmap) and np.array_equal(made, again) and source.reads == 4


def test_another_transform_or_content_has_frames_of_its_own(source: Source) -> None:
    frames(in_memory(source), THREE, 1)
    for binning, factor in ((replace(THREE, timesteps=4), 1), (replace(THREE, remainder="last"), 1), (THREE, 2)):
        found = frames(in_memory(source), binning, factor)
        assert np.array_equal(found[1], binning(some_events(1), SENSOR, factor))
    before = source.reads
    frames(in_memory(source, "another content"), THREE, 1)
    assert source.reads == before + 4


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_damaged_frames_are_made_anew(source: Source, cache: Path, damage: str) -> None:
    whole = np.array(frames(in_memory(source), THREE, 1))
    (path,) = (cache / "frames").glob("*.npy")
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes({"cut": content[:-9], "flipped": content, "emptied": b""}[damage])
    assert np.array_equal(frames(in_memory(source), THREE, 1), whole) and source.reads == 8


@pytest.mark.parametrize(("most", "kind"), [(255, np.uint8), (256, np.int16), (40_000, np.int32)])
def test_the_smallest_type_that_holds_all_counts_is_taken(most: int, kind: type) -> None:
    """Also what was written before a large count was met is kept."""
    busy = np.repeat(some_events(9)[:1], most)
    source = Source(some_events(0), some_events(1), busy, some_events(2))
    found = frames(in_memory(source), Counts("event_count", 1, "drop"), 1)
    assert found.dtype == kind and found[2].max() == most
    for index, seed in ((0, 0), (1, 1), (3, 2)):
        assert np.array_equal(found[index], Counts("event_count", 1, "drop")(some_events(seed), SENSOR, 1))


def test_voxel_grids_are_kept_as_they_are(source: Source) -> None:
    found = frames(in_memory(source), VoxelGrid(3), 1)
    assert found.dtype == np.float32 and np.array_equal(found[0], VoxelGrid(3)(some_events(0), SENSOR, 1))


def test_a_faulty_recording_leaves_nothing_behind(source: Source, cache: Path) -> None:
    source.recordings = (*source.recordings[:2], some_events(0)[:2])
    with pytest.raises(ValueError, match=r"^memory: 2.bin holds 2 events, too few for 3 frames of equal event count$"):
        frames(in_memory(source), THREE, 1)
    assert not [path for path in (cache / "frames").iterdir() if path.suffix != ".lock"]


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(source: Source, cache: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(
            OSError, match=r"memory: frames of 4 recordings: .* cannot take it .*XDG_CACHE_HOME"
        ) as caught:
            frames(in_memory(source), THREE, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert not [path for path in (cache / "frames").iterdir() if path.suffix != ".lock"]


def test_what_a_killed_process_left_is_removed(source: Source, cache: Path) -> None:
    frames(in_memory(source), THREE, 1)
    (path,) = (cache / "frames").glob("*.npy")
    left = path.with_name(f".{path.name}.part-1234abcd")
    left.write_bytes(b"half")
    path.unlink()
    frames(in_memory(source), THREE, 1)
    assert path.exists() and not left.exists()


def _make(folder: str) -> int:
    source = Source(*(some_events(seed) for seed in range(4)))
    frames(in_memory(source), THREE, 1)
    return source.reads


def test_of_several_processes_one_makes_the_frames() -> None:
    # Spawned: a fork takes along the locks that other threads of the tests' process hold, and never gets them back.
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        assert sorted(pool.map(_make, "abc")) == [0, 0, 4]


def test_the_fingerprint_is_that_of_the_recordings_whatever_frames_are_made(tmp_path: Path) -> None:
    write_nmnist(tmp_path, train=1, test=1)
    choices = DataChoices(name="nmnist", root=str(tmp_path))
    found = {
        data.open(each, encoder=create("encoding", name, timesteps=steps, size=34), seed=0).fingerprint
        for each in (choices, choices.model_copy(update={"resolution": 17}))
        for name, steps in (("event_count", 2), ("voxel", 5))
    }
    assert found == {data.recordings(choices).fingerprint()}


@pytest.mark.parametrize("encoding", ["event_count", "time", "voxel"])
def test_recordings_train_end_to_end(tmp_path: Path, encoding: str) -> None:
    import pytorch_lightning as pl

    from lightning_modules.classifier import SpikingClassifier

    write_nmnist(tmp_path, train=10, test=1, digits=2)
    choices = DataChoices(name="nmnist", root=str(tmp_path), batch_size=8, resolution=17)
    facts = data.describe(choices)
    assert facts.shape == (2, 17, 17)
    model = {"depth": 1, "width": 2, "timesteps": 3, "encoding": encoding, "frame_size": 16}
    classifier = SpikingClassifier(
        ModelChoices.model_validate(model), TrainingChoices(epochs=1), in_channels=2, classes=10, events=True
    )
    module = data.open(choices, encoder=classifier.network.encoder, seed=0)
    x, _, index = next(iter(module.test_dataloader()))
    assert x.dtype == classifier.dtype and x.shape == (2, 3, 2, 17, 17)
    binning = classifier.network.encoder.binning
    counts = binning(data.recordings(choices).read(int(index[0])), SENSOR, 2)
    np.testing.assert_array_equal(x[0].numpy(), counts)
    trainer = pl.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    trainer.fit(classifier, module)
    trainer.test(classifier, module, verbose=False)
    assert len(classifier.correct) == 2


def test_the_channels_of_a_cochlea_go_through_the_network_in_their_row(tmp_path: Path) -> None:
    from lightning_modules.network import SpikingResNet

    write_spoken(tmp_path, "SHD", {"train": 6, "test": 2}, classes=20)
    choices = DataChoices(name="shd", root=str(tmp_path), resolution=140)
    settings = {"depth": 1, "width": 2, "timesteps": 3, "encoding": "time"}
    network = SpikingResNet(ModelChoices.model_validate(settings), in_channels=1, classes=20, events=True)
    x, _, _ = next(iter(data.open(choices, encoder=network.encoder, seed=0).test_dataloader()))
    assert x.shape == (2, 3, 1, 1, 140) and network(x).shape == (2, 20)
