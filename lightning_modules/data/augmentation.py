"""Augmentation of whole batches of stored images: uint8 in, uint8 out, on any device, no loop over samples.

What happens to a sample follows from its row of `draws` alone, so it does not depend on the batch it comes in. Each
operation has columns of its own: switching one off leaves the others as they were.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

DRAWS = 5
"""Uniform numbers a sample: vertical and horizontal place of the crop, flip, the same places of the cutout's centre."""


class Unchanged:
    """Images as they are."""

    draws = 0

    def __call__(self, images: Tensor, draws: Tensor, fill: Tensor) -> Tensor:
        return images


class Standard:
    """Random crop of the padded image, horizontal flip, and on request cutout.

    Sources: He et al. 2016 (crop and flip); DeVries and Taylor 2017, 1708.04552 (cutout, clipped at the border).

    Args:
        padding: black pixels on each side before the crop.
        flip: whether half of the images are mirrored.
        cutout: side of the square in pixels; 0 for none.
    """

    draws = DRAWS

    def __init__(self, padding: int = 4, flip: bool = True, cutout: int = 0) -> None:
        self.padding, self.flip, self.cutout = padding, flip, cutout

    def __call__(self, images: Tensor, draws: Tensor, fill: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: `[N, C, H, W]`.
            draws: uniform in [0, 1), `[N, 5]`, on the images' device.
            fill: colour of the cutout square, `[C]`, of the images' type.
        """
        cropped = self._cropped(images, draws)
        return self._cut(cropped, draws, fill) if self.cutout else cropped

    def _cropped(self, images: Tensor, draws: Tensor) -> Tensor:
        """Crop and flip in one gather: row and column of every output pixel in the padded image."""
        count, channels, height, width = images.shape
        places = 2 * self.padding + 1
        top, left = (draws[:, :2] * places).long().unbind(1)
        rows = torch.arange(height, device=images.device) + top[:, None]
        columns = torch.arange(width, device=images.device).expand(count, -1)
        if self.flip:
            columns = torch.where(draws[:, 2:3] < 0.5, width - 1 - columns, columns)
        columns = columns + left[:, None]
        padded = F.pad(images, (self.padding,) * 4)
        pixels = (rows[:, :, None] * padded.shape[-1] + columns[:, None, :]).flatten(1)
        gathered = padded.flatten(2).gather(2, pixels[:, None].expand(-1, channels, -1))
        return gathered.view(count, channels, height, width)

    def _cut(self, images: Tensor, draws: Tensor, fill: Tensor) -> Tensor:
        inside = [
            _near(size, (draws[:, column] * size).long(), self.cutout)
            for size, column in ((images.shape[2], 3), (images.shape[3], 4))
        ]
        square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return torch.where(square, fill.view(-1, 1, 1), images)


def _near(size: int, centres: Tensor, side: int) -> Tensor:
    """Which of `size` places lie in a stretch of `side` around each centre, bool `[N, size]`."""
    first = (centres - side // 2)[:, None]
    places = torch.arange(size, device=centres.device)
    return (places >= first) & (places < first + side)
