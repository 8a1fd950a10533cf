"""The data module: training, validation and test parts of a named split, in the range an encoder asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from lightning_modules import streams
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.augmentation import Unchanged
from lightning_modules.data.batches import EpochOrder, TensorBatches
from lightning_modules.data.facts import DatasetFacts
from lightning_modules.data.mixing import Unmixed

InputRange = Literal["normalized", "unit", "counts"]
Prepare = Callable[[Tensor, Tensor, int], Tensor]
_EVALUATION_FACTOR = 4


class Augment(Protocol):
    """An augmentation of stored images or frames: `(images, draws [N, draws], fill [C]) -> images`."""

    @property
    def draws(self) -> int: ...

    def __call__(self, images: Tensor, draws: Tensor, fill: Tensor, /) -> Tensor: ...


class ToRange:
    """Stored pixel values to [0, 1] (`unit`), or to that less the mean over the deviation (`normalized`).

    Event frames stay the counts that they are (`counts`).
    """

    def __init__(self, facts: DatasetFacts, levels: int, input_range: InputRange, device: torch.device) -> None:
        self.levels, self.input_range = levels, input_range
        self.mean, self.std = (torch.tensor(each, device=device).view(-1, 1, 1) for each in (facts.mean, facts.std))

    def __call__(self, images: Tensor, sample_index: Tensor, epoch: int) -> Tensor:
        if self.input_range == "counts":
            return images.to(torch.float32)
        unit = images.to(torch.float32).div_(self.levels)
        return unit.sub_(self.mean).div_(self.std) if self.input_range == "normalized" else unit


class Shuffled(ToRange):
    """Frames in another order, brought to range: a permutation of the steps, fixed for each recording.

    It is the same in every epoch, seed block and part, so that what is learnt can be evaluated, and every recording has
    its own, so that no order is left to learn. The frames themselves are as they were.
    """

    def __call__(self, images: Tensor, sample_index: Tensor, epoch: int) -> Tensor:
        steps = images.shape[1]
        order = streams.uniform(0, "frame_order", 0, sample_index, 1, (steps,))[0].argsort(dim=1, stable=True)
        rows = torch.arange(len(images), device=images.device)[:, None]
        return super().__call__(images[rows, order], sample_index, epoch)


class Augmented:
    """Augmentation of stored images before they are brought to range; drawn per (seed, epoch, sample)."""

    def __init__(self, augment: Augment, to_range: ToRange, seed: int) -> None:
        self.augment, self.to_range, self.seed = augment, to_range, seed
        self.fill = to_range.mean.flatten().mul(to_range.levels).round().to(torch.uint8)

    def __call__(self, images: Tensor, sample_index: Tensor, epoch: int) -> Tensor:
        draws = streams.uniform(self.seed, "augment", epoch, sample_index, 1, (self.augment.draws,))[0]
        return self.to_range(self.augment(images, draws, self.fill), sample_index, epoch)


class TensorData(LightningDataModule):
    """A data set held as tensors on the device that trains; event frames stay where they are mapped to memory.

    Evaluation uses batches four times as large: without gradients they need less memory than a training batch, and no
    result depends on them, since encoder noise is keyed by sample.

    Args:
        arrays: the samples with their split.
        facts: what the catalogue says of them.
        batch_size: samples in a training batch.
        input_range: what the network's encoder declares.
        seed: the seed block; it decides the order of the training samples and their augmentation.
        augment: what is done to training samples.
        shuffled: whether the frames of each recording come in another order, in every part.
        mix: makes mixed training batches, see `lightning_modules.data.mixing`; their targets are shares of classes.
        select_on_test: the released habit of S-ResNet: epochs are chosen on the test part, and a last batch that is not
            full is left out of training and evaluation. Accuracies are then *test-selected*.

    Raises:
        ValueError: if the split does not hash to what the catalogue lists, that is, the data set's content changed.
    """

    def __init__(
        self,
        arrays: Arrays,
        facts: DatasetFacts,
        *,
        batch_size: int,
        input_range: InputRange,
        seed: int,
        augment: Augment | None = None,
        shuffled: bool = False,
        mix: Callable[..., tuple[Tensor, Tensor]] | None = None,
        select_on_test: bool = False,
    ) -> None:
        super().__init__()
        found = arrays.split.digest()
        if facts.split_sha256 and found != facts.split_sha256:
            raise ValueError(
                f"split {facts.split} of {facts.name}: sha256 {found[:12]} is not {facts.split_sha256[:12]}; "
                "the installed data set has other samples or labels"
            )
        self.arrays, self.facts = arrays, facts
        self.fingerprint = arrays.fingerprint()
        self.batch_size, self.input_range, self.select_on_test = batch_size, input_range, select_on_test
        self.seed, self.augment, self.shuffled = seed, augment or Unchanged(), shuffled
        self.mix = mix or Unmixed()
        self._images, self._labels = arrays.images, arrays.labels

    def train_dataloader(self) -> TensorBatches:
        return self._batches(self.arrays.split.train, self.batch_size, EpochOrder(self.seed))

    def val_dataloader(self) -> TensorBatches:
        if self.select_on_test:
            return self.test_dataloader()
        return self._batches(self.arrays.split.validation, self._evaluation_size)

    def test_dataloader(self) -> TensorBatches:
        return self._batches(self.arrays.split.test, self._evaluation_size)

    @property
    def _evaluation_size(self) -> int:
        # Which samples an incomplete batch leaves out depends on the batch size, so the released habit keeps it.
        return self.batch_size * (1 if self.select_on_test else _EVALUATION_FACTOR)

    def _batches(self, part: tuple[int, ...], batch_size: int, order: EpochOrder | None = None) -> TensorBatches:
        device = self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")
        # All loaders share one copy on the device. Event frames are far larger, and a batch of them is moved in less
        # time than its steps take.
        if self.facts.kind == "image":
            self._images = self._images.to(device)
        self._labels = self._labels.to(device)
        to_range = (Shuffled if self.shuffled else ToRange)(self.facts, self.arrays.levels, self.input_range, device)
        unchanged = order is None or isinstance(self.augment, Unchanged)
        prepare: Prepare = to_range if unchanged else Augmented(self.augment, to_range, self.seed)
        return TensorBatches(
            self._images,
            self._labels,
            torch.tensor(part, device=device),
            batch_size=batch_size,
            prepare=prepare,
            order=order,
            drop_last=self.select_on_test,
            mix=None if order is None or isinstance(self.mix, Unmixed) else self._mixed,
        )

    def _mixed(self, x: Tensor, labels: Tensor, epoch: int, batch: int) -> tuple[Tensor, Tensor]:
        return self.mix(x, labels, classes=self.facts.classes, seed=self.seed, epoch=epoch, batch=batch)
