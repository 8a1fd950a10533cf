"""Small sets of recordings in the exact layouts of the published ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from lightning_modules.data.events.cifar10dvs import CLASSES
from lightning_modules.data.events.recordings import structured


def some_events(seed: int, *, width: int = 34, height: int = 34, count: int = 60) -> np.ndarray:
    """Random events in the order of time, from t = 0, the corners of the sensor among them."""
    draw = np.random.default_rng(seed)
    x, y = draw.integers(0, width, count), draw.integers(0, height, count)
    x[:2], y[:2] = (0, width - 1), (0, height - 1)
    times = np.sort(draw.integers(0, 300_000, count))
    times[0] = 0
    return structured(x, y, times, draw.integers(0, 2, count).astype(bool))


def as_bin(events: np.ndarray) -> bytes:
    """N-MNIST's and N-Caltech101's five bytes an event: x, y, polarity in the highest bit of 24, microseconds."""
    rows = np.empty((len(events), 5), np.uint8)
    rows[:, 0], rows[:, 1] = events["x"], events["y"]
    rows[:, 2] = (events["p"].astype(int) << 7) | (events["t"] >> 16)
    rows[:, 3], rows[:, 4] = (events["t"] >> 8) & 255, events["t"] & 255
    return rows.tobytes()


def write_nmnist(root: Path, *, train: int = 10, test: int = 2, digits: int = 10) -> Path:
    """`NMNIST/{Train,Test}/<digit>/NNNNN.bin`; numbers run over all digits, as published."""
    for part, count in (("Train", train), ("Test", test)):
        for number in range(count * digits):
            path = root / "NMNIST" / part / str(number % digits) / f"{number + 1:05d}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_bin(some_events(number + (part == "Test") * 1000)))
    return root / "NMNIST"


def pack(folder: Path) -> Path:
    """`<folder>.zip` beside the folder."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.bin")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def write_gesture(root: Path, users: tuple[int, ...] = (1, 2, 21, 24, 29)) -> Path:
    """`DVSGesture/ibmGesture{Train,Test}/userNN_<light>/<class>.npy`: x, y, polarity, milliseconds."""
    for user in users:
        folder = (
            root / "DVSGesture" / f"ibmGesture{'Train' if user < 24 else 'Test'}" / f"user{user:02d}_fluorescent_led"
        )
        folder.mkdir(parents=True)
        for label in range(11):
            np.save(folder / f"{label}.npy", gesture_rows(some_events(100 * user + label, width=128, height=128)))
    return root / "DVSGesture"


def gesture_rows(events: np.ndarray) -> np.ndarray:
    return np.stack([events["x"], events["y"], events["p"], events["t"] // 1000], 1).astype(np.float64)


def write_caltech(root: Path, *, classes: int = 101, each: int = 1) -> Path:
    """`NCALTECH101/Caltech101/<class>/image_NNNN.bin`; recordings differ in extent and begin off the corner."""
    for label in range(classes):
        folder = root / "NCALTECH101" / "Caltech101" / f"class_{label:03d}"
        folder.mkdir(parents=True)
        for number in range(each):
            events = some_events(label * 100 + number, width=200, height=150)
            events["x"] += 3
            (folder / f"image_{number + 1:04d}.bin").write_bytes(as_bin(events))
    return root / "NCALTECH101"


def write_cifar10dvs(root: Path, indices: tuple[int, ...]) -> Path:
    """`CIFAR10DVS/<class>/cifar10_<class>_<index>.aedat4`, written by the maker's own library."""
    for label, name in enumerate(CLASSES):
        folder = root / "CIFAR10DVS" / name
        folder.mkdir(parents=True)
        for index in indices:
            events = some_events(1000 * label + index, width=128, height=128)
            write_aedat4(folder / f"cifar10_{name}_{index}.aedat4", events)
    return root / "CIFAR10DVS"


def write_aedat4(path: Path, events: np.ndarray) -> None:
    import dv_processing as dv

    writer = dv.io.MonoCameraWriter(str(path), dv.io.MonoCameraWriter.EventOnlyConfig("DVS128", (128, 128)))
    store = dv.EventStore()
    for x, y, t, p in events.tolist():
        store.push_back(1_600_000_000_000_000 + t, x, y, p)
    if len(events):
        writer.writeEvents(store)


def write_spoken(root: Path, name: str, sizes: dict[str, int], *, classes: int) -> Path:
    """`SHD/shd_<part>.h5`, `SSC/ssc_<part>.h5`: seconds of half precision and channels, of varying length."""
    import h5py

    (root / name).mkdir()
    for part, size in sizes.items():
        draw = np.random.default_rng(size)
        with h5py.File(root / name / f"{name.lower()}_{part}.h5", "w") as file:
            times = file.create_dataset("spikes/times", (size,), h5py.vlen_dtype(np.float16))
            units = file.create_dataset("spikes/units", (size,), h5py.vlen_dtype(np.uint16))
            for index in range(size):
                length = 40 + index
                times[index] = np.sort(draw.random(length)).astype(np.float16)
                units[index] = draw.integers(0, 700, length).astype(np.uint16)
            file["labels"] = np.arange(size, dtype=np.uint16) % classes
            file["extra/keys"] = np.arange(classes)
    return root / name
