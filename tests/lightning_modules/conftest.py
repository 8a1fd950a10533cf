"""Numbers computed with the code of the levels' sources (CPU, float32)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def levels() -> dict[str, Tensor]:
    """`reference/levels.npz` as tensors: neurons, surrogates, normalisations, encoders, residual blocks."""
    with np.load(Path(__file__).parent / "reference" / "levels.npz") as arrays:
        return {name: torch.from_numpy(arrays[name].copy()) for name in arrays.files}
