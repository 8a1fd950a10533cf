"""Whole batches from memory: order by (seed, epoch), nothing lost."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer

from lightning_modules.data.batches import EpochOrder, TensorBatches


def loader(count: int = 10, batch_size: int = 4, order: EpochOrder | None = None, **options: bool) -> TensorBatches:
    images = torch.arange(count, dtype=torch.float32).view(count, 1, 1, 1)
    return TensorBatches(
        images,
        torch.arange(count),
        torch.arange(count),
        batch_size=batch_size,
        prepare=lambda images, sample_index, epoch: images,
        order=order,
        **options,
    )


def seen(batches: TensorBatches) -> list[int]:
    return [int(index) for batch in batches for index in batch[2]]


def test_the_last_batch_is_kept_unless_dropped() -> None:
    assert [len(batch[1]) for batch in loader()] == [4, 4, 2]
    assert [len(batch[1]) for batch in loader(drop_last=True)] == [4, 4]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("count", [3, 8, 9])
def test_length_is_the_number_of_batches(count: int, drop_last: bool) -> None:
    batches = loader(count, drop_last=drop_last)
    assert len(batches) == sum(1 for _ in batches)


def test_every_epoch_has_an_order_of_its_own_that_comes_back() -> None:
    order = EpochOrder(seed=3)
    batches = loader(50, order=order)
    first = seen(batches)
    order.set_epoch(1)
    second = seen(batches)
    order.set_epoch(0)
    assert first == seen(batches) != second
    assert sorted(first) == sorted(second) == list(range(50))


def test_the_order_does_not_depend_on_the_batch_size() -> None:
    assert seen(loader(50, 4, EpochOrder(0))) == seen(loader(50, 7, EpochOrder(0)))


def test_seeds_differ_in_order() -> None:
    assert seen(loader(50, order=EpochOrder(0))) != seen(loader(50, order=EpochOrder(1)))


class Recorder(LightningModule):
    """Writes down which samples each epoch showed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.epochs: dict[int, list[int]] = {}

    def training_step(self, batch: tuple[torch.Tensor, ...], batch_index: int) -> torch.Tensor:
        self.epochs.setdefault(self.current_epoch, []).extend(batch[2].tolist())
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(epochs: int) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def test_lightning_advances_the_order_and_a_resumed_run_repeats_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A checkpoint after epoch 1 continues with epoch 2's order."""
    whole = Recorder()
    trainer(4).fit(whole, loader(30, order=EpochOrder(0)))
    half, path = Recorder(), str(tmp_path / "half.ckpt")
    first = trainer(2)
    first.fit(half, loader(30, order=EpochOrder(0)))
    first.save_checkpoint(path)
    rest = Recorder()
    trainer(4).fit(rest, loader(30, order=EpochOrder(0)), ckpt_path=path, weights_only=True)
    assert len({tuple(order) for order in whole.epochs.values()}) == 4
    assert half.epochs | rest.epochs == whole.epochs
