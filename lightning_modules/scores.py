"""Loss and accuracy of an epoch, kept on the device until they are asked for."""

from __future__ import annotations

import torch
from torch import Tensor


class Scores:
    """Collects per batch what an epoch's loss, accuracy and list of right answers are made of."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._right: list[Tensor] = []
        self._samples: list[Tensor] = []

    def add(self, loss: Tensor, logits: Tensor, target: Tensor, sample_index: Tensor) -> None:
        """Take in a batch: its mean loss, logits `[N, classes]`, target and sample index `[N]`.

        A target of shares `[N, classes]` (mixed samples) counts as its largest: an accuracy on mixed samples is no
        accuracy on the samples themselves, and is lower.
        """
        target = target.argmax(-1) if target.is_floating_point() else target
        self._losses.append(loss.detach())
        self._right.append(logits.detach().argmax(-1) == target)
        self._samples.append(sample_index)

    def loss(self) -> Tensor:
        """Mean loss over the samples, a batch that is not full counting for less."""
        sizes = torch.tensor([len(right) for right in self._right], dtype=torch.float64)
        return (torch.stack(self._losses).cpu().double() * sizes).sum() / sizes.sum()

    def accuracy(self) -> Tensor:
        """Share of right answers over the samples, float64 so that it is the nearest number to the fraction."""
        return torch.cat(self._right).cpu().double().mean()

    def correct(self) -> list[bool]:
        """Whether each sample was right, in the order of the sample index."""
        order = torch.cat(self._samples).argsort()
        right: list[bool] = torch.cat(self._right)[order].tolist()
        return right

    def first_not_finite(self) -> tuple[int, float] | None:
        """Number and loss of the first batch whose loss is not finite."""
        losses = torch.stack(self._losses)
        broken = (~losses.isfinite()).nonzero()
        return (int(broken[0]), losses[broken[0]].item()) if len(broken) else None
