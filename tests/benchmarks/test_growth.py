"""How the time of a training step grows with timesteps, depth, width and batch, by back end, with fitted exponents.

One size is varied at a time around a small network; back ends take turns, the figures are the least of the rounds. The
exponent is the slope of log seconds over log size, least squares: 1 is proportional, below 1 there is a fixed share.
Run with `pytest tests/benchmarks/test_growth.py -s` (extra `bench`); `GROWTH_ROUNDS` sets the rounds, `GROWTH_BACKENDS`
the back ends (`eager,compiled`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from rivals import ours, training_step

AROUND = {"timesteps": 4, "depth": 1, "width": 16, "batch": 16}
VARIED = {"timesteps": (2, 4, 8, 16), "depth": (1, 2, 4), "width": (8, 16, 32, 64), "batch": (8, 16, 32, 64)}
SIDE = 16
ROUNDS = int(os.environ.get("GROWTH_ROUNDS", "3"))
BACKENDS: Any = os.environ.get("GROWTH_BACKENDS", "eager,compiled").split(",")


def step(backend: str, sizes: dict[str, int]) -> Callable[[], None]:
    shape = {name: sizes[name] for name in ("timesteps", "depth", "width")}
    x, target = torch.randn(sizes["batch"], 3, SIDE, SIDE), torch.randint(0, 10, (sizes["batch"],))
    return training_step(ours(backend, **shape, channels=3), x, target)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def test_the_exponent_is_that_of_a_power() -> None:
    assert exponent([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0]) == pytest.approx(2)


@pytest.mark.parametrize("varied", VARIED)
def test_growth(varied: str) -> None:
    torch.manual_seed(0)
    compared = {(each, size): step(each, AROUND | {varied: size}) for size in VARIED[varied] for each in BACKENDS}
    least = dict.fromkeys(compared, float("inf"))
    for run in compared.values():
        run()
    for _ in range(ROUNDS):
        for case, run in compared.items():
            started = time.perf_counter()
            run()
            least[case] = min(least[case], time.perf_counter() - started)
    print(f"\n{varied}, else {AROUND} on {SIDE} x {SIDE} images; {torch.get_num_threads()} threads, {ROUNDS} rounds")
    for backend in BACKENDS:
        seconds = [least[backend, size] for size in VARIED[varied]]
        shown = "  ".join(f"{size}: {1000 * each:.1f}" for size, each in zip(VARIED[varied], seconds, strict=True))
        print(f"{backend:9} ms at {shown}   exponent {exponent(VARIED[varied], seconds):.2f}")
    assert all(least.values())
