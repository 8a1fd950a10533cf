"""Whether kernels can be compiled on this machine, and when it pays. No torch: planning asks too."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from typing import Literal

from lightning_modules.kernels import library

Backend = Literal["auto", "eager", "compiled", "triton"]

WORTH_A_STUDY = 1e8
"""Updates of neurons in training above which compilation pays: it takes a second, and saves 10 ns each."""
WORTH_A_LAYER = 4_000_000
"""Updates of one layer in one forward pass above which a network that was told nothing compiles it."""


@cache
def unavailable() -> str | None:
    """Why nothing can be compiled here, in words; None if it can."""
    return library.problem()


def interpreted() -> bool:
    """Whether Triton's interpreter stands in for a GPU, for tests: slow, and on the CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@cache
def without_triton() -> str | None:
    """Why there are no kernels for GPUs here, in words; None if there are."""
    return None if importlib.util.find_spec("triton") else "the package triton is missing (extra triton)"


def updates_a_sample(*, depth: int, width: int, timesteps: int, height: int, width_of_input: int) -> float:
    """Neuron updates of one sample: the stem and three stages of 2 depth layers, at 1, 1/2 and 1/4 of its neurons."""
    return timesteps * width * height * width_of_input * (1 + 3.5 * depth)
