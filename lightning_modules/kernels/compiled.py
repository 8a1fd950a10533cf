"""Passes compiled for the CPU, made when first needed and kept for the life of the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from lightning_modules.kernels import passes
from lightning_modules.kernels.eager import Dynamics
from lightning_modules.surrogate import ATan, FastSigmoid, Rectangle, Sigmoid, Surrogate, Triangle

LONGEST = 10
"""Steps that one loop unrolls at most; more are done in segments."""

_SURROGATES = (Triangle, Rectangle, ATan, Sigmoid, FastSigmoid)
_VARIANTS = 512


def compilable(surrogate: object) -> bool:
    """Whether a surrogate is one whose derivative is known to compile."""
    return type(surrogate) in _SURROGATES


def segments(timesteps: int) -> list[slice]:
    """Cuts T steps into as few lengths as possible, each at most `LONGEST`: equal ones where T allows it."""
    fitting = [length for length in range(5, LONGEST + 1) if timesteps % length == 0]
    length = timesteps if timesteps <= LONGEST else max(fitting, default=8)
    return [slice(start, min(start + length, timesteps)) for start in range(0, timesteps, length)]


def loops(steps: int, dynamics: Dynamics, surrogate: Surrogate, *, affine: bool, shared: bool) -> Loops:
    """The compiled passes of one kind of neuron; its leak and threshold may be any."""
    kind = replace(dynamics, leak=0.0, threshold=1.0, gain=1.0 if dynamics.gain == 1 else 0.5)
    numbers = tuple(sorted((name, value) for name, value in vars(surrogate).items() if isinstance(value, float | int)))
    return _loops(steps, kind, _Kind(surrogate, numbers), affine, shared)


@cache
def moments() -> Callable[..., Any]:
    """Compiled `passes.moments`."""
    return _compile(passes.moments)


@cache
def finish() -> Callable[..., Any]:
    """Compiled `passes.finish`."""
    return _compile(passes.finish)


class Loops:
    """Compiled `Passes.fire` and `Passes.differentiate`."""

    def __init__(self, made: passes.Passes) -> None:
        self.fire = _compile(made.fire)
        self.differentiate = _compile(made.differentiate)


class _Kind:
    """A surrogate that equals every other one of its type and numbers."""

    def __init__(self, surrogate: Surrogate, numbers: tuple[Any, ...]) -> None:
        self.surrogate = surrogate
        self._key = (type(surrogate), numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kind) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@cache
def _loops(steps: int, dynamics: Dynamics, kind: _Kind, affine: bool, shared: bool) -> Loops:
    return Loops(passes.Passes(steps, dynamics, kind.surrogate, affine=affine, shared=shared))


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    # One limit holds for all variants of a function together: kinds of neurons, types, borders of shapes.
    torch._dynamo.config.recompile_limit = max(_VARIANTS, torch._dynamo.config.recompile_limit)
    torch._dynamo.config.accumulated_recompile_limit = max(_VARIANTS, torch._dynamo.config.accumulated_recompile_limit)
    # Loops that ask for the number of threads when they run serve workers with any number of them from one cache.
    compiled: Callable[..., Any] = torch.compile(
        function, dynamic=True, fullgraph=True, options={"cpp.dynamic_threads": True}
    )
    return compiled
