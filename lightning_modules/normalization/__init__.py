"""Normalisations of a convolution's output over time: `[T, N, C, ...]` to the same shape."""

from __future__ import annotations

from lightning_modules.normalization.base import NoNorm, Normalization
from lightning_modules.normalization.batch import (
    BatchNorm,
    MembraneBatchNorm,
    MembraneNorm,
    SecondMomentNorm,
    StepBatchNorm,
    ThresholdBatchNorm,
)
from lightning_modules.normalization.batch_free import GroupNorm, LayerNorm
from lightning_modules.normalization.temporal import BatchNormThroughTime, TemporalEffectiveBatchNorm

__all__ = [
    "BatchNorm",
    "BatchNormThroughTime",
    "GroupNorm",
    "LayerNorm",
    "MembraneBatchNorm",
    "MembraneNorm",
    "NoNorm",
    "Normalization",
    "SecondMomentNorm",
    "StepBatchNorm",
    "TemporalEffectiveBatchNorm",
    "ThresholdBatchNorm",
]
