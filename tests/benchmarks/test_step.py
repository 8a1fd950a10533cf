"""A whole training step against SpikingJelly, snnTorch, plain PyTorch and the bare convolutions, as ratios.

All take turns in one process, so that what else the machine does meets all alike; the figures are seconds on the clock,
the least of the rounds (`OMP_NUM_THREADS` decides how many threads work). Run with
`pytest tests/benchmarks/test_step.py -s` (extra `bench`); `STEP_ROUNDS` sets the rounds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from rivals import Convolutions, PlainParts, Rival, SnnTorchParts, SpikingJellyParts, ours, training_step

SIZES = {
    "cifar": {"depth": 2, "width": 32, "timesteps": 8, "channels": 3, "size": 32, "batch": 32},
    "small": {"depth": 1, "width": 8, "timesteps": 4, "channels": 1, "size": 8, "batch": 64},
}
ROUNDS = int(os.environ.get("STEP_ROUNDS", "5"))


def steps(name: str) -> dict[str, Callable[[], None]]:
    """What is compared."""
    sizes = SIZES[name]
    shape: dict[str, Any] = {key: sizes[key] for key in ("depth", "width", "timesteps", "channels")}
    x = torch.randn(sizes["batch"], sizes["channels"], sizes["size"], sizes["size"])
    target = torch.randint(0, 10, (sizes["batch"],))
    rivals = {"plain PyTorch": PlainParts(), "snnTorch": SnnTorchParts(), "SpikingJelly": SpikingJellyParts()}
    found = {rival: training_step(Rival(**shape, parts=parts), x, target) for rival, parts in rivals.items()}
    found["SpikingJelly, bf16"] = training_step(Rival(**shape, parts=SpikingJellyParts()), x, target, "bf16-mixed")
    for each in ("eager", "compiled"):
        found[f"ours, {each}"] = training_step(ours(each, **shape), x, target)
        found[f"ours, {each}, bf16"] = training_step(ours(each, **shape), x, target, "bf16-mixed")
    found["convolutions"] = Convolutions(**sizes).step
    return found


@pytest.mark.parametrize("name", SIZES)
def test_training_step(name: str) -> None:
    torch.manual_seed(0)
    compared = steps(name)
    seconds: dict[str, list[float]] = {each: [] for each in compared}
    for step in compared.values():
        step()
    repeats = 1 if name == "cifar" else 10
    for _ in range(ROUNDS):
        for each, step in compared.items():
            started = time.perf_counter()
            for _ in range(repeats):
                step()
            seconds[each].append((time.perf_counter() - started) / repeats)
    least = {each: min(values) for each, values in seconds.items()}
    best = min(least["SpikingJelly"], least["snnTorch"])
    print(f"\n{name}: {torch.get_num_threads()} threads, {ROUNDS} rounds")
    for each, value in least.items():
        print(
            f"{each:20} {1000 * value:9.1f} ms  {value / best:5.2f} x best rival  {value / least['convolutions']:5.2f}"
        )
    assert all(least.values())
