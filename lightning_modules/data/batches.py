"""Whole batches from tensors in memory: no worker processes, no per-sample transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lightning_modules import streams

Batch = tuple[Tensor, Tensor, Tensor]
Mix = Callable[[Tensor, Tensor, int, int], tuple[Tensor, Tensor]]


class EpochOrder:
    """The order of the training samples, a function of (seed, epoch) alone, so that resuming repeats it.

    Lightning calls `set_epoch` on a loader's `sampler` at the beginning of each epoch, also after resuming.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def permutation(self, count: int) -> Tensor:
        """A permutation of `count` places, int64 on the CPU."""
        return torch.randperm(count, generator=streams.generator(self.seed, "order", self.epoch))


class TensorBatches:
    """An iterable of `(x, y, sample_index)`.

    Args:
        images: of the whole data set, `[N, ...]`, on the device that trains or, where that has no room for them, on
            the CPU: each batch is then moved.
        labels: `[N]`, on the device that trains.
        indices: the samples of this part, int64, on the device that trains; their order is the order of the batches
            unless `order` is given.
        batch_size: samples in a batch.
        prepare: makes network input of stored images: `(images, sample_index, epoch) -> x`.
        order: shuffles anew each epoch; None keeps the order.
        drop_last: leave out a last batch that is not full.
        mix: makes a mixed batch of network input and labels: `(x, y, epoch, batch) -> (x, y)`.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        indices: Tensor,
        *,
        batch_size: int,
        prepare: Callable[[Tensor, Tensor, int], Tensor],
        order: EpochOrder | None = None,
        drop_last: bool = False,
        mix: Mix | None = None,
    ) -> None:
        self.images, self.labels, self.indices = images, labels, indices
        self.batch_size = batch_size
        self.prepare = prepare
        self._order = order
        if order is not None:
            # Only where there is an order: Lightning takes any loader with a sampler for one of torch's own.
            self.sampler = order
        self.drop_last = drop_last
        self._mix = mix

    def __len__(self) -> int:
        full, rest = divmod(len(self.indices), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch, indices = 0, self.indices
        if self._order is not None:
            epoch = self._order.epoch
            indices = indices[self._order.permutation(len(indices)).to(indices.device)]
        # Once an epoch: asking a GPU which samples are next would wait, batch by batch, for all it has to do before.
        places = indices.to(self.images.device)
        for batch in range(len(self)):
            part = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            chosen = indices[part]
            x, y = self.prepare(_moved(self.images[places[part]], chosen.device), chosen, epoch), self.labels[chosen]
            if self._mix is not None:
                x, y = self._mix(x, y, epoch, batch)
            yield x, y, chosen


def _moved(images: Tensor, device: torch.device) -> Tensor:
    """Images on a device; to a GPU from memory that it reads by itself, so that nobody waits for the copy."""
    if images.is_cuda or device.type != "cuda":
        return images.to(device)
    return images.pin_memory().to(device, non_blocking=True)
