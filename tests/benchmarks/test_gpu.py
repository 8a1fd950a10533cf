"""Training steps on a CUDA GPU: S-ResNet38 on 32 x 32 images against others, our kernels' bandwidth, stacked seeds.

Rivals take turns in one process; the figures are medians of CUDA events around several steps. SpikingJelly takes the
implementation of its neurons that `SJ_LIF_CUDA_IMPLEMENTATION` names (auto, cuda, triton, torch); by itself the fastest
that is there. `pytest tests/benchmarks/test_gpu.py -m gpu -s` (extra `bench`); `GPU_ROUNDS` sets the rounds.

Aims: 8 times the steps of plain PyTorch, 1.5 times SpikingJelly's, half its memory, 60 % of the bandwidth of a copy.
"""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
import torch
from rivals import Convolutions, PlainParts, Rival, SpikingJellyParts, ours, training_step
from test_stacked import members
from test_stacked import step as step_of_seeds

from lightning_modules.kernels.compiler import Backend
from lightning_modules.layers import Layers
from lightning_modules.precision import Precision, cuda_arithmetic
from lightning_modules.stacking import StackedClassifier

DEVICE = "cuda"
BACKENDS: tuple[Backend, ...] = ("eager", "triton")
ROUNDS = int(os.environ.get("GPU_ROUNDS", "9"))
NETWORK = {"depth": 6, "width": 32, "channels": 3}
SIDE, BATCH = 32, 32
LAYER = (BATCH, 32, SIDE, SIDE)
TIMESTEPS = (8, 50)
SEEDS = (1, 2, 5, 10)
pytestmark = [pytest.mark.gpu, pytest.mark.timeout(0)]

Step = Callable[[], object]


def milliseconds(step: Step, repeats: int = 1) -> float:
    """Time on the device from the first to the last of `repeats` steps, for one of them."""
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    first.record()
    for _ in range(repeats):
        step()
    last.record()
    torch.cuda.synchronize()
    return float(first.elapsed_time(last)) / repeats


def in_turns(steps: Mapping[str, Step], repeats: int = 1) -> dict[str, float]:
    """Median milliseconds of each, after two steps that warm up."""
    for step in steps.values():
        step()
        step()
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            found[name].append(milliseconds(step, repeats))
    return {name: median(values) for name, values in found.items()}


def peak(step: Step) -> float:
    """Most megabytes that a step holds at once, beside what lay there before."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def compared(timesteps: int, precision: Precision) -> dict[str, Step]:
    """What is compared in one precision."""
    shape: dict[str, Any] = {**NETWORK, "timesteps": timesteps}
    x = torch.randn(BATCH, NETWORK["channels"], SIDE, SIDE, device=DEVICE)
    target = torch.randint(0, 10, (BATCH,), device=DEVICE)
    networks = {"plain PyTorch": lambda: Rival(**shape, parts=PlainParts())}
    if importlib.util.find_spec("spikingjelly"):
        networks["SpikingJelly"] = lambda: Rival(**shape, parts=SpikingJellyParts())
    networks |= {f"ours, {each}": lambda each=each: ours(each, **shape) for each in BACKENDS}  # type: ignore[misc]
    steps = {name: training_step(make().to(DEVICE), x, target, precision) for name, make in networks.items()}
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    steps["convolutions"] = Convolutions(**shape, size=SIDE, batch=BATCH, device=DEVICE, dtype=dtype).step
    return {name: step for name, step in steps.items() if name.startswith("ours") or able(name, step)}


def able(name: str, step: Step) -> bool:
    """Whether somebody else's step can be done here; if not, one line says why."""
    try:
        step()
    except (RuntimeError, ImportError, TypeError) as error:
        print(f"{name} cannot run here: {str(error).splitlines()[0]}")
        return False
    return True


@contextmanager
def measured(what: str, precision: Precision = "32-true") -> Iterator[None]:
    """Arithmetic as in a run, on a device that holds nothing of the measurement before."""
    gc.collect()
    torch.cuda.empty_cache()
    print(f"\n{what}; {torch.cuda.get_device_name()}, torch {torch.__version__}, median of {ROUNDS}")
    with cuda_arithmetic(precision, torch.device(DEVICE)):
        yield


@pytest.mark.parametrize("precision", ["32-true", "tf32", "bf16-mixed"])
@pytest.mark.parametrize("timesteps", TIMESTEPS)
def test_training_steps_of_s_resnet38(timesteps: int, precision: Precision) -> None:
    with measured(f"S-ResNet38, T {timesteps}, batch {BATCH}, {precision}", precision):
        steps = compared(timesteps, precision)
        times = in_turns(steps)
        memory = {name: peak(step) for name, step in steps.items()}
    rivals = [name for name in ("plain PyTorch", "SpikingJelly", "convolutions") if name in times]
    print(f"{'':16} {'ms':>9} {'MB':>9}  " + "  ".join(f"x {rival}" for rival in rivals))
    for name, value in times.items():
        gains = "  ".join(f"{times[rival] / value:>{len(rival) + 2}.2f}" for rival in rivals)
        print(f"{name:16} {value:9.1f} {memory[name]:9.0f}  {gains}")
    print("aims for ours: 8 x plain PyTorch, 1.5 x SpikingJelly in half its MB")
    assert all(times.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("timesteps", TIMESTEPS)
def test_bandwidth_of_the_kernels(timesteps: int, dtype: torch.dtype) -> None:
    """Of what has to move: forward the input twice and the spikes once; backward the input twice, the gradient that
    comes once and the one that goes three times. What is moved beside that counts for nothing."""
    shape = (timesteps, *LAYER)
    with measured(f"bn and lif on {shape}, {dtype}"):
        images = torch.randn(shape, device=DEVICE, dtype=dtype).flatten(0, 1)
        x = images.contiguous(memory_format=torch.channels_last).view(shape).requires_grad_()
        layer = Layers(timesteps, "bn", "lif").norm_fire(LAYER[1]).to(DEVICE)
        layer.backend = "triton"
        spikes = layer(x)
        grad = torch.randn_like(spikes)
        other = torch.empty_like(grad)
        times = in_turns(
            {
                "copy": lambda: other.copy_(grad),
                "forward": lambda: layer(x),
                "backward": lambda: torch.autograd.grad(spikes, x, grad, retain_graph=True),
            },
            repeats=5,
        )
    size = x.numel() * x.element_size()
    speed = {name: passes * size / times[name] / 1e6 for name, passes in (("copy", 2), ("forward", 3), ("backward", 6))}
    for name, value in speed.items():
        print(f"{name:9} {times[name]:8.2f} ms {value:8.0f} GB/s  {value / speed['copy']:5.2f} of a copy (aim 0.60)")
    assert all(speed.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_seeds_at_once(backend: str) -> None:
    """The network of the quickstart: what a seed takes in a stack, against one by itself."""
    drawn = (torch.rand(64, 1, 8, 8), torch.randint(0, 10, (64,)), torch.arange(64))
    batch = tuple(part.to(DEVICE) for part in drawn)
    with measured(f"seeds at once, network of the quickstart, {backend}"):
        for count in SEEDS:
            stack, single = StackedClassifier(members(count)).to(DEVICE), members(1)[0].to(DEVICE)
            for network in (stack.folded.network, single.network):
                network.use_backend(backend)
            steps = {"stack": step_of_seeds(stack, [batch] * count), "single": step_of_seeds(single, batch)}
            times = in_turns(steps, repeats=20)
            each, alone = times["stack"] / count, times["single"]
            print(f"{count:3} seeds {each:7.2f} ms a seed, single {alone:7.2f} ms, gain {alone / each:5.2f}")
            assert each > 0
