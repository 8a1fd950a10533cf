"""The catalogue of data sets: described without torch, opened with what it promised."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from dataclasses import replace

import pytest
import torch

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.digits import load as load_digits
from lightning_modules.data.module import TensorData


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (DataChoices(name="digit"), "data.name: 'digit' is not a data set; did you mean 'digits'?"),
        (
            DataChoices(name="digits", split="digits-v9"),
            "'digits-v9' is not a split of digits; did you mean 'digits-v1'?",
        ),
        (DataChoices(name="digits", subset=100), "data.subset: digits has no official order of training images;"),
        (DataChoices(name="cifar10", subset=9), "an integer from 10 to 50000 is needed"),
        (DataChoices(name="mnist", subset=60_001), "60001 of the 60,000 training images of mnist"),
        (DataChoices(name="cifar10", subset=50, split="cifar10-v1"), "'cifar10-v1' cuts all of cifar10"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_in_one_line(choices: DataChoices, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        data.describe(choices)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_describing_loads_no_torch() -> None:
    code = (
        "import sys; from lightning_modules import data; from lightning_modules.choices import DataChoices;"
        "data.describe(DataChoices(name='digits')); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_is_registered_once() -> None:
    digits = data.DATASETS["digits"]
    data.register(digits)
    with pytest.raises(ValueError, match="already is a data set 'digits'"):
        data.register(replace(digits, version="2"))


@pytest.fixture(scope="module")
def digits() -> TensorData:
    return data.open(
        DataChoices(name="digits", batch_size=64), encoder=create("encoding", "poisson", timesteps=1), seed=0
    )


def test_digits_are_what_the_catalogue_says(digits: TensorData) -> None:
    facts, split = digits.facts, digits.arrays.split
    assert tuple(digits.arrays.images.shape[1:]) == facts.shape
    assert set(digits.arrays.labels.tolist()) == set(range(facts.classes))
    assert (len(split.train), len(split.validation), len(split.test)) == (facts.train, facts.validation, facts.test)
    assert split.digest() == facts.split_sha256


def test_mean_and_deviation_are_those_of_the_training_part(digits: TensorData) -> None:
    unit = digits.arrays.images[list(digits.arrays.split.train)].double() / 16
    assert digits.facts.mean == pytest.approx([unit.mean().item()], abs=1e-6)
    assert digits.facts.std == pytest.approx([unit.std(correction=0).item()], abs=1e-6)


def test_unit_images_fill_zero_to_one_in_sixteenths(digits: TensorData) -> None:
    x = torch.cat([batch[0] for batch in digits.train_dataloader()])
    assert (x.min(), x.max()) == (0, 1)
    assert torch.equal(x * 16, (x * 16).round())


def test_normalized_images_have_mean_zero_and_deviation_one() -> None:
    opened = data.open(DataChoices(name="digits"), encoder=create("encoding", "direct", timesteps=1), seed=0)
    x = torch.cat([batch[0] for batch in opened.train_dataloader()])
    assert x.mean().abs() < 1e-4
    assert (x.std(correction=0) - 1).abs() < 1e-4


def test_each_part_delivers_its_samples_with_their_labels(digits: TensorData) -> None:
    for loader, part in (
        (digits.train_dataloader(), digits.arrays.split.train),
        (digits.val_dataloader(), digits.arrays.split.validation),
        (digits.test_dataloader(), digits.arrays.split.test),
    ):
        x, y, index = (torch.cat(each) for each in zip(*loader, strict=True))
        assert sorted(index.tolist()) == list(part)
        assert torch.equal(y, digits.arrays.labels[index])
        assert torch.equal(x * 16, digits.arrays.images[index].float())


def test_evaluation_parts_come_in_the_order_of_the_data_set(digits: TensorData) -> None:
    index = torch.cat([batch[2] for batch in digits.test_dataloader()])
    assert index.tolist() == list(digits.arrays.split.test)


def test_content_that_is_not_the_listed_one_is_refused(digits: TensorData) -> None:
    facts = replace(digits.facts, split_sha256="0" * 64)
    with pytest.raises(ValueError, match="split digits-v1 of digits: sha256"):
        TensorData(digits.arrays, facts, batch_size=8, input_range="unit", seed=0)


def test_the_fingerprint_changes_with_a_single_pixel(digits: TensorData) -> None:
    images = digits.arrays.images.clone()
    images[5, 0, 3, 3] += 1
    assert replace(digits.arrays, images=images).fingerprint() != digits.fingerprint


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion_mnist"])
def test_the_files_of_a_data_set_hold_what_its_splits_cut(name: str) -> None:
    entry = data.entry(name)
    assert entry.distribution is not None
    train = max(file.first + file.count for file in entry.distribution.files if file.part == "train")
    assert train == entry.training_images
    for split in entry.splits.values():
        assert (split.train or 0) + (split.validation or 0) == entry.training_images
        assert split.test == entry.test_images


def test_a_subset_is_described_without_its_files() -> None:
    facts = data.describe(DataChoices(name="cifar10", subset=10_000))
    assert (facts.split, facts.train, facts.validation, facts.test) == ("subset10000-v1", 9_000, 1_000, 10_000)


def test_embedded_data_need_no_files() -> None:
    data.check(DataChoices(name="digits", root="/nowhere"))


loaded: list[tuple[DataChoices, int]] = []
alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()


def load(entry: data.DatasetEntry, choices: DataChoices, split: str) -> Arrays:
    """The digits, with what was asked for and how many earlier ones were still held."""
    loaded.append((choices, len(list(alive))))
    samples = load_digits(entry, choices, split)
    alive.add(samples.images)
    return samples


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> DataChoices:
    """Choices of a data set with that loader."""
    entry = replace(data.DATASETS["digits"], name="watched", loader=f"{__name__}:load")
    monkeypatch.setitem(data.DATASETS, "watched", entry)
    monkeypatch.setattr(data, "_held", {})
    loaded.clear()
    alive.clear()
    return DataChoices(name="watched", batch_size=7, frame_order="shuffled", root="here")


@pytest.mark.parametrize("keep", [False, True])
def test_a_loader_is_told_which_samples_and_not_how_they_are_fed(watched: DataChoices, keep: bool) -> None:
    opened = data.open(watched, encoder=create("encoding", "poisson", timesteps=1), seed=0, keep=keep)
    assert loaded[0][0] == DataChoices(name="watched", root="here")
    assert opened.batch_size == 7


def test_kept_samples_serve_runs_that_feed_them_otherwise_and_go_before_others_come(watched: DataChoices) -> None:
    encoder = create("encoding", "poisson", timesteps=1)
    for changed in ({}, {"batch_size": 8}, {"root": "elsewhere"}):
        data.open(watched.model_copy(update=changed), encoder=encoder, seed=0, keep=True)
        gc.collect()
    assert [(choices.root, held) for choices, held in loaded] == [("here", 0), ("elsewhere", 0)]
