"""Encoders of event streams: how frames are made of a recording, and the door through which they enter the network.

Frames are made before training and kept (`lightning_modules.data.events`), raw counts as in S-ResNet. What happens at
the door is the resizing to the network's input size.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from lightning_modules.data.events.binning import Binning, Counts, VoxelGrid


class EventEncoder(nn.Module):
    """What the encoders of event streams share: `[N, T, C, H, W]` becomes `[T, N, C, size, size]`.

    Bilinear, corners not aligned, no antialiasing, as in S-ResNet. Frames of one row (the channels of a cochlea) keep
    their size.

    Args:
        binning: how frames are made of a recording.
        size: height and width of the network's input.

    Attributes:
        timesteps: T.
    """

    input_range: Literal["counts"] = "counts"
    stochastic = False
    binary = False
    static = False

    def __init__(self, binning: Binning, size: int) -> None:
        super().__init__()
        self.binning = binning
        self.size = (size, size)

    @property
    def timesteps(self) -> int:
        return self.binning.timesteps

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        frames = x.transpose(0, 1)
        if frames.shape[-2:] == self.size or frames.shape[-2] == 1:
            return frames
        images = frames.flatten(0, 1)
        resized = F.interpolate(images, self.size, mode="bilinear", align_corners=False, antialias=False)
        return resized.unflatten(0, frames.shape[:2])


class EventCount(EventEncoder):
    """Frames of equal event count. Source: S-ResNet (Vicente-Sola et al. 2022)."""

    def __init__(self, *, timesteps: int, size: int, remainder: Literal["drop", "last"]) -> None:
        super().__init__(Counts("event_count", timesteps, remainder), size)


class EqualTime(EventEncoder):
    """Frames of equal duration."""

    def __init__(self, *, timesteps: int, size: int, remainder: Literal["drop", "last"]) -> None:
        super().__init__(Counts("time", timesteps, remainder), size)


class Voxel(EventEncoder):
    """A voxel grid, each polarity in a channel of its own. Source: Zhu et al. 2019 (1812.08156)."""

    def __init__(self, *, timesteps: int, size: int) -> None:
        super().__init__(VoxelGrid(timesteps), size)
