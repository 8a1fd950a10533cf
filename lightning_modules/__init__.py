"""The science: networks, training and data. Torch is loaded when something is built, not on import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

__all__ = ["create"]


def create(axis: str, level: str, **options: Any) -> nn.Module:
    """Build one level of an axis from its name; see `lightning_modules.building.create`."""
    from lightning_modules.building import create as build

    return build(axis, level, **options)
