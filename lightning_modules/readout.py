"""Readouts: outputs of the head over time `[T, N, outputs]` become logits `[N, classes]`, for any number of steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Readout(nn.Module):
    """What all readouts share.

    Args:
        classes: C.

    Attributes:
        outputs: how many outputs the head needs.
        spiking: whether a neuron stands after the head, so that the outputs are spikes.
    """

    spiking = False

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.classes = self.outputs = classes

    def forward(self, outputs: Tensor) -> Tensor:
        """Logits `[N, classes]` from the first t steps, `[t, N, outputs]`."""
        raise NotImplementedError


class MeanMembrane(Readout):
    """(1/T) sum_t o_t: a membrane without leak, divided by T. Source: S-ResNet, Vicente-Sola et al. 2022."""

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs.mean(0)


class LastMembrane(Readout):
    """v_T of v_t = leak v_{t-1} + o_t; with leak 1 it is T times `MeanMembrane`. Source: Neftci et al. 2019.

    Args:
        classes: C.
        leak: fraction of the output membrane kept from one step to the next.
    """

    def __init__(self, *, classes: int, leak: float) -> None:
        super().__init__(classes=classes)
        self.leak = leak

    def forward(self, outputs: Tensor) -> Tensor:
        return self.membrane(outputs)[-1]

    def membrane(self, outputs: Tensor) -> Tensor:
        """v `[T, N, classes]`."""
        v = torch.zeros_like(outputs[0])
        course = []
        for current in outputs:
            v = self.leak * v + current
            course.append(v)
        return torch.stack(course)


class MaxMembrane(LastMembrane):
    """max_t v_t of v_t = leak v_{t-1} + o_t, for each class by itself. Source: Zenke & Vogels 2021."""

    def forward(self, outputs: Tensor) -> Tensor:
        return self.membrane(outputs).amax(0)


class SpikeCount(Readout):
    """sum_t s_t, the spikes of a neuron after the head."""

    spiking = True

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs.sum(0)


class Boosting(Readout):
    """Mean over time of the mean of `factor` outputs a class; outputs of one class lie side by side.

    After a neuron (`spiking`) the outputs of a class vote; without one this is only an over-parametrised head.
    Source: S-ResNet, Vicente-Sola et al. 2022; Fang et al. 2021 (PLIF).

    Args:
        classes: C.
        factor: outputs a class.
        spiking: whether a neuron stands after the head.
    """

    def __init__(self, *, classes: int, factor: int, spiking: bool) -> None:
        super().__init__(classes=classes)
        self.outputs = factor * classes
        self.spiking = spiking

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs.mean(0).unflatten(-1, (self.classes, -1)).mean(-1)
