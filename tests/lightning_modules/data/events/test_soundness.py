"""Recordings are read before the first run: a faulty one is named at once, sound ones are read a single time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import as_bin, some_events, write_nmnist

from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data.events.recordings import Recordings


@pytest.fixture
def chosen(tmp_path: Path, cache: Path) -> DataChoices:
    write_nmnist(tmp_path, train=3, test=1)
    return DataChoices(name="nmnist", root=str(tmp_path))


def reversed_in_time() -> bytes:
    events = some_events(3).copy()
    events["t"][[5, 6]] = events["t"][6] + 9, events["t"][5]
    return as_bin(events)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty: it holds no event"),
        (as_bin(some_events(3))[:-2], "cannot be read .*cut off"),
        (reversed_in_time(), "runs backwards in time: event 6 at"),
    ],
)
@pytest.mark.parametrize("part", ["Train/4/00005.bin", "Test/4/00005.bin"])
def test_a_faulty_recording_is_named(chosen: DataChoices, cache: Path, part: str, content: bytes, reason: str) -> None:
    (Path(str(chosen.root)) / "NMNIST" / part).write_bytes(content)
    with pytest.raises(ValueError, match=f"^nmnist: {part} {reason}") as caught:
        data.check(chosen)
    assert "\n" not in str(caught.value)
    assert not [path for path in (cache / "sound").iterdir() if path.suffix != ".lock"]


def test_sound_recordings_are_read_once(chosen: DataChoices, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = Recordings.read

    def counted(self: Recordings, index: int) -> np.ndarray:
        reads.append(index)
        return read(self, index)

    monkeypatch.setattr(Recordings, "read", counted)
    data.check(chosen)
    assert reads == list(range(40))
    data.check(chosen)
    assert len(reads) == 40


def test_recordings_that_changed_are_read_again(chosen: DataChoices) -> None:
    data.check(chosen)
    first = Path(str(chosen.root)) / "NMNIST" / "Train" / "0" / "00001.bin"
    shutil.copyfile(first.parents[1] / "1" / "00002.bin", first)
    data.check(chosen)
    first.write_bytes(b"")
    with pytest.raises(ValueError, match=r"Train/0/00001\.bin is empty"):
        data.check(chosen)


def test_a_damaged_mark_is_no_mark(chosen: DataChoices, cache: Path) -> None:
    data.check(chosen)
    (mark,) = (path for path in (cache / "sound").iterdir() if path.suffix != ".lock")
    mark.write_bytes(b"\xff")
    data.check(chosen)
    assert mark.read_text() == "sound\n"
