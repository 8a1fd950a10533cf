"""Numbers computed with the code of the levels' sources (CPU, float32)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small gain nothing from a second thread, and wait for it on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def levels() -> dict[str, Tensor]:
    """`reference/levels.npz` as tensors: neurons, surrogates, normalisations, encoders, residual blocks."""
    with np.load(Path(__file__).parent / "reference" / "levels.npz") as arrays:
        return {name: torch.from_numpy(arrays[name].copy()) for name in arrays.files}
