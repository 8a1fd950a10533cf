"""Levels at equal size: the width at which a network has as many parameters as a reference."""

from __future__ import annotations

import torch

from lightning_modules.choices import ModelChoices
from lightning_modules.network import SpikingResNet


def parameter_count(choices: ModelChoices, *, in_channels: int, classes: int, events: bool = False) -> int:
    """Learnt numbers of a network, counted without giving it memory."""
    with torch.device("meta"):
        network = SpikingResNet(choices, in_channels=in_channels, classes=classes, events=events)
    return sum(parameter.numel() for parameter in network.parameters())


def match_parameters(
    choices: ModelChoices, target: int, *, in_channels: int, classes: int, events: bool = False
) -> ModelChoices:
    """The same choices with the width whose parameter count is nearest to `target`; the narrower one of two.

    The count grows with the width, so the search doubles it and then halves the interval.

    Raises:
        ValueError: if the target is not above 0.
    """
    if target < 1:
        raise ValueError(f"target: {target} parameters cannot be matched; at least 1 is needed")

    def count(width: int) -> int:
        wide = choices.model_copy(update={"width": width})
        return parameter_count(wide, in_channels=in_channels, classes=classes, events=events)

    low, high = 1, 2
    while count(high) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    width = low if target - count(low) <= count(high) - target else high
    return choices.model_copy(update={"width": width})
