"""Passes compiled for the CPU, made when first needed and kept for the life of the process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from lightning_modules.kernels import passes
from lightning_modules.kernels.form import Form
from lightning_modules.surrogate import Surrogate

_VARIANTS = 512


def loops(steps: int, form: Form, surrogate: Surrogate, *, affine: bool, shared: bool) -> Loops:
    """The compiled passes of one form of neuron; its numbers may be any."""
    numbers = tuple(sorted((name, value) for name, value in vars(surrogate).items() if isinstance(value, float | int)))
    return _loops(steps, form, _Kind(surrogate, numbers), affine, shared)


def moments(y: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """`passes.moments`."""
    found: tuple[Tensor, Tensor] = _function(passes.moments)(y, centre)
    return found


def finish(
    grad: Tensor, y: Tensor, mean: Tensor, scale: Tensor, level: Tensor, slope: Tensor, *, overwrite: bool
) -> Tensor:
    """`passes.finish`."""
    found: Tensor = _function(passes.finish)(grad, y, mean, scale, level, slope, overwrite)
    return found


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
def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    return _compile(function)


@cache
def _loops(steps: int, form: Form, kind: _Kind, affine: bool, shared: bool) -> Loops:
    return Loops(passes.Passes(steps, form, kind.surrogate, affine=affine, shared=shared))


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    # One limit holds for all variants of a function together: kinds of neurons, types, borders of shapes.
    torch._dynamo.config.recompile_limit = max(_VARIANTS, torch._dynamo.config.recompile_limit)
    torch._dynamo.config.accumulated_recompile_limit = max(_VARIANTS, torch._dynamo.config.accumulated_recompile_limit)
    # Loops that ask for the number of threads when they run serve workers with any number of them from one cache.
    compiled: Callable[..., Any] = torch.compile(
        function, dynamic=True, fullgraph=True, options={"cpp.dynamic_threads": True}
    )
    return compiled
