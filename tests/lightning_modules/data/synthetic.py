"""Tiny data sets in the exact layout of the published ones, with catalogue entries that hold their checksums.

Batches of CIFAR are written opcode by opcode as Python 2 wrote them: its texts are a type of their own, and numpy is
named by modules that it no longer has.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lightning_modules.data import image_entries
from lightning_modules.data.distribution import Distribution, Download
from lightning_modules.data.facts import DatasetEntry, SplitFacts

BATCH = 30
CLASSES = 3


def text(value: bytes) -> bytes:
    return pickle.BINSTRING + struct.pack("<i", len(value)) + value


def batch_of_python_2(images: np.ndarray, labels: list[int], *, label_key: bytes, function: bytes = b"") -> bytes:
    """`{"batch_label": ..., <label_key>: [...], "data": array}`; `function` replaces numpy's own."""
    rows, width = images.shape
    reconstruct = function or b"numpy.core.multiarray\n_reconstruct\n"
    dtype = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R"
        + b"(K\x03"
        + text(b"|")
        + b"NNN"
        + _ints(-1, -1, 0)
        + b"tb"
    )
    array = b"c" + reconstruct + b"cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    state = b"(K\x01" + _ints(rows, width) + b"\x86" + dtype + b"\x89" + text(images.tobytes()) + b"tb"
    items = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return (
        b"\x80\x02}("
        + text(b"batch_label") + text(b"training batch 1 of 2")
        + text(label_key) + items
        + text(b"data") + array + state
        + b"u."
    )  # fmt: skip


def _ints(*values: int) -> bytes:
    return b"".join(pickle.BININT + struct.pack("<i", value) for value in values)


def samples(count: int, seed: int, pixels: int = 3072) -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, pixels), dtype=np.uint8), random.integers(0, CLASSES, count).tolist()


def cifar_contents() -> dict[str, bytes]:
    """Two training batches and a test batch."""
    return {
        name: batch_of_python_2(*samples(BATCH, seed), label_key=b"labels")
        for seed, name in enumerate(("data_batch_1", "data_batch_2", "test_batch"))
    }


def write_folder(root: Path, contents: dict[str, bytes], folder: str = "cifar-10-batches-py") -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (root / folder / name).write_bytes(content)


def archive(contents: dict[str, bytes], folder: str = "cifar-10-batches-py", *more: tarfile.TarInfo) -> bytes:
    """A `.tar.gz` of the folder, in another order than the files are named, and with members beside them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(_directory(folder))
        for name, content in [("readme.html", b"<html>"), *reversed(contents.items())]:
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return packed.getvalue()


def _directory(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    return member


def cifar_entry(
    contents: dict[str, bytes], packed: bytes = b"", *, url: str = "http://127.0.0.1:9/cifar-10-python.tar.gz"
) -> DatasetEntry:
    """The catalogue's CIFAR-10 with these files instead."""
    assert image_entries.CIFAR10.distribution is not None
    published = {file.name: file for file in image_entries.CIFAR10.distribution.files}
    firsts = {name: BATCH * number for number, name in enumerate(contents) if name != "test_batch"}
    files = tuple(
        replace(published[name], md5=_md5(content), first=firsts.get(name, 0), count=BATCH)
        for name, content in contents.items()
    )
    distribution = Distribution(("cifar-10-batches-py",), files, (Download(url, _md5(packed), len(packed)),))
    return tiny(image_entries.CIFAR10, distribution, training_images=2 * BATCH, test_images=BATCH)


def tiny(entry: DatasetEntry, distribution: Distribution, *, training_images: int, test_images: int) -> DatasetEntry:
    held = training_images // 10
    return replace(
        entry,
        name="tiny",
        classes=CLASSES,
        distribution=distribution,
        training_images=training_images,
        test_images=test_images,
        splits={"tiny-v1": SplitFacts(training_images - held, held, test_images, "", "synthetic")},
    )


def idx_contents(side: int = 28, train: int = 40, test: int = 20) -> dict[str, bytes]:
    """The four files of MNIST, uncompressed."""
    files = {}
    for seed, (prefix, count) in enumerate((("train", train), ("t10k", test))):
        images, labels = samples(count, seed, side * side)
        files[f"{prefix}-images-idx3-ubyte"] = struct.pack(">4I", 0x803, count, side, side) + images.tobytes()
        files[f"{prefix}-labels-idx1-ubyte"] = struct.pack(">2I", 0x801, count) + bytes(labels)
    return files


def idx_entry(contents: dict[str, bytes], *, url: str = "http://127.0.0.1:9") -> DatasetEntry:
    """The catalogue's MNIST with these files instead; each is downloaded compressed."""
    assert image_entries.MNIST.distribution is not None
    counts = {name: struct.unpack(">I", content[4:8])[0] for name, content in contents.items()}
    files = tuple(
        replace(file, md5=_md5(contents[file.name]), count=counts[file.name])
        for file in image_entries.MNIST.distribution.files
    )
    downloads = tuple(
        Download(f"{url}/{name}.gz", _md5(packed := gzip.compress(content, mtime=0)), len(packed))
        for name, content in contents.items()
    )
    distribution = replace(image_entries.MNIST.distribution, files=files, downloads=downloads)
    train, test = (counts[f"{prefix}-labels-idx1-ubyte"] for prefix in ("train", "t10k"))
    return tiny(image_entries.MNIST, distribution, training_images=train, test_images=test)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
