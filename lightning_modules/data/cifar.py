"""The python version of CIFAR-10 and CIFAR-100: pickles of Python 2 with the images as rows of an array.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from __future__ import annotations

import numpy as np

from lightning_modules.data import pickles


def decode(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 `[n, 3072]` (red, green, blue planes of 32 rows), and labels `[n]` (the fine ones of CIFAR-100).

    Raises:
        ValueError: if it is no such file.
    """
    batch = pickles.loads(content)
    labels = batch.get(b"labels", batch.get(b"fine_labels")) if isinstance(batch, dict) else None
    images = batch.get(b"data") if isinstance(batch, dict) else None
    if not isinstance(images, np.ndarray) or not isinstance(labels, list):
        raise ValueError("is not a batch of CIFAR: a dict with data and labels is needed")
    return images, np.array(labels)
