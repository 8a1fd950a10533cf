"""Everything that is measured on a trained network, in one pass over the validation part."""

from __future__ import annotations

from typing import Any

from lightning_modules import diagnostics, energy
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.module import TensorData
from lightning_modules.energy import Cost
from lightning_modules.evaluation import run_through
from lightning_modules.operations import counted


def examine(classifier: SpikingClassifier, data: TensorData) -> tuple[Cost, list[dict[str, Any]]]:
    """What `energy.measure` and `diagnostics.diagnose` find; the classifier is left as it is."""
    with counted(classifier.network) as counts, diagnostics.watched(classifier.network) as seen:
        samples = run_through(classifier, data.val_dataloader())
    return energy.cost(counts, samples), diagnostics.rows(diagnostics.gradient_norms(classifier, data), seen)
