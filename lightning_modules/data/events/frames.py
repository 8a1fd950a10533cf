"""Frames of all recordings of a set, made once and kept in the cache as a file that every process maps to memory."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from lightning_modules.data.events import cache
from lightning_modules.data.events.binning import Binning
from lightning_modules.data.events.progress import Progress
from lightning_modules.data.events.recordings import Recordings
from lightning_modules.data.resolution import binned

_TYPES = (np.dtype("u1"), np.dtype("<i2"), np.dtype("<i4"))
"""Of whole numbers, the smallest that holds all of a set is taken."""
_SUM_BYTES = hashlib.sha256().digest_size
_BLOCK = 1 << 24


def frames(recordings: Recordings, binning: Binning, factor: int) -> np.ndarray:
    """Frames of every recording, `[N, T, P, H, W]`, mapped from the cache.

    Args:
        recordings: the set.
        binning: how frames are made.
        factor: pixels of the sensor along each side that make one of the frames.

    Raises:
        ValueError: if a recording is not what it should be.
        OSError: if the cache cannot take the frames.
    """
    key = hashlib.sha256(f"{recordings.digest()}/{binning.key}/factor={factor}".encode()).hexdigest()
    path = cache.folder("frames") / f"{recordings.dataset}-{key[:32]}.npy"
    what = f"{recordings.dataset}: frames of {len(recordings):,} recordings"
    cache.build(path, lambda staged: _write(staged, recordings, binning, factor, what), ready=_is_whole, what=what)
    mapped: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    return mapped


def _write(path: Path, recordings: Recordings, binning: Binning, factor: int, what: str) -> None:
    width, height, polarities = recordings.sensor
    shape = (len(recordings), binning.timesteps, polarities, *binned(height, width, factor))
    kind = _TYPES[0] if binning.exact else np.dtype("<f4")
    cache.check_space(path, int(np.prod(shape)) * kind.itemsize, what)
    progress = Progress(f"{what}, {binning.key.rpartition('/')[0]}", len(recordings))
    with path.open("w+b") as file:
        _header(file, shape, kind)
        for index, made in enumerate(_made(recordings, binning, factor)):
            wider = _type_for(made, kind)
            if wider != kind:
                _widen(file, shape, kind, wider, index)
                kind = wider
            file.write(np.ascontiguousarray(made, kind).data)
            progress.step()
        file.flush()
        file.seek(0)
        file.write(hashlib.file_digest(file, "sha256").digest())


def _made(recordings: Recordings, binning: Binning, factor: int) -> Iterator[np.ndarray]:
    for index, name in enumerate(recordings.names):
        events = recordings.read(index)
        try:
            yield binning(events, recordings.sensor, factor)
        except ValueError as error:
            raise ValueError(f"{recordings.dataset}: {name} {error}") from error


def _type_for(made: np.ndarray, kind: np.dtype[Any]) -> np.dtype[Any]:
    """`kind`, or the smallest wider one that holds these frames."""
    if kind.kind == "f":
        return kind
    largest = made.max(initial=0)
    return next(each for each in _TYPES[_TYPES.index(kind) :] if largest <= np.iinfo(each).max)


def _widen(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype[Any], wider: np.dtype[Any], count: int) -> None:
    """Rewrite the first `count` recordings in a wider type, from the end, so that nothing unread is overwritten."""
    each = int(np.prod(shape[1:]))
    data = _header(file, shape, wider)
    for index in reversed(range(count)):
        file.seek(data + index * each * kind.itemsize)
        frame = np.frombuffer(file.read(each * kind.itemsize), kind)
        file.seek(data + index * each * wider.itemsize)
        file.write(frame.astype(wider).data)
    file.seek(data + count * each * wider.itemsize)


def _header(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype[Any]) -> int:
    """Write the header of an npy file; where the data begins, the same for every type."""
    file.seek(0)
    header = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(kind)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _is_whole(path: Path) -> bool:
    """Whether the file ends with the sha256 of all that stands before."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            end = len(content) - _SUM_BYTES
            digest = hashlib.sha256()
            for start in range(0, end, _BLOCK):
                digest.update(content[start : min(start + _BLOCK, end)])
            return content[end:] == digest.digest()
    except (OSError, ValueError):
        return False
