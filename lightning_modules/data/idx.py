"""The idx format of MNIST: a magic number, the sizes of the dimensions, the bytes (all numbers big-endian).

Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
"""

from __future__ import annotations

import math
import struct

import numpy as np

_IMAGES, _LABELS = 0x803, 0x801
"""Unsigned bytes (8) in three dimensions, or in one."""


def decode(content: bytes) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Images, uint8 `[n, H, W]`, or labels, uint8 `[n]`; None for the other, which has a file of its own.

    Raises:
        ValueError: if it is no such file.
    """
    magic = int.from_bytes(content[:4], "big")
    if magic not in (_IMAGES, _LABELS):
        raise ValueError(f"is not an idx file of bytes: it begins with {content[:4].hex()}")
    dimensions = magic & 0xFF
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise ValueError("ends within its header")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise ValueError(f"holds {len(content) - header:,} bytes where {shape} needs {math.prod(shape):,}")
    array = np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    return (array, None) if magic == _IMAGES else (None, array)
