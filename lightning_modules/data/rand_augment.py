"""RandAugment of whole batches through kornia's functions: a batch is treated in groups of equal operations.

What happens to a sample follows from its row of `draws` alone. No generator is used, neither kornia's nor torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from kornia import enhance
from kornia.geometry import affine, get_affine_matrix2d
from torch import Tensor

from lightning_modules.data.augmentation import DRAWS, Standard

_STRONGEST = 30
_WHITE = 255
_MOVEMENTS = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
OPERATIONS = (
    "identity", *_MOVEMENTS, "brightness", "color", "contrast", "sharpness",
    "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip
"""The 14 operations of the paper, drawn equally often."""


class RandAugment:
    """Crop and flip as in `Standard`, then n operations of 14, each drawn anew for each sample, of magnitude m.

    Source: Cubuk et al. 2020, 1909.13719. At m = 30: rotation by 30 degrees, shear by 0.3, shift by 150/331 of the
    side, brightness, colour, contrast and sharpness times 1 +- 0.9, each with either sign equally often; 4 bits kept by
    posterize, everything inverted by solarize. In between linear, as in torchvision. Pixels are interpolated linearly;
    what moves in from outside has the mean colour. Colour leaves images of one channel as they are.

    Args:
        n: operations a sample, one after the other.
        m: magnitude from 0 to 30.
        padding, flip: as of `Standard`, with the same draws.
    """

    def __init__(self, n: int = 2, m: float = 9.0, padding: int = 4, flip: bool = True) -> None:
        self.n, self.m, self._standard = n, m, Standard(padding, flip)

    @property
    def draws(self) -> int:
        """Uniform numbers a sample: those of `Standard`, then kind and sign of each operation."""
        return DRAWS + 2 * self.n

    def __call__(self, images: Tensor, draws: Tensor, fill: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: uint8 `[N, C, H, W]`, 255 is white.
            draws: uniform in [0, 1), `[N, 5 + 2 n]`, on the images' device.
            fill: colour of what moves in from outside, `[C]`.
        """
        augmented = self._standard(images, draws, fill)
        for first in range(DRAWS, self.draws, 2):
            kinds = (draws[:, first] * len(OPERATIONS)).long()
            signs = torch.where(draws[:, first + 1] < 0.5, -1.0, 1.0)
            augmented = self._operated(augmented, kinds, signs, fill)
        return augmented

    def _operated(self, images: Tensor, kinds: Tensor, signs: Tensor, fill: Tensor) -> Tensor:
        """One operation on each image, `kinds` and `signs` `[N]`."""
        result = images.clone()
        moving = (kinds >= 1) & (kinds <= len(_MOVEMENTS))
        groups: list[tuple[Tensor, Callable[[Tensor, Tensor], Tensor]]]
        groups = [(moving, lambda unit, at: self._moved(unit, kinds[at], signs[at], fill))]
        groups += [(kinds == OPERATIONS.index(name), change) for name, change in self._changes(signs).items()]
        for chosen, change in groups:
            at = chosen.nonzero().squeeze(1)
            if len(at):
                result[at] = (change(images[at].float() / _WHITE, at) * _WHITE).round().clamp(0, _WHITE).to(torch.uint8)
        return result

    def _changes(self, signs: Tensor) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
        """What leaves pixels in their places, as functions of images in [0, 1] and of their places in `signs`."""
        share = self.m / _STRONGEST
        factors = 1 + 0.9 * share * signs
        return {
            "brightness": lambda unit, at: enhance.adjust_brightness_accumulative(unit, factors[at]),
            "color": lambda unit, at: enhance.adjust_saturation_with_gray_subtraction(unit, factors[at]),
            "contrast": lambda unit, at: enhance.adjust_contrast_with_mean_subtraction(unit, factors[at]),
            "sharpness": lambda unit, at: enhance.sharpness(unit, factors[at]),
            "posterize": lambda unit, at: _posterized(unit, 8 - round(4 * share)),
            "solarize": lambda unit, at: enhance.solarize(unit, 1 - share) if share else unit,
            "autocontrast": lambda unit, at: _stretched(unit),
            "equalize": lambda unit, at: _equalized(unit),
        }

    def _moved(self, unit: Tensor, kinds: Tensor, signs: Tensor, fill: Tensor) -> Tensor:
        """Rotate, shear or shift about the centre, images in [0, 1]."""
        count, _, height, width = unit.shape
        share = signs * self.m / _STRONGEST
        angle, shear_x, shear_y, right, down = (
            share * most * (kinds == OPERATIONS.index(name))
            for name, most in zip(
                _MOVEMENTS,
                (30.0, math.atan(0.3), math.atan(0.3), width * 150 / 331, height * 150 / 331),
                strict=True,
            )
        )
        centre = unit.new_tensor([(width - 1) / 2, (height - 1) / 2]).expand(count, 2)
        shift = torch.stack([right, down], 1).round()
        matrices = get_affine_matrix2d(shift, centre, torch.ones_like(shift), angle, shear_x, shear_y)
        # What lies outside is 0 and has to become the mean colour.
        outside = (fill.float() / _WHITE).view(-1, 1, 1)
        return affine(unit - outside, matrices[:, :2]) + outside


def _posterized(unit: Tensor, bits: int) -> Tensor:
    """The highest bits of each value."""
    step = 2 ** (8 - bits)
    return (unit * _WHITE).round().div(step).floor() * step / _WHITE


def _stretched(unit: Tensor) -> Tensor:
    """Each channel from 0 to 1; a channel of one value as it is."""
    low, high = unit.amin((2, 3), keepdim=True), unit.amax((2, 3), keepdim=True)
    return torch.where(high > low, (unit - low) / (high - low).clamp(min=1 / _WHITE), unit)


def _equalized(unit: Tensor) -> Tensor:
    """Each channel with as flat a histogram as its values allow, as PIL does it; kornia's has a loop over images."""
    values = (unit * _WHITE).round().long().flatten(2)
    histogram = torch.zeros(*values.shape[:2], _WHITE + 1, dtype=torch.long, device=unit.device)
    histogram.scatter_add_(2, values, torch.ones_like(values))
    brightest = histogram.gather(2, values.amax(2, keepdim=True))
    step = (values.shape[2] - brightest) // _WHITE
    before = histogram.cumsum(2) - histogram
    table = ((before + step // 2) // step.clamp(min=1)).clamp(max=_WHITE)
    changed = table.gather(2, values).float() / _WHITE
    return torch.where(step > 0, changed, unit.flatten(2)).view_as(unit)
