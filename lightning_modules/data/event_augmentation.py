"""Augmentation of whole batches of event frames `[N, T, C, H, W]`, on any device, no loop over samples.

What is drawn for a recording holds for all its T frames and channels. It follows from its row of `draws` alone, and
each operation has columns of its own: switching one off leaves the others as they were. Pixels are moved, never mixed,
so that counts stay counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_modules import streams

_FLIP, _DOWN, _RIGHT, _ROTATE, _SHEAR, _POLARITY, _ONE = range(7)
_DROP, _RATIO, _TOP, _LEFT, _START, _NOISE = range(7, 13)
_KINDS = ("none", "time", "area", "random")


class EventFrames:
    """Mirror, roll, shear and rotate, swap polarities, drop events; in this order.

    Sources: flip and roll as in TET (Deng et al. 2022); roll, rotation and shear as in NDA (Li et al. 2022,
    2203.06145); `drop` is EventDrop (Gu et al. 2021, 2106.05836).

    Args:
        flip: whether half of the recordings are mirrored left and right.
        roll: largest shift in pixels, around the border, vertically and horizontally.
        rotate: largest angle in degrees, about the centre; nearest pixel, black beyond the border.
        shear: largest angle in degrees by which columns are slanted; nearest pixel.
        one_of: apply to each recording one of roll, rotation and shear, as NDA does, instead of all.
        drop: `time`, `area`, `random`, or `any`: one of these three or nothing, equally often. `none` for never.
        polarity: whether the two polarities of half of the recordings are swapped.
    """

    draws = 13
    """Uniform numbers a recording."""

    def __init__(
        self,
        flip: bool = True,
        roll: int = 5,
        rotate: float = 0.0,
        shear: float = 0.0,
        one_of: bool = False,
        drop: str = "none",
        polarity: bool = False,
    ) -> None:
        self.flip, self.roll, self.rotate, self.shear = flip, roll, rotate, shear
        self.one_of, self.drop, self.polarity = one_of, drop, polarity

    def __call__(self, images: Tensor, draws: Tensor, fill: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: frames `[N, T, C, H, W]`, counts of any integer type or a voxel grid.
            draws: uniform in [0, 1), `[N, 13]`, on the frames' device.
            fill: not used; what leaves the sensor is dark.
        """
        frames = self._moved(images, draws) if self.flip or self.roll or self.rotate or self.shear else images
        if self.polarity:
            swapped = (draws[:, _POLARITY] < 0.5).view(-1, 1, 1, 1, 1)
            frames = torch.where(swapped, frames.flip(2), frames)
        return frames if self.drop == "none" else self._dropped(frames, draws)

    def _moved(self, frames: Tensor, draws: Tensor) -> Tensor:
        """All movements in one gather: where every output pixel comes from."""
        count, _, _, height, width = frames.shape
        # What is chosen as one of three leaves the amounts of the others at 0.
        chosen = [(draws[:, _ONE] * 3).long() == number if self.one_of else True for number in range(3)]
        rows, columns = self._straightened(draws, chosen, height, width)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        down, right = (
            ((draws[:, column] * (2 * self.roll + 1)).long() - self.roll) * chosen[0] for column in (_DOWN, _RIGHT)
        )
        rows = (rows - down.view(-1, 1, 1)).remainder(height)
        columns = (columns - right.view(-1, 1, 1)).remainder(width)
        if self.flip:
            columns = torch.where((draws[:, _FLIP] < 0.5).view(-1, 1, 1), width - 1 - columns, columns)
        source = (rows * width + columns).flatten(1)[:, None]
        flat = frames.flatten(1, 2).flatten(2)
        moved = flat.gather(2, source.expand(-1, flat.shape[1], -1)).view(frames.shape)
        if not (self.rotate or self.shear):
            return moved
        return moved.mul_(inside.view(count, 1, 1, height, width))

    def _straightened(
        self, draws: Tensor, chosen: list[Tensor | bool], height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """Row and column, int64 `[N, H, W]`, that rotation and shear bring to each pixel; may lie outside."""
        y = torch.arange(height, device=draws.device).view(1, -1, 1) - (height - 1) / 2
        x = torch.arange(width, device=draws.device).view(1, 1, -1) - (width - 1) / 2
        angle, slant = (
            torch.deg2rad((2 * draws[:, column] - 1) * most * on).view(-1, 1, 1)
            for column, most, on in ((_ROTATE, self.rotate, chosen[1]), (_SHEAR, self.shear, chosen[2]))
        )
        rows = y * angle.cos() - x * angle.sin()
        columns = x * angle.cos() + y * angle.sin() - slant.tan() * rows
        return (rows + (height - 1) / 2).round().long(), (columns + (width - 1) / 2).round().long()

    def _dropped(self, frames: Tensor, draws: Tensor) -> Tensor:
        """EventDrop, with the published amounts, as far as frames tell events apart.

        time: the frames whose middle lies in a stretch of 0.1, 0.2, ... or 0.9 of the recording that begins anywhere.
        area: a box of 0.05, 0.1, ... or 0.25 of height and width around any pixel. random: with r = 0.1, ... or 0.9, a
        count c becomes floor((1 - r) c + U), so that single events are lost with probability r; a voxel is lost
        whole. A recording that would lose everything keeps it.
        """
        kind = (draws[:, _DROP] * 4).long() if self.drop == "any" else draws[:, _DROP].long() + _KINDS.index(self.drop)
        kept = ~(self._box(frames, draws) & (kind == 2).view(-1, 1, 1, 1, 1))
        kept = kept & ~(self._stretch(frames, draws) & (kind == 1).view(-1, 1, 1, 1, 1))
        dropped = frames * kept
        thinned = (kind == 3).nonzero().squeeze(1)
        if len(thinned):
            dropped[thinned] = _thinned(frames[thinned], draws[thinned])
        alive = dropped.flatten(1).ne(0).any(1).view(-1, 1, 1, 1, 1)
        return torch.where(alive, dropped, frames)

    @staticmethod
    def _stretch(frames: Tensor, draws: Tensor) -> Tensor:
        """The frames of a stretch of time, bool `[N, T, 1, 1, 1]`."""
        steps = frames.shape[1]
        middles = (torch.arange(steps, device=frames.device) + 0.5) / steps
        start, ratio = draws[:, _START, None], _tenths(draws)[:, None]
        return ((middles >= start) & (middles <= start + ratio)).view(-1, steps, 1, 1, 1)

    @staticmethod
    def _box(frames: Tensor, draws: Tensor) -> Tensor:
        """The pixels of a box, bool `[N, 1, 1, H, W]`."""
        share = ((draws[:, _RATIO] * 5).floor() + 1) / 20
        inside = []
        for column, size in ((_TOP, frames.shape[3]), (_LEFT, frames.shape[4])):
            first = (draws[:, column] * size - share * size / 2).clamp(min=0).floor()[:, None]
            places = torch.arange(size, device=frames.device)
            inside.append((places >= first) & (places < first + (share * size)[:, None]))
        return inside[0][:, None, None, :, None] & inside[1][:, None, None, None, :]


def _tenths(draws: Tensor) -> Tensor:
    return ((draws[:, _RATIO] * 9).floor() + 1) / 10


def _thinned(frames: Tensor, draws: Tensor) -> Tensor:
    """Events lost one by one; a recording's noise follows from its draw."""
    keys = (draws[:, _NOISE] * 2**24).long()
    noise = streams.uniform(0, "event_drop", 0, keys, 1, tuple(frames.shape[1:]))[0]
    ratio = _tenths(draws).view(-1, 1, 1, 1, 1)
    if frames.is_floating_point():
        return frames * (noise >= ratio)
    return ((1 - ratio) * frames + noise).floor().to(frames.dtype)
