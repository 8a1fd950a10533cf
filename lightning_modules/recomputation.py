"""Activations that are computed again in the backward pass instead of being kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recomputed(block: nn.Module, x: Tensor) -> Tensor:
    """`block(x)`, of which x alone is kept for the backward pass (Chen et al. 2016, arXiv 1604.06174).

    Values, gradients and running statistics are those of the plain call: the second time, random numbers are the same,
    statistics are updated in copies that are thrown away, and forward hooks are not called again.
    """
    hooked = {module for module in block.modules() if module._forward_hooks}

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _again(block, hooked)

    computed: Tensor = checkpoint(block, x, use_reentrant=False, context_fn=contexts)
    return computed


@contextmanager
def _again(block: nn.Module, hooked: Collection[nn.Module]) -> Iterator[None]:
    """Update copies of the buffers, and show nothing to hooks; a layer that was watched still has one, since it may
    compute in another way then."""
    buffers = [(each, name, buffer) for each in block.modules() for name, buffer in each._buffers.items()]
    hooks = [(each, each._forward_hooks) for each in block.modules()]
    for module, name, buffer in buffers:
        module._buffers[name] = None if buffer is None else buffer.clone()
    for module, _ in hooks:
        module._forward_hooks = OrderedDict({0: _unseen} if module in hooked else {})
    try:
        yield
    finally:
        for module, seen in hooks:
            module._forward_hooks = seen
        for module, name, buffer in buffers:
            module._buffers[name] = buffer


def _unseen(module: nn.Module, inputs: Any, output: Any) -> None:
    """Nobody looks the second time."""
