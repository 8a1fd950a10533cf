"""A data set as tensors: images in memory, or event frames mapped from the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lightning_modules.data.splits import Split


@dataclass(frozen=True)
class Arrays:
    """All samples of a data set with the split.

    Attributes:
        images: uint8 `[N, C, H, W]`, or event frames `[N, T, C, H, W]`.
        labels: int64 `[N]`.
        levels: the pixel value that means 1 (16 for digits, 255 for photographs); 1 for event frames.
        split: which sample belongs where.
        recordings: fingerprint of the recordings that the frames were made of; None for images.
    """

    images: Tensor
    labels: Tensor
    levels: int
    split: Split
    recordings: str | None = None

    def fingerprint(self) -> str:
        """sha256 of content and split: two runs with the same fingerprint saw the same samples.

        Of event frames it is that of their recordings, so that it does not depend on how frames are made.
        """
        return self.recordings or self._content

    @cached_property
    def _content(self) -> str:
        digest = hashlib.sha256(f"{tuple(self.images.shape)}/{self.levels}/{self.split.digest()}/".encode())
        digest.update(self.images.to(torch.uint8).contiguous().numpy().data)
        digest.update(self.labels.to(torch.int64).contiguous().numpy().data)
        return digest.hexdigest()
