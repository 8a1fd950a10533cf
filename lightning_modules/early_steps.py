"""Accuracy when the output is read before all steps have run: the readout cut after the first t of T."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightning_modules.network import SpikingResNet


def early_steps(network: SpikingResNet) -> tuple[int, ...]:
    """The numbers of steps that every run is read at: the powers of two below T, then T.

    None for a network whose neurons see future steps: what it gives at step t already knows the steps behind it.
    """
    if network.sees_future():
        return ()
    below = (2**power for power in range(network.timesteps.bit_length()))
    return (*(t for t in below if t < network.timesteps), network.timesteps)


class RightByStep:
    """Counts right answers of the readout cut after each of some numbers of steps; kept on the device until asked for.

    Args:
        network: whose outputs are read.
        steps: numbers of steps, each from 1 to T.

    Raises:
        ValueError: for a number of steps that the network does not run, or one below T where its neurons see the
            future.
    """

    def __init__(self, network: SpikingResNet, steps: Sequence[int]) -> None:
        wrong = next((t for t in steps if not 1 <= t <= network.timesteps), None)
        if wrong is not None:
            raise ValueError(f"steps: {wrong} is not between 1 and the network's {network.timesteps}")
        if (level := network.sees_future()) and any(t < network.timesteps for t in steps):
            raise ValueError(
                f"steps: {level} sees future steps: its output cannot be read before all {network.timesteps} have run"
            )
        self._readout = network.readout
        self._right: dict[int, list[Tensor]] = {t: [] for t in steps}
        self._samples = 0

    def add(self, outputs: Tensor, target: Tensor) -> None:
        """Take in a batch: outputs over time `[T, N, outputs]` and the classes `[N]`."""
        for t, right in self._right.items():
            right.append((self._readout(outputs[:t]).argmax(-1) == target).sum())
        self._samples += len(target)

    def accuracies(self) -> dict[int, Tensor]:
        """Share of right answers by number of steps, float64 so that it is the nearest number to the fraction."""
        return {t: torch.stack(right).sum().cpu().double() / self._samples for t, right in self._right.items()}
