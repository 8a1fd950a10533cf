"""The published layouts, read by the real loaders: what is read is what was written, and faults are one line."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import (
    as_bin,
    pack,
    some_events,
    write_aedat4,
    write_caltech,
    write_cifar10dvs,
    write_gesture,
    write_nmnist,
    write_spoken,
)

from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data import event_entries
from lightning_modules.data.events import cifar10dvs
from lightning_modules.data.events.recordings import Recordings

INDICES = (0, 5, 99, 100, 908, 909)


def opened(name: str, root: Path, split: str | None = None) -> Recordings:
    return data.recordings(DataChoices(name=name, root=str(root), split=split))


def refused(name: str, root: Path, index: int | None = None) -> str:
    """The message, of one line, with which a set or one of its recordings is refused."""
    with pytest.raises((ValueError, OSError)) as caught:
        found = opened(name, root)
        if index is not None:
            found.read(index)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{name}: ")
    return message


@pytest.fixture
def few_of_cifar10dvs(monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR10-DVS with 60 recordings; its splits then have other sizes and hashes."""
    entry = event_entries.CIFAR10DVS
    facts = {name: replace(each, train=None, sha256="") for name, each in entry.splits.items()}
    assert entry.seeded is not None
    few = replace(entry, splits=facts, seeded=replace(entry.seeded, train=None))
    monkeypatch.setitem(data.DATASETS, "cifar10dvs", few)


def test_nmnist_is_read_as_written_in_the_order_of_its_names(tmp_path: Path) -> None:
    write_nmnist(tmp_path)
    found = opened("nmnist", tmp_path)
    assert (len(found), found.sensor, found.names[1]) == (120, (34, 34, 2), "Train/0/00011.bin")
    assert found.labels[:100].tolist() == sorted(list(range(10)) * 10)
    assert np.array_equal(found.read(1), some_events(10))
    assert [len(part) for part in (found.split.train, found.split.validation, found.split.test)] == [90, 10, 20]
    assert sorted(found.labels[list(found.split.validation)]) == list(range(10))
    assert found.split.test == tuple(range(100, 120))


def test_an_archive_is_unpacked_into_the_cache_and_is_the_same_data(tmp_path: Path, cache: Path) -> None:
    folder = write_nmnist(tmp_path / "as_folder")
    (tmp_path / "as_archive").mkdir()
    archive = pack(folder).rename(tmp_path / "as_archive" / "NMNIST.zip")
    unpacked = opened("nmnist", tmp_path / "as_archive")
    assert list(archive.parent.iterdir()) == [archive]
    assert unpacked.fingerprint() == opened("nmnist", tmp_path / "as_folder").fingerprint()
    first = next((cache / "unpacked").rglob("00001.bin"))
    first.unlink()
    assert len(opened("nmnist", tmp_path / "as_archive")) == 120  # what the cache lost is unpacked again


@pytest.mark.parametrize("member", ["../outside.bin", "/outside.bin", "NMNIST/../../outside.bin"])
def test_a_member_that_leaves_the_folder_is_refused(tmp_path: Path, cache: Path, member: str) -> None:
    with zipfile.ZipFile(tmp_path / "NMNIST.zip", "w") as archive:
        archive.writestr("NMNIST/Train/0/00001.bin", b"12345")
        archive.writestr(member, b"12345")
    assert f"its member {member!r} leaves the folder or is a link" in refused("nmnist", tmp_path)
    assert not list(tmp_path.rglob("outside.bin")) and not list(cache.rglob("*.bin"))


def test_an_archive_that_grows_beyond_reason_is_refused(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "NMNIST.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("NMNIST/Train/0/00001.bin", bytes(1 << 25))
    assert "would unpack to more than 20 its size" in refused("nmnist", tmp_path)
    assert not list(cache.rglob("*.bin"))


def test_a_truncated_archive_is_refused_and_nothing_is_left(tmp_path: Path, cache: Path) -> None:
    archive = pack(write_nmnist(tmp_path, train=1, test=1))
    archive.write_bytes(archive.read_bytes()[:-200])
    (tmp_path / "NMNIST").rename(tmp_path / "elsewhere")
    assert "NMNIST.zip is incomplete or damaged (File is not a zip file); delete it" in refused("nmnist", tmp_path)
    assert not list(cache.rglob("*.bin"))


def test_what_is_not_there_is_told_with_both_ways_to_get_it(tmp_path: Path) -> None:
    message = refused("nmnist", tmp_path)
    assert f"{tmp_path}/NMNIST/Train is missing; get the recordings with: ablate data nmnist --download" in message
    assert "by hand: unpack train.zip, test.zip from https://www.garrickorchard.com" in message


def test_a_part_without_recordings_is_told(tmp_path: Path) -> None:
    write_nmnist(tmp_path, test=1)
    for path in (tmp_path / "NMNIST" / "Test").rglob("*.bin"):
        path.unlink()
    assert "Test holds no recordings; <digit>/NNNNN.bin is needed" in refused("nmnist", tmp_path)


def _backwards() -> np.ndarray:
    events = some_events(0)
    events["t"][30] = 0
    return events


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Train/0/00001.bin is empty: it holds no event"),
        (as_bin(some_events(0))[:-2], "298 bytes are not whole events of 5: it is cut off"),
        (as_bin(some_events(0, width=35)), "leaves the sensor: x is from 0 to 34, the sensor has 0 to 33"),
        (as_bin(_backwards()), "runs backwards in time: event 30 at 0 us follows one at"),
    ],
    ids=["empty", "cut off", "outside", "backwards"],
)
def test_a_faulty_recording_is_refused_by_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    folder = write_nmnist(tmp_path, train=1, test=1)
    (folder / "Train" / "0" / "00001.bin").write_bytes(content)
    message = refused("nmnist", tmp_path, 0)
    assert reason in message and "Train/0/00001.bin" in message


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    folder = write_nmnist(tmp_path, train=1, test=1)
    before = opened("nmnist", tmp_path).fingerprint()
    assert opened("nmnist", tmp_path).fingerprint() == before
    (folder / "Train" / "3" / "00004.bin").write_bytes(as_bin(some_events(77)))
    assert opened("nmnist", tmp_path).fingerprint() != before


def test_gestures_are_split_by_user(tmp_path: Path) -> None:
    write_gesture(tmp_path)
    found = opened("dvsgesture", tmp_path)
    assert [len(part) for part in (found.split.train, found.split.validation, found.split.test)] == [22, 11, 22]
    assert all("user21" in found.names[index] for index in found.split.validation)
    assert sorted(found.labels[list(found.split.test)]) == sorted(list(range(11)) * 2)
    events = found.read(found.names.index("ibmGestureTrain/user01_fluorescent_led/10.npy"))
    written = some_events(110, width=128, height=128)
    assert np.array_equal(events[["x", "y", "p"]], written[["x", "y", "p"]])
    assert np.array_equal(events["t"], written["t"] // 1000 * 1000)


def test_pickled_gestures_are_refused(tmp_path: Path) -> None:
    folder = write_gesture(tmp_path)
    np.save(folder / "ibmGestureTrain" / "user01_fluorescent_led" / "0.npy", np.array([{}]), allow_pickle=True)
    message = refused("dvsgesture", tmp_path, 0)
    assert (
        "user01_fluorescent_led/0.npy cannot be read (Object arrays cannot be loaded when allow_pickle=False" in message
    )


def test_caltech_is_anchored_and_has_all_its_classes(tmp_path: Path) -> None:
    folder = write_caltech(tmp_path)
    found = opened("ncaltech101", tmp_path)
    assert found.labels.tolist() == list(range(101)) and found.sensor == (240, 180, 2)
    assert np.array_equal(found.read(7), some_events(700, width=200, height=150))
    next((folder / "Caltech101").glob("class_050/*")).unlink()
    assert "holds 100 classes of 101" in refused("ncaltech101", tmp_path)


@pytest.mark.usefixtures("few_of_cifar10dvs")
def test_cifar10dvs_is_read_as_the_makers_library_wrote_it(tmp_path: Path) -> None:
    folder = write_cifar10dvs(tmp_path, INDICES)
    found = opened("cifar10dvs", tmp_path)
    assert found.names[3] == "airplane/cifar10_airplane_100.aedat4"
    events, written = found.read(3), some_events(100, width=128, height=128)
    events["t"] -= events["t"][0]
    assert np.array_equal(events, written)
    path = folder / found.names[0]
    path.write_bytes(path.read_bytes()[:500])
    assert "airplane/cifar10_airplane_0.aedat4 cannot be read (failed to fill" in refused("cifar10dvs", tmp_path, 0)
    write_aedat4(folder / found.names[1], some_events(0)[:0])
    assert "airplane/cifar10_airplane_5.aedat4 is empty" in refused("cifar10dvs", tmp_path, 1)


@pytest.mark.usefixtures("few_of_cifar10dvs")
@pytest.mark.parametrize(
    ("split", "tested"), [("front90", {99, 909}), ("front90-all", {99, 909}), ("first100", {0, 5, 99})]
)
def test_the_index_in_its_name_decides_where_a_recording_belongs(tmp_path: Path, split: str, tested: set[int]) -> None:
    for name in cifar10dvs.CLASSES:
        (tmp_path / "CIFAR10DVS" / name).mkdir(parents=True)
        for index in reversed(INDICES):
            (tmp_path / "CIFAR10DVS" / name / f"cifar10_{name}_{index}.aedat4").touch()
    found = opened("cifar10dvs", tmp_path, split)
    assert {int(found.names[at].rpartition("_")[2][:-7]) for at in found.split.test} == tested
    assert len(found.split.test) == 10 * len(tested)


@pytest.mark.parametrize("split", ["front90", "front90-all", "first100", "random:7"])
def test_the_splits_of_cifar10dvs_are_the_listed_ones(split: str) -> None:
    places = [(label, index) for label in range(10) for index in range(1000)]
    cut, facts = cifar10dvs.cut(split, places), data.describe(DataChoices(name="cifar10dvs", split=split))
    assert (len(cut.train), len(cut.validation), len(cut.test)) == (facts.train, facts.validation, facts.test)
    assert facts.split == split and facts.split_sha256 in ("", cut.digest())
    assert sorted(cut.train + cut.validation + cut.test) == list(range(10_000))
    for part in (cut.train, cut.validation, cut.test):
        assert len({sum(places[at][0] == label for at in part) for label in range(10)}) == 1


def test_random_splits_differ_by_seed_and_others_are_refused() -> None:
    places = [(0, index) for index in range(1000)]
    assert cifar10dvs.cut("random:1", places).test != cifar10dvs.cut("random:2", places).test
    wanted = r"'random:x' is not a split of cifar10dvs.* first100, front90-all, random:<seed>"
    with pytest.raises(ValueError, match=wanted):
        data.describe(DataChoices(name="cifar10dvs", split="random:x"))


def test_an_incomplete_cifar10dvs_is_told_by_what_is_missing(tmp_path: Path) -> None:
    for name in cifar10dvs.CLASSES:
        (tmp_path / "CIFAR10DVS" / name).mkdir(parents=True)
    (tmp_path / "CIFAR10DVS" / "airplane" / "cifar10_airplane_0.aedat4").touch()
    message = refused("cifar10dvs", tmp_path)
    assert "holds 1 of 10,000 recordings; airplane/cifar10_airplane_1.aedat4 is the first that is missing" in message


def test_spoken_digits_keep_their_official_test_part(tmp_path: Path) -> None:
    write_spoken(tmp_path, "SHD", {"train": 40, "test": 20}, classes=20)
    found = opened("shd", tmp_path)
    assert (found.sensor, found.names[41]) == ((700, 1, 1), "shd_test.h5#1")
    assert found.split.test == tuple(range(40, 60)) and not found.split.validation
    events = found.read(41)
    assert len(events) == 41 and not events["y"].any() and 0 <= events["t"].min() <= events["t"].max() <= 1_000_000


def test_spoken_commands_have_an_official_validation_part(tmp_path: Path) -> None:
    write_spoken(tmp_path, "SSC", {"train": 35, "valid": 10, "test": 5}, classes=35)
    split = opened("ssc", tmp_path).split
    assert (split.train, split.validation) == (tuple(range(35)), tuple(range(35, 45)))
    assert split.test == tuple(range(45, 50))


def test_a_link_out_of_a_file_of_spikes_is_refused(tmp_path: Path) -> None:
    import h5py

    folder = write_spoken(tmp_path, "SHD", {"train": 4, "test": 2}, classes=20)
    with h5py.File(folder / "shd_train.h5", "a") as file:
        del file["labels"]
        file["labels"] = h5py.ExternalLink("shd_test.h5", "labels")
    assert "shd_train.h5 cannot be read (it has no labels of its own)" in refused("shd", tmp_path)
    (folder / "shd_train.h5").write_bytes((folder / "shd_test.h5").read_bytes()[:3000])
    assert "shd_train.h5 cannot be read (" in refused("shd", tmp_path)


def test_a_missing_reader_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nmnist(tmp_path, train=1, test=1)
    published = event_entries.NMNIST.recordings
    assert published is not None
    entry = replace(event_entries.NMNIST, recordings=replace(published, modules=("no_such_reader",)))
    monkeypatch.setitem(data.DATASETS, "nmnist", entry)
    assert "needs no_such_reader; pip install 'ablate-snn[events]'" in refused("nmnist", tmp_path)
