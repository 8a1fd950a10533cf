"""The published layouts, read by the real loaders: what is read is what was written, and nothing else is accepted."""

from __future__ import annotations

import gzip
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import (
    BATCH,
    archive,
    batch_of_python_2,
    cifar_contents,
    cifar_entry,
    idx_contents,
    idx_entry,
    samples,
    write_folder,
)

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.facts import DatasetEntry, SplitFacts
from lightning_modules.data.module import TensorData
from lightning_modules.data.splits import held_out

Opener = Callable[..., TensorData]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opener:
    """Opens an entry as the data set `tiny` with its files below `tmp_path`."""

    def open_(entry: DatasetEntry, **choices: object) -> TensorData:
        monkeypatch.setitem(data.DATASETS, "tiny", entry)
        chosen = DataChoices(name="tiny", root=str(tmp_path), batch_size=8, **choices)  # type: ignore[arg-type]
        data.check(chosen)
        return data.open(chosen, encoder=create("encoding", "poisson", timesteps=1), seed=0)

    return open_


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    return str(error)


def test_cifar_is_read_in_the_official_order_with_red_green_and_blue_planes(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    write_folder(tmp_path, contents)
    arrays = opened(cifar_entry(contents)).arrays
    expected = [samples(BATCH, seed) for seed in range(3)]
    images = np.concatenate([images for images, _ in expected]).reshape(-1, 3, 32, 32)
    assert torch.equal(arrays.images, torch.from_numpy(images))
    assert arrays.labels.tolist() == [label for _, labels in expected for label in labels]


def test_an_archive_in_the_root_is_read_as_the_folder_is(tmp_path: Path, opened: Opener) -> None:
    """Nothing is unpacked: the root stays as it was."""
    contents = cifar_contents()
    packed = archive(contents)
    entry = cifar_entry(contents, packed)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(packed)
    from_archive = opened(entry)
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-python.tar.gz"]
    write_folder(tmp_path, contents)
    assert from_archive.fingerprint == opened(entry).fingerprint


def test_cifar_100_has_fine_labels(tmp_path: Path, opened: Opener) -> None:
    contents = {name: batch_of_python_2(*samples(BATCH, 0), label_key=b"fine_labels") for name in cifar_contents()}
    write_folder(tmp_path, contents)
    assert opened(cifar_entry(contents)).arrays.labels[:BATCH].tolist() == samples(BATCH, 0)[1]


def test_a_subset_is_the_first_images_and_needs_only_their_files(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    write_folder(tmp_path, {name: content for name, content in contents.items() if name != "data_batch_2"})
    module = opened(cifar_entry(contents), subset=20)
    split = module.arrays.split
    assert (module.facts.split, split.name) == ("subset20-v1", "subset20-v1")
    assert sorted(split.train + split.validation) == list(range(20))
    assert (len(split.validation), module.facts.validation) == (2, 2)
    assert module.arrays.labels[:20].tolist() == samples(BATCH, 0)[1][:20]
    assert module.arrays.labels[list(split.test)].tolist() == samples(BATCH, 2)[1]
    with pytest.raises(FileNotFoundError, match="data_batch_2 is missing"):
        opened(cifar_entry(contents), subset=BATCH + 1)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("folder", ["mnist", "MNIST/raw"])
def test_idx_files_are_read_plain_or_compressed(tmp_path: Path, opened: Opener, compressed: bool, folder: str) -> None:
    contents = idx_contents()
    stored = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()} if compressed else contents
    write_folder(tmp_path, stored, folder)
    arrays = opened(idx_entry(contents)).arrays
    images, labels = zip(samples(40, 0, 784), samples(20, 1, 784), strict=True)
    assert torch.equal(arrays.images.flatten(1), torch.from_numpy(np.concatenate(images)))
    assert arrays.labels.tolist() == labels[0] + labels[1]


def test_a_missing_file_is_named_with_both_ways_to_get_it(tmp_path: Path, opened: Opener) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        opened(cifar_entry(cifar_contents()))
    message = one_line(missing.value)
    assert str(tmp_path / "cifar-10-batches-py" / "data_batch_1") in message
    assert f"ablate data tiny --download --root {tmp_path}" in message
    assert "by hand: put cifar-10-python.tar.gz from http://127.0.0.1:9 into" in message


def test_a_changed_file_is_found_by_its_checksum_before_anything_runs(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    write_folder(tmp_path, contents | {"data_batch_2": contents["data_batch_2"][:-5]})
    with pytest.raises(ValueError, match=r"data_batch_2 has md5 \w{32}, the published file \w{32}: incomplete or") as e:
        opened(cifar_entry(contents))
    one_line(e.value)


def test_a_truncated_archive_is_refused(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    packed = archive(contents)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ValueError, match="incomplete or changed"):
        opened(cifar_entry(contents, packed))


def test_an_archive_that_is_broken_though_its_checksum_is_right_is_refused(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    packed = archive(contents)[:-2000]
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz is incomplete or damaged") as broken:
        opened(cifar_entry(contents, packed))
    one_line(broken.value)


@pytest.mark.parametrize("cut", [20, -20])
def test_a_truncated_compressed_file_is_refused(tmp_path: Path, opened: Opener, cut: int) -> None:
    contents = idx_contents()
    stored = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    name = "train-images-idx3-ubyte.gz"
    write_folder(tmp_path, stored | {name: stored[name][:cut]}, "mnist")
    with pytest.raises(ValueError, match=re.escape(name) + " is incomplete or damaged"):
        opened(idx_entry(contents))


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../outside"),
        tarfile.TarInfo("/etc/outside"),
        tarfile.TarInfo("cifar-10-batches-py/../../outside"),
        link("cifar-10-batches-py/link", "/etc/passwd"),
    ],
    ids=lambda member: member.name,
)
def test_archive_members_that_leave_the_folder_are_refused(
    tmp_path: Path, opened: Opener, member: tarfile.TarInfo
) -> None:
    contents = cifar_contents()
    packed = archive(contents, "cifar-10-batches-py", member)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(packed)
    with pytest.raises(ValueError, match="leaves the folder or is a link"):
        opened(cifar_entry(contents, packed))


@pytest.mark.parametrize("function", [b"os\nsystem\n", b"builtins\neval\n", b"numpy\nfromfile\n"])
def test_a_pickle_that_names_a_foreign_function_is_refused(tmp_path: Path, opened: Opener, function: bytes) -> None:
    contents = cifar_contents()
    contents["data_batch_1"] = batch_of_python_2(*samples(BATCH, 0), label_key=b"labels", function=function)
    write_folder(tmp_path, contents)
    name = function.decode().strip().replace("\n", ".")
    with pytest.raises(ValueError, match=f"data_batch_1: is refused as a pickle: it names {name}") as refused:
        opened(cifar_entry(contents))
    one_line(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x02}q\x00.", "is not a batch of CIFAR"),
        (b"\x80\x02](K\x01e.", "is not a batch of CIFAR"),
        (b"not a pickle", "is refused as a pickle"),
        (b"", "is refused as a pickle"),
        (batch_of_python_2(*samples(BATCH - 1, 0), label_key=b"labels"), r"not uint8 \(30, 3, 32, 32\)"),
        (batch_of_python_2(samples(BATCH, 0)[0], [0] * 29, label_key=b"labels"), "not 30 of 0 to 2"),
        (batch_of_python_2(samples(BATCH, 0)[0], [3] * BATCH, label_key=b"labels"), "not 30 of 0 to 2"),
    ],
)
def test_a_pickle_of_something_else_is_refused(tmp_path: Path, opened: Opener, content: bytes, message: str) -> None:
    contents = cifar_contents() | {"data_batch_1": content}
    write_folder(tmp_path, contents)
    with pytest.raises(ValueError, match=f"tiny: data_batch_1: .*{message}"):
        opened(cifar_entry(contents))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"\x00\x00\x0d" + content[3:], "is not an idx file of bytes"),
        (lambda content: content[:10], "ends within its header"),
        (lambda content: content[:-1], "bytes where"),
    ],
)
def test_an_idx_file_of_something_else_is_refused(
    tmp_path: Path, opened: Opener, change: Callable[[bytes], bytes], message: str
) -> None:
    contents = idx_contents()
    changed = contents | {"train-images-idx3-ubyte": change(contents["train-images-idx3-ubyte"])}
    write_folder(tmp_path, changed, "mnist")
    entry = idx_entry(changed)
    assert entry.distribution is not None
    with pytest.raises(ValueError, match=f"tiny: train-images-idx3-ubyte: .*{message}"):
        opened(entry)


def test_a_split_without_validation_trains_on_all_training_images(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    write_folder(tmp_path, contents)
    entry = cifar_entry(contents)
    whole = SplitFacts(2 * BATCH, 0, BATCH, "", "synthetic")
    split = opened(replace(entry, splits={**entry.splits, "tiny-all-v1": whole}), split="tiny-all-v1").arrays.split
    assert split.train == tuple(range(2 * BATCH)) and split.validation == ()
    assert split.test == tuple(range(2 * BATCH, 3 * BATCH))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion_mnist"])
def test_the_listed_split_without_validation_needs_no_labels(name: str) -> None:
    entry = data.entry(name)
    cut, train = entry.splits[f"{name}-all-v1"], entry.training_images
    assert (cut.train, cut.validation, cut.test) == (train, 0, entry.test_images)
    assert cut.sha256 == held_out(name, [0] * train, validation=0, test=entry.test_images).digest()


def test_other_labels_than_the_split_was_made_for_are_refused(tmp_path: Path, opened: Opener) -> None:
    contents = cifar_contents()
    write_folder(tmp_path, contents)
    entry = cifar_entry(contents)
    listed = {name: replace(split, sha256="0" * 64) for name, split in entry.splits.items()}
    with pytest.raises(ValueError, match="split tiny-v1 of tiny: sha256"):
        opened(replace(entry, splits=listed))


def test_describing_and_checking_load_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from lightning_modules import data; from lightning_modules.choices import DataChoices\n"
        f"try: data.check(DataChoices(name='cifar10', root={str(tmp_path)!r}))\n"
        "except FileNotFoundError: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
