"""Random streams keyed by (seed, purpose, ...): what two cells of a study share is drawn alike, the rest independently.

Nothing here reads or changes torch's global generator. Where a draw must not depend on how samples were batched
(encoder noise, augmentation), numbers come from a counter instead of a generator: `uniform`.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.neuron import Neuron

_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
_FIRST = 0xBF58476D1CE4E5B9 - (1 << 64)
_SECOND = 0x94D049BB133111EB - (1 << 64)
_BITS = 24


def stream_seed(seed: int, *purpose: str | int) -> int:
    """A seed of 63 bits for one purpose: the first bytes of a sha256 over the seed and the purpose.

    Args:
        seed: the seed block.
        purpose: what the numbers are for, from the general to the particular (`"order", epoch`).
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator of its own for one purpose."""
    return torch.Generator().manual_seed(stream_seed(seed, *purpose))


def uniform(seed: int, purpose: str, epoch: int, samples: Tensor, steps: int, shape: tuple[int, ...]) -> Tensor:
    """Numbers in [0, 1) that depend on (seed, purpose, epoch, sample, step, position) and on nothing else.

    The same on CPU and GPU, in whatever batches the samples come; the first steps agree between different `steps`.
    SplitMix64 (Steele, Lea and Flood 2014), keyed anew for each sample and for each step.

    Args:
        samples: indices of the samples, int64 `[N]`; the result is on their device.
        steps: T.
        shape: shape of one draw, for instance `(C, H, W)`.

    Returns:
        float32 `[T, N, *shape]`, multiples of 2^-24.
    """
    device = samples.device
    by_sample = _mix(samples.long() * _GOLDEN + stream_seed(seed, purpose, epoch))
    by_step = _mix(by_sample + _counters(steps, device)[:, None])
    words = _mix(by_step[:, :, None] + _counters(math.prod(shape), device))
    top = words.bitwise_right_shift_(64 - _BITS).bitwise_and_((1 << _BITS) - 1)
    return top.to(torch.float32).mul_(2.0**-_BITS).view(steps, len(samples), *shape)


def _counters(count: int, device: torch.device) -> Tensor:
    return torch.arange(1, count + 1, device=device) * _GOLDEN


def _mix(words: Tensor) -> Tensor:
    """SplitMix64's output function, in place on int64 words that wrap around."""
    words ^= _shifted(words, 30)
    words *= _FIRST
    words ^= _shifted(words, 27)
    words *= _SECOND
    words ^= _shifted(words, 31)
    return words


def _shifted(words: Tensor, places: int) -> Tensor:
    """Right shift that fills with zeros; torch's keeps the sign."""
    return (words >> places).bitwise_and_((1 << (64 - places)) - 1)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw every random parameter of a network anew, each from a stream keyed by its name and shape.

    Networks that differ in one level then start from the same values wherever they have parameters in common.

    Args:
        network: has `initialization`, a callable `(weight, generator) -> None` for convolutions and linear layers.
            Neurons with random weights draw them in `reset_parameters(generator)`; all else starts at fixed values.
        seed: the seed block.
    """
    draw: Any = network.initialization
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            draw(module.weight, generator(seed, "initialization", f"{name}.weight", *module.weight.shape))
        elif isinstance(module, Neuron) and (redraw := getattr(module, "reset_parameters", None)) is not None:
            redraw(generator(seed, "initialization", name))
