"""Handwritten digits that ship with scikit-learn: 1,797 images of 8 x 8 pixels with 17 grey values.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI 1998 (its test part).
"""

from __future__ import annotations

from fractions import Fraction

import torch

from lightning_modules.choices import DataChoices
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.facts import DatasetEntry
from lightning_modules.data.splits import stratified


def load(entry: DatasetEntry, choices: DataChoices, split: str) -> Arrays:
    """The digits with the split of that name; nothing is downloaded and no root is needed."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).to(torch.uint8)[:, None]
    labels = torch.from_numpy(bunch.target).long()
    fifth = Fraction(1, 5)
    return Arrays(images, labels, entry.white, stratified(split, labels.tolist(), validation=fifth, test=fifth))
