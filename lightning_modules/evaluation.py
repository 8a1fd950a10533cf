"""A trained network on its data: one pass, and accuracy when it may only look at the first t of its T steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.batches import Batch
from lightning_modules.early_steps import RightByStep


def run_through(classifier: SpikingClassifier, batches: Iterable[Batch]) -> int:
    """Show the network all batches in evaluation mode and without gradients, for hooks to see; keeps its mode.

    Returns:
        The number of samples.
    """
    was_training, samples = classifier.training, 0
    classifier.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                x, _, sample_index = (part.to(classifier.device) for part in batch)
                classifier.outputs(x, classifier.noise(x, sample_index, training=False))
                samples += len(x)
    finally:
        classifier.train(was_training)
    return samples


def accuracy_by_steps(
    classifier: SpikingClassifier, batches: Iterable[Batch], steps: Sequence[int]
) -> dict[int, float]:
    """Accuracy, as a fraction, of the readout cut after each of `steps`; one pass over the data serves all.

    Args:
        classifier: in evaluation mode; its encoder noise is the evaluation's.
        batches: `(x, y, sample_index)`, the images in the encoder's input range.
        steps: numbers of inference steps, each from 1 to T.

    Raises:
        ValueError: for a number of steps that the network does not run, or one below T where its neurons see the
            future.
    """
    right = RightByStep(classifier.network, steps)
    with torch.inference_mode():
        for x, target, sample_index in batches:
            right.add(classifier.outputs(x, classifier.noise(x, sample_index, training=False)), target)
    return {t: accuracy.item() for t, accuracy in right.accuracies().items()}
