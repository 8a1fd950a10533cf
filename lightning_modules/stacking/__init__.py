"""Several seeds of one cell trained at once: their networks side by side in the channels of one network."""

from __future__ import annotations

from lightning_modules.stacking.classifier import StackedBatches, StackedClassifier
from lightning_modules.stacking.folding import Folded, Unstackable

__all__ = ["Folded", "StackedBatches", "StackedClassifier", "Unstackable"]
