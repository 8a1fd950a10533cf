"""Peak memory of training with many timesteps, against SpikingJelly, snnTorch and plain PyTorch step by step.

Each in a process of its own, since an allocator keeps what it once had: resident memory at its peak, less what it was
before the first step. Run with `pytest tests/benchmarks/test_memory.py -s` (extra `bench`).
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SIZES = {"depth": 2, "width": 32, "timesteps": 50, "channels": 3}
BATCH = 8
NAMES = (
    "SpikingJelly", "snnTorch", "plain PyTorch", "eager", "compiled", "eager, bf16", "compiled, bf16",
    "eager, recomputed", "compiled, recomputed", "compiled, bf16, recomputed",
)  # fmt: skip


def peak(name: str) -> float:
    """Megabytes that two training steps need, in this process."""
    import torch
    from rivals import PlainParts, Rival, SnnTorchParts, SpikingJellyParts, ours, training_step

    torch.manual_seed(0)
    parts: dict[str, Any] = {"SpikingJelly": SpikingJellyParts, "snnTorch": SnnTorchParts, "plain PyTorch": PlainParts}
    backend, *how = name.split(", ")
    network = Rival(**SIZES, parts=parts[name]()) if name in parts else ours(backend, **SIZES)
    network.checkpoint_activations = "recomputed" in how  # type: ignore[assignment]
    x, target = torch.randn(BATCH, 3, 32, 32), torch.randint(0, 10, (BATCH,))
    step = training_step(network, x, target, "bf16-mixed" if "bf16" in how else "32-true")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


@pytest.mark.timeout(0)
def test_peak_memory() -> None:
    found = {}
    for name in NAMES:
        done = subprocess.run(
            [sys.executable, "-c", f"from test_memory import peak; print(peak({name!r}))"],
            cwd=Path(__file__).parent, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found[name] = float(done.stdout.split()[-1])
    print(f"\nT = {SIZES['timesteps']}, batch {BATCH}")
    for name, megabytes in found.items():
        print(f"{name:26} {megabytes:7.0f} MB  {megabytes / found['SpikingJelly']:5.2f} x SpikingJelly")
    assert min(found.values()) > 0
